"""Which files of a repository the server reads, so that the download brings those and no other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planning.facts import rows
from planning.findings import Findings, listed
from planning.model import RepositoryPlan
from planning.serving.engine_args import place_of
from planning.versions.arguments import flag_value
from planning.versions.vllm_versions import Version
from settings.models import Model
from settings.sources import HubSource
from settings.spelling import did_you_mean

AUTO = "auto"


@dataclass(frozen=True)
class LoadFormat:
    """A row of facts/load_formats.csv; `refused` empty: it works on our pods."""

    weights: tuple[str, ...]
    index: str | None
    refused: str


@cache
def load_formats() -> dict[str, LoadFormat]:
    """By the value of --load-format."""
    return {
        row["name"]: LoadFormat(tuple(row["weights"].split()), row["index"] or None, row["refused"])
        for row in rows("load_formats.csv")
    }


def plan_files(model: Model, version: Version, path: str, findings: Findings) -> RepositoryPlan:
    """What the downloader brings of the model's own repository."""
    asked = flag_value(model, "--load-format", version) or AUTO
    formats = load_formats()
    load_format = formats.get(asked)
    where = f"{path}.extraArgs[{place_of(model, '--load-format', version) or 0}]"
    if load_format is None:
        near = f"{hint} Else " if (hint := did_you_mean(asked, formats)) else ""
        findings.error(
            where,
            "load-format",
            f"--load-format={asked}: nothing is known of its files",
            f"{near}write one of {listed(name for name, row in formats.items() if not row.refused)} or leave it out",
        )
    elif load_format.refused:
        findings.error(where, "load-format", f"--load-format={asked}: {load_format.refused}", "leave it out")
    return repository(model.model_id, revision_of(model), AUTO if load_format is None or load_format.refused else asked)


def revision_of(model: Model) -> str:
    """The commit of a model of the Hub; of another source its URI, whose digest or prefix stands for it."""
    origin = model.origin
    return origin.revision or "" if isinstance(origin, HubSource) else origin.uri


def repository(name: str, revision: str, load_format: str = AUTO) -> RepositoryPlan:
    """A repository whose weights are read in that format."""
    row = load_formats()[load_format]
    return RepositoryPlan(name, revision, row.weights, row.index)
