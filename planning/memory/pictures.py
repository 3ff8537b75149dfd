"""The user's limits on pictures and videos, from a model's `extraArgs`."""

from __future__ import annotations

from collections.abc import Iterator

from planning.findings import Findings
from planning.memory.picture_limits import Pictures, pictures_of
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version
from settings.models import Model


def pictures(model: Model, version: Version) -> Pictures:
    """The limits; those that cannot be read count as none, and `check_pictures` says so."""
    try:
        return pictures_of(_flags(model, version))
    except ValueError:
        return Pictures()


def check_pictures(model: Model, version: Version, path: str, findings: Findings) -> None:
    """Refuses limits that vLLM cannot read either."""
    try:
        pictures_of(_flags(model, version))
    except ValueError as problem:
        what, _, fix = str(problem).partition("; ")
        findings.error(f"{path}.extraArgs", "picture-limits", what, fix)


def _flags(model: Model, version: Version) -> Iterator[tuple[str, str]]:
    """As vLLM calls them, a dotted part kept, `--no-x` as a value."""
    for argument in model.extra_args:
        name, _, value = argument.partition("=")
        flag = vllm_versions.canonical_flag(name, version)
        if flag is not None:
            part = name.partition(".")[2]
            yield (f"{flag}.{part}" if part else flag), ("false" if name.startswith("--no-") else value)
