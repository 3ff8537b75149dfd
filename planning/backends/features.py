"""The features that a stack file can ask of a backend, and the refusal where its backend does not do one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from planning.backends.table import NO, YES, Cell, backends, features, rendered
from planning.findings import Findings, listed
from planning.versions import pins
from settings.autoscaling import BackendScaling, HpaScaling, KedaScaling, NoScaling
from settings.models import Drain, EmptyDirCache, Model, VolumeCache
from settings.shared_files import keeps_compiled, reads_shared
from settings.sources import HubSource
from settings.stack import StackSettings

Asker = TypeVar("Asker")


@dataclass(frozen=True)
class Feature(Generic[Asker]):
    """What a model or a gateway (`Asker`) may ask for. `setting`: below its section, where it is asked for; `asked`:
    whether it is; `words`: what it is."""

    name: str
    words: str
    setting: str
    asked: Callable[[Asker], bool]


def _schedules(model: Model) -> bool:
    scaling = model.autoscaling
    return isinstance(scaling, HpaScaling | KedaScaling) and bool(scaling.schedules)


def _own_image(model: Model) -> bool:
    """The digest of the pinned one is no other image."""
    return model.image.repository != pins.VLLM.repository or model.image.tag not in (None, pins.VLLM.tag)


def _own_name(model: Model) -> bool:
    return model.served_name is not None and model.served_name != model.name


def _elsewhere(model: Model) -> bool:
    return not isinstance(model.origin, HubSource)


FEATURES: tuple[Feature[Model], ...] = (
    Feature("tensor-parallel", "several GPUs of one node", "tensorParallel", lambda m: m.tensor_parallel > 1),
    Feature("pipeline-parallel", "stages of layers", "pipelineParallel", lambda m: m.pipeline_parallel > 1),
    Feature("multi-node", "one replica on several nodes", "nodes", lambda m: m.nodes > 1),
    Feature("lora", "LoRA adapters", "loraAdapters", lambda m: bool(m.lora_adapters)),
    Feature("draft-model", "a draft model", "draftModel", lambda m: m.draft_model is not None),
    Feature("chat-template", "a chat template of your own", "chatTemplate", lambda m: m.chat_template is not None),
    Feature("extra-args", "further arguments of vLLM", "extraArgs", lambda m: bool(m.extra_args)),
    Feature("served-name", "another name than the model's own", "servedName", _own_name),
    Feature("secret-env", "environment variables from Secrets", "secretEnv", lambda m: bool(m.secret_env)),
    Feature("own-image", "another image", "image.repository", _own_image),
    Feature("volume-cache", "weights on a volume", "cache.kind", lambda m: isinstance(m.cache, VolumeCache)),
    Feature("efs-cache", "weights on the stack's file system", "cache.kind", reads_shared),
    Feature("compile-cache", "what it compiles, kept", "compileCache", keeps_compiled),
    Feature("warm-up", "a completion before a server is Ready", "warmUp", lambda m: m.warm_up),
    Feature(
        "pod-cache",
        "weights that each pod downloads",
        "cache.kind",
        lambda m: isinstance(m.cache, EmptyDirCache) and not _elsewhere(m),
    ),
    Feature("other-source", "weights that are not the Hub's", "source", _elsewhere),
    Feature("token", "a Hugging Face token", "tokenSecret", lambda m: m.token_secret is not None),
    Feature("hpa", "a HorizontalPodAutoscaler", "autoscaling.kind", lambda m: isinstance(m.autoscaling, HpaScaling)),
    Feature("keda", "KEDA", "autoscaling.kind", lambda m: isinstance(m.autoscaling, KedaScaling)),
    Feature("fixed", "a fixed number of replicas", "autoscaling.kind", lambda m: isinstance(m.autoscaling, NoScaling)),
    Feature(
        "own-scaler",
        "an autoscaler of its own",
        "autoscaling.kind",
        lambda m: isinstance(m.autoscaling, BackendScaling),
    ),
    Feature("schedules", "replicas by the clock", "autoscaling.schedules", _schedules),
    Feature("zero", "zero replicas", "autoscaling.minReplicas", lambda m: not m.autoscaling.min_replicas),
    Feature("canary", "a canary that goes on by itself", "rollout.kind", lambda m: m.rollout.kind == "canary"),
    Feature("router", "a router in front of the replicas", "router", lambda m: m.router is not None),
    Feature(
        "session",
        "a server that a client keeps",
        "sessionHeader",
        lambda m: m.session_header is not None and not m.versions,
    ),
    Feature("drain", "a drain of its own", "drain", lambda m: m.drain != Drain()),
)
"""In the order in which the page shows them."""

# Of the projects themselves, told for comparison; the words of the page.
OF_THE_PROJECTS: Mapping[str, str] = {
    "their-lora": "LoRA adapters loaded at run time",
    "their-zero": "scale to zero with requests held",
    "weighted-canary": "two versions by weight",
    "kv-aware-routing": "requests to where their prefix is cached",
    "disaggregation": "prefill and decode in pods of their own",
    "oci-models": "weights from an OCI image",
}


def check_backends(settings: StackSettings, findings: Findings) -> None:
    """Every model against what its backend does; and a word on unmaintained backends, one each."""
    told: set[str] = set()
    for index, model in enumerate(settings.models):
        row = backends()[settings.backend_of(model)]
        check_features(model, row.name, f"models[{index}]", features(), findings)
        if row.unmaintained and row.name not in told:
            told.add(row.name)
            findings.warning(
                f"models[{index}].backend",
                "backend-unmaintained",
                f"{row.title} is {row.state}: bugs found in it are not fixed",
                f"write another backend, for example deployment; see docs/backends/{row.name}.md",
            )


def check_features(
    model: Model, backend: str, path: str, table: Mapping[str, Mapping[str, Cell]], findings: Findings
) -> None:
    """One model; `table`: feature -> backend -> what it does."""
    for feature in FEATURES:
        cell = table[feature.name][backend]
        if cell.does != NO or not feature.asked(model):
            continue
        others = [name for name in rendered() if table[feature.name][name].does == YES]
        findings.error(
            f"{path}.{feature.setting}",
            "backend-feature",
            f"backend {backend} does not do {feature.words}: {cell.how}; these do: {listed(others)}",
            f"write one of them as {path}.backend, or leave {feature.setting} out",
        )
