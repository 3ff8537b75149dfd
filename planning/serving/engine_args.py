"""The argument list of `vllm serve`, right for the image's version, and the check of what the user adds to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.findings import Findings
from planning.memory.quantization import Weights
from planning.versions import pins, vllm_versions
from planning.versions.vllm_versions import Version, text
from settings.models import Model

PORT = 8000
QUIET_ENDPOINTS = "/health,/metrics,/ping"

# Flags that the plan sets itself to what no setting decides.
SET_BY_US = "--disable-access-log-for-endpoints"


def engine_args(
    model: Model,
    version: Version,
    weights: Weights,
    shutdown_seconds: int,
    named: tuple[str, ...],
    companions: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Arguments after `vllm serve`, each `--name=value`.

    `named`: the model as vLLM is told it, with what belongs to it (planning/serving/sources.py). `companions`: those of
    what is served beside it (planning/serving/companions.py).
    """
    planned = [
        named[0],
        f"--served-model-name={model.answers_to}",
        *named[1:],
        f"--port={PORT}",
        f"--dtype={model.dtype.value}",
        f"--kv-cache-dtype={model.kv_cache_dtype.value}",
        f"--tensor-parallel-size={model.tensor_parallel}",
        *([f"--pipeline-parallel-size={model.pipeline_parallel}"] if model.pipeline_parallel > 1 else []),
        f"--max-model-len={model.max_model_len}",
        f"--max-num-seqs={model.max_num_seqs}",
        f"--gpu-memory-utilization={model.gpu_memory_utilization:g}",
    ]
    if weights.flag is not None:
        planned.append(f"--quantization={weights.flag}")
    if model.enforce_eager:
        planned.append("--enforce-eager")
    if vllm_versions.has_flag("--shutdown-timeout", version):
        planned.append(f"--shutdown-timeout={shutdown_seconds}")
    if vllm_versions.has_flag("--disable-access-log-for-endpoints", version):
        planned.append(f"--disable-access-log-for-endpoints={QUIET_ENDPOINTS}")
    return (*planned, *companions, *model.extra_args)


def place_of(model: Model, flag: str, version: Version) -> int | None:
    """Where among the user's own arguments a flag stands."""
    names = (argument.partition("=")[0] for argument in model.extra_args)
    places = (index for index, name in enumerate(names) if vllm_versions.canonical_flag(name, version) == flag)
    return next(places, None)


def check_extra_args(model: Model, version: Version, path: str, findings: Findings) -> None:
    """The user's own arguments: form, collisions with ours, and whether that version knows them."""
    seen: dict[str, int] = {}
    for index, argument in enumerate(model.extra_args):
        where = f"{path}.extraArgs[{index}]"
        name = argument.partition("=")[0]
        if not name.startswith("-") or any(letter.isspace() for letter in name):
            # Not repeated: a value that stands alone may be a token.
            findings.error(where, "argument-form", "not an argument", "write name and value as one entry, --name=value")
            continue
        flag = vllm_versions.canonical_flag(name, version)
        if flag is None:
            _judge_unknown(name, version, where, findings)
            continue
        if seen.setdefault(flag, index) != index:
            findings.error(where, "argument-twice", f"{flag} is already in extraArgs[{seen[flag]}]", "keep one")
        own_image = model.image.repository != pins.VLLM.repository
        _judge(flag, argument, own_image, where, findings)


def _judge_unknown(name: str, version: Version, where: str, findings: Findings) -> None:
    why = f"{name} {vllm_versions.why_unknown(name, version)}"
    near = vllm_versions.near_flag(name, version)
    newest = vllm_versions.newest_known()
    fix = near or "leave it out, or take an image that knows it"
    if version > newest:  # it may have come with a release that the table does not have
        message = f"our table ends at vLLM {text(newest)}, and there {why}"
        findings.warning(where, "unknown-argument", message, fix)
    else:
        message = f"vLLM {text(version)} would not start: {why}"
        findings.error(where, "unknown-argument", message, fix)


@dataclass(frozen=True)
class ArgumentVerdict:
    """A row of facts/vllm_flags.csv; `argument`: which arguments of that flag it is about."""

    argument: re.Pattern[str]
    verdict: str
    words: str
    fix: str


@cache
def verdicts() -> dict[str, tuple[ArgumentVerdict, ...]]:
    """By flag, of those that have one; the user's own are not among them. The first that fits counts."""
    by_flag: dict[str, list[ArgumentVerdict]] = {}
    for row in rows("vllm_flags.csv"):
        verdict = ArgumentVerdict(re.compile(row["argument"]), row["verdict"], row["words"], row["fix"])
        by_flag.setdefault(row["flag"], []).append(verdict)
    return {flag: tuple(of_flag) for flag, of_flag in by_flag.items()}


def _judge(flag: str, argument: str, own_image: bool, where: str, findings: Findings) -> None:
    name = argument.partition("=")[0]
    if flag == SET_BY_US:
        findings.error(where, "planned-argument", f"{name} is set by the plan to {QUIET_ENDPOINTS}", "remove it")
        return
    verdict = next((candidate for candidate in verdicts().get(flag, ()) if candidate.argument.search(argument)), None)
    if verdict is None:
        return
    if verdict.verdict == "planned":
        findings.error(where, "planned-argument", f"{name} is set by the plan", f"write {verdict.words} instead")
    elif verdict.verdict == "refused":
        findings.error(where, "refused-argument", f"{name}: {verdict.words}", verdict.fix or "leave it out")
    elif verdict.verdict == "code" and not own_image:
        findings.error(where, "refused-argument", f"{name}: {verdict.words}", "write an image of your own that has it")
    elif verdict.verdict == "code":
        findings.warning(
            where, "argument-risk", f"{name}: {verdict.words}", "review it in your image, which must have it"
        )
    else:
        findings.warning(
            where, "argument-risk", f"{name}: {verdict.words}", verdict.fix or "leave it out unless you need it"
        )
