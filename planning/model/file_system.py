"""The EFS file system that models share, and what is downloaded onto it. Value types; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planning.model.pods import PodResources
from planning.model.sources import RepositoryPlan


@dataclass(frozen=True)
class SharedDownloadPlan:
    """One revision on the shared file system, and the one Job that brings it."""

    name: str
    """Of the Job's objects."""
    uri: str
    owner: str
    """The first model that reads it: its namespace, pool, image and token are the Job's."""
    repository: RepositoryPlan | None
    """None: it is the owner's bucket."""


@dataclass(frozen=True)
class CompiledPlan:
    """What a model's servers compile, kept on the file system; what those who bring and keep it ask of the node."""

    key: str
    """Of image, GPU and arguments: another one is another archive."""
    restore: PodResources
    """Of the init container that brings it before the server starts."""
    keep: PodResources
    """Of the sidecar, beside the server as long as it runs."""


@dataclass(frozen=True)
class NewFileSystemPlan:
    """A file system that the stack makes."""

    throughput: str
    """EFS' word: elastic or provisioned."""
    provisioned_mibps: int | None
    zone: str | None
    """One Zone; None: Regional."""
    subnet_ids: tuple[str, ...]
    """Of its mount targets; empty: every private subnet, of a One Zone one those in its zone."""
    kms_key_arn: str | None
    infrequent_after_days: int | None
    backup: bool
    protect: bool
    stored_gib: int
    """What is on it by the plan."""


@dataclass(frozen=True)
class FileSystemPlan:
    """Where models of cache.kind efs have their weights."""

    id: str | None
    """None: the stack makes `new`."""
    new: NewFileSystemPlan | None
    directory: str
    """Of the stack on it."""
    compiled: Mapping[str, str] = field(default_factory=dict)
    """Directories of models that keep there what they compile, by model."""
    partition: str = "aws"
