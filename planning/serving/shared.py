"""Weights that several models read of one file system: each revision is downloaded once for the stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from hashlib import sha256

from planning.findings import Findings
from planning.model import BucketPlan, ServedModel, SharedDownloadPlan
from settings.models import Model, VolumeCache
from settings.sources import HubSource
from settings.stack import StackSettings

EFS = "efs"
# Of a Kubernetes name's 63 letters, with a hash and what Jobs, claims and pods add.
MOST_LETTERS = 32


def with_shared_downloads(models: Sequence[ServedModel]) -> list[ServedModel]:
    """The models, each with what it reads of the file system; the first that reads a revision owns its download."""
    owners: dict[str, str] = {}
    shared = []
    for model in models:
        downloads = tuple(_downloads(model, owners)) if model.cache.kind == EFS else ()
        shared.append(replace(model, shared_downloads=downloads) if downloads else model)
    return shared


def _downloads(model: ServedModel, owners: dict[str, str]) -> Iterator[SharedDownloadPlan]:
    """One for each repository and bucket: what is read together is not downloaded together, or the second model with
    the same weights and another adapter would bring them again."""
    if isinstance(model.source, BucketPlan):
        source = model.source
        name = _name(source.uri, (source.weights, source.index))
        yield SharedDownloadPlan(name, source.uri, owners.setdefault(name, model.name), None)
    for repository in model.repositories:
        name = _name(f"hf://{repository.repository}@{repository.revision}", astuple(repository))
        uri = f"hf://{repository.repository}@{repository.revision}"
        yield SharedDownloadPlan(name, uri, owners.setdefault(name, model.name), repository)


def _name(uri: str, what: tuple[object, ...]) -> str:
    """Of the content: the same for every reader, whichever model was first."""
    path = uri.partition("://")[2].partition("@")[0]
    last = re.sub(r"[^a-z0-9]+", "-", path.rsplit("/", 2 if uri.startswith("s3:") else 1)[-1].lower()).strip("-")
    digest = sha256(repr((uri, what)).encode()).hexdigest()[:8]
    return f"{last[:MOST_LETTERS].strip('-') or 'weights'}-{digest}"


def check_downloads_once(settings: StackSettings, findings: Findings) -> None:
    """Two volumes with the same revision: each is filled by a download of its own."""
    first: dict[str, int] = {}
    for index, model in enumerate(settings.models):
        if not isinstance(model.cache, VolumeCache) or not _downloaded(model):
            continue
        before = first.setdefault(model.origin.uri, index)
        if before != index:
            findings.warning(
                f"models[{index}].cache",
                "download-twice",
                f"{model.origin.uri} is downloaded once more, onto a second volume: models[{before}] has it on its own",
                f"write cache: {{kind: efs}} in models[{before}] and here: one download serves both",
            )


def _downloaded(model: Model) -> bool:
    return isinstance(model.origin, HubSource) or model.origin.uri.startswith("s3:")
