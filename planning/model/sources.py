"""Where a model's weights come from, and where they are kept. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

# Places in the server's container that its arguments name; the backend mounts something there.
WEIGHTS = "/cache"
HUB_CACHE = f"{WEIGHTS}/hub"
BUCKET_CACHE = f"{WEIGHTS}/s3"


@dataclass(frozen=True)
class RepositoryPlan:
    """A repository that the downloader brings.

    Patterns at the repository's root, `a!b`: those of a that are not b's.
    """

    repository: str
    revision: str
    weights: tuple[str, ...]
    """Kinds of weight files; the first one that the repository has is taken."""
    index: str | None = None
    """Of safetensors only what it names."""


@dataclass(frozen=True)
class DownloadWay:
    """How the downloader reaches the Hub: its environment, and private addresses with ports that it may reach."""

    env: tuple[tuple[str, str], ...] = ()
    cidrs: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


DIRECT = DownloadWay()


@dataclass(frozen=True)
class HubPlan:
    """Weights of the Hugging Face Hub: the first of the model's `repositories`."""

    uri: str
    """The source's canonical form."""


@dataclass(frozen=True)
class BucketPlan:
    """Weights below a prefix of an S3 bucket, read with a role of the model's own."""

    uri: str
    bucket: str
    prefix: str
    region: str
    partition: str
    kms_key_arn: str | None
    """None: S3's own key."""
    streamed: bool
    """The server reads them itself, and nothing is kept; else the downloader brings them."""
    weights: tuple[str, ...]
    """Patterns, as in RepositoryPlan."""
    index: str | None


@dataclass(frozen=True)
class ClaimPlan:
    """Weights in a folder of a PersistentVolumeClaim that is filled outside the stack."""

    uri: str
    claim: str
    folder: str
    """Empty: its root."""


@dataclass(frozen=True)
class ImagePlan:
    """Weights in a folder of an OCI image, which the kubelet mounts as a volume."""

    uri: str
    reference: str
    """Behind the mirror, where there is one."""
    folder: str


SourcePlan = HubPlan | BucketPlan | ClaimPlan | ImagePlan


@dataclass(frozen=True)
class CachePlan:
    """Where weights are kept."""

    kind: str
    """emptyDir: an init container downloads; persistentVolume: one Job downloads; efs: Jobs of the stack download, each
    revision once. stream, claim, image: nothing is downloaded, it is read from where the source has it."""
    size_gib: int
    storage_class: str | None = None
    access_mode: str | None = None
