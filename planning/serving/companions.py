"""What is served beside a model: its arguments, its repositories, and what is wrong with it.

The server is offline and a path needs no lookup: --lora-modules has no revision, and vLLM would ask for `main`
(lora/utils.py, get_adapter_absolute_path).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from planning.architectures.described import check_architecture
from planning.architectures.shape import Architecture
from planning.findings import Findings
from planning.memory.companions import DRAFT_FLAGS, drafting, slot_rank, slots
from planning.memory.quantization import Source, plan_weights
from planning.model import CHAT_TEMPLATE_FILE, HUB_CACHE, RepositoryPlan
from planning.nodes.pools import Pool
from planning.serving.engine_args import place_of
from planning.serving.files import repository
from planning.serving.model_checks import check_token, start_of
from planning.starting.start import check_start, stored_as
from planning.versions.arguments import flag_value
from planning.versions.vllm_versions import Version
from settings.beside import DraftMethod
from settings.models import Model, Quantization

# The first of these that there is (vLLM, lora/lora_model.py, from_local_checkpoint).
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_model.bin", "adapter_model.pt")
LANGUAGE_ONLY = "--language-model-only"
# What the model's own checks have said: GPU and types are the same for both.
RULES_TOLD_OF_THE_MODEL = ("gpu-too-old", "dtype-gpu", "kv-cache-gpu")


def companion_args(model: Model, version: Version) -> Iterator[str]:
    """Arguments for adapters, draft model and template."""
    if model.lora_adapters:
        many = slots(model, version)
        yield from ("--enable-lora", f"--max-lora-rank={slot_rank(model)}")
        if flag_value(model, "--max-loras", version) is None:
            yield f"--max-loras={many}"
        if flag_value(model, "--max-cpu-loras", version) is None:
            # The others wait in the pod's memory, not on its disk.
            yield f"--max-cpu-loras={max(many, len(model.lora_adapters))}"
        yield "--lora-modules"
        yield from (
            f"{lora_adapter.name}={snapshot(lora_adapter.source, lora_adapter.revision)}"
            for lora_adapter in model.lora_adapters
        )
    if (draft := model.draft_model) is not None:
        config = {
            "method": draft.method.value,
            "model": snapshot(draft.source, draft.revision),
            "num_speculative_tokens": draft.num_speculative_tokens,
        }
        yield f"--speculative-config={json.dumps(config)}"
    if model.chat_template is not None:
        yield f"--chat-template={CHAT_TEMPLATE_FILE}"


def snapshot(source: str, revision: str) -> str:
    """Where the downloader leaves a revision (huggingface_hub, file_download.py: repo_folder_name, snapshots)."""
    return f"{HUB_CACHE}/models--{source.replace('/', '--')}/snapshots/{revision}"


def companion_repositories(model: Model) -> tuple[RepositoryPlan, ...]:
    """What the downloader brings beside the model's own, each once."""
    repositories = [
        RepositoryPlan(lora_adapter.source, lora_adapter.revision, ADAPTER_FILES)
        for lora_adapter in model.lora_adapters
    ]
    if model.draft_model is not None:
        repositories.append(repository(model.draft_model.source, model.draft_model.revision))
    return tuple(dict.fromkeys(repositories))


def check_companions(
    model: Model,
    known: Architecture | None,
    version: Version,
    pool: Pool | None,
    stack: str,
    path: str,
    findings: Findings,
) -> None:
    """Adapters, draft model and template, also against the user's own arguments."""
    _check_adapters(model, version, path, findings)
    if model.chat_template is not None:
        _check_alone(model, "--chat-template", "chatTemplate", version, path, findings)
    if model.draft_model is not None:
        for flag in DRAFT_FLAGS:
            _check_alone(model, flag, "draftModel", version, path, findings)
        # Heads are no model of their own: the table has none, and they are as large as a layer of the model.
        own = model.draft_model.method is DraftMethod.DRAFT_MODEL
        described = own or model.draft_model.architecture is not None
        draft = check_architecture(drafting(model), f"{path}.draftModel", findings) if described else None
        check_token(drafting(model), draft, stack, path, findings)
        _check_draft(model, draft, version, pool, f"{path}.draftModel", findings)
        if own and draft is not None and known is not None:
            _check_pair(model, known, draft, version, f"{path}.draftModel", findings)


def _check_alone(model: Model, flag: str, setting: str, version: Version, path: str, findings: Findings) -> None:
    index = place_of(model, flag, version)
    if index is not None:
        where = f"{path}.extraArgs[{index}]"
        findings.error(where, "planned-argument", f"{flag} is set by {setting}", "remove one of the two")


def _check_adapters(model: Model, version: Version, path: str, findings: Findings) -> None:
    own = model.answers_to
    places = {own: f"{path}.servedName" if model.served_name else f"{path}.source"}
    for index, adapter in enumerate(model.lora_adapters):
        where = f"{path}.loraAdapters[{index}]"
        before = places.setdefault(adapter.name, f"{where}.name")
        if before != f"{where}.name":
            message = f"{adapter.name} is what clients already get by {before}"
            fix = "choose another name"
            findings.error(f"{where}.name", "served-name-twice", message, fix)
        if adapter.source == model.model_id:
            message = f"{adapter.source} is the model itself"
            fix = "write the repository that holds adapter_config.json"
            findings.error(f"{where}.source", "adapter-base", message, fix)
    if model.lora_adapters:
        _check_slots(model, version, path, findings)


def _check_slots(model: Model, version: Version, path: str, findings: Findings) -> None:
    """The numbers that the user may give, as vLLM judges them (config/lora.py, _validate_lora_config)."""
    fewest = 1
    for flag in ("--max-loras", "--max-cpu-loras"):
        asked = flag_value(model, flag, version)
        if asked is not None and not (asked.isdigit() and int(asked) >= fewest):
            where = f"{path}.extraArgs[{place_of(model, flag, version)}]"
            message = f"{flag}={asked}: vLLM does not start with that"
            fix = f"write {fewest} or more, or leave it out"
            findings.error(where, "adapter-slots", message, fix)
        fewest = slots(model, version)


def _check_draft(
    model: Model, known: Architecture | None, version: Version, pool: Pool | None, path: str, findings: Findings
) -> None:
    """The list of checks that the model passes too. `known`: the draft's shape."""
    draft = drafting(model)
    where = f"{path}.source"
    if draft.origin == model.origin:
        findings.error(where, "draft-itself", f"{draft.source} is the model itself", "write a smaller one")
    stored, layout = stored_as(draft.source, known)
    weights = plan_weights("none", Source(draft.source, stored, known is not None), version, where, findings)
    # vLLM runs it on as many GPUs as the model, and cuts its context to the model's (config/speculative.py).
    longest = min(model.max_model_len, known.max_position_embeddings) if known else model.max_model_len
    asked = draft.model_copy(update={"max_model_len": longest, "quantization": Quantization.NONE})
    doubted = Findings()
    place = {"tensorParallel": f"{path.rpartition('.')[0]}.tensorParallel"}  # it is one number for both
    check_start(start_of(asked, known, weights, layout, version, pool), lambda name: place.get(name, where), doubted)
    for finding in doubted.all():
        if finding.rule not in RULES_TOLD_OF_THE_MODEL:
            findings.add(finding)
    message = "rates and replicas are those of the model alone"
    findings.warning(path, "draft-throughput", message, "measure what drafts save before you count on it")


def _check_pair(
    model: Model, known: Architecture, draft: Architecture, version: Version, path: str, findings: Findings
) -> None:
    where = f"{path}.source"
    if draft.vocab_size != known.vocab_size:
        findings.error(
            where,
            "draft-vocabulary",
            f"{draft.model_id} has a vocabulary of {draft.vocab_size}, {known.model_id} one of {known.vocab_size}: "
            "vLLM does not start (config/speculative.py, verify_equal_vocab_size_if_draft_model)",
            "write a draft model of the same vocabulary, or leave draftModel out",
        )
    elif draft.active_parameters >= known.active_parameters:
        message = f"{draft.model_id} is as large as the model: drafts cost more than they save"
        fix = "write a smaller one"
        findings.warning(where, "draft-size", message, fix)
    if known.vision_parameters and flag_value(model, LANGUAGE_ONLY, version) is None:
        message = f"{model.model_id} reads pictures, and some releases of vLLM refuse a draft model beside such a one"
        fix = f"write {LANGUAGE_ONLY} in extraArgs if yours does"
        findings.warning(f"{path}.method", "draft-multimodal", message, fix)


def check_served_names(models: tuple[Model, ...], findings: Findings) -> None:
    """An adapter that is called as another model of the stack: routing by name cannot tell them apart."""
    names = {model.answers_to: index for index, model in enumerate(models)}
    for place, model in enumerate(models):
        for index, adapter in enumerate(model.lora_adapters):
            other = names.get(adapter.name, place)
            if other != place:
                findings.error(
                    f"models[{place}].loraAdapters[{index}].name",
                    "served-name-twice",
                    f"{adapter.name} is the name of models[{other}] {models[other].name}",
                    "choose another name",
                )
