"""Where a model's weights come from: one URI, read into one of four kinds.

`hf://owner/name@commit` (also `owner/name` with `revision` beside it), `s3://bucket/prefix`, `pvc://claim/folder`,
`oci://registry/repository@sha256:...#folder`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.findings import WrongValue
from settings.names import KmsKeyArn
from settings.spelling import did_you_mean
from settings.types import COMMIT_ID, HUGGING_FACE_ID, AwsRegion, Section, described

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.ASCII | re.DOTALL)
_FOLDER = r"[A-Za-z0-9][\w.+=-]*(/[A-Za-z0-9][\w.+=-]*)*"
# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, 2026-11-27. No '*' and '?' in a prefix: in an
# IAM policy they would name more than it.
_BUCKET = re.compile(rf"(?P<bucket>[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9])/(?P<prefix>{_FOLDER})/?", re.ASCII)
_CLAIM = re.compile(
    rf"(?P<claim>[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(/(?P<folder>{_FOLDER})?)?/?", re.ASCII
)
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
# github.com/distribution/reference: a registry is told from a repository by its dot or port.
_IMAGE = re.compile(
    rf"(?P<image>(?=[^/]*[.:])[a-z0-9.-]+(:\d+)?(/{_PART})+)(:(?P<tag>\w[\w.-]{{0,127}}))?"
    rf"(@(?P<digest>sha256:[0-9a-f]{{64}}))?(\#(?P<folder>{_FOLDER}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class HubSource:
    """A repository of the Hugging Face Hub; `revision` None: not written."""

    repository: str
    revision: str | None

    @property
    def uri(self) -> str:
        """The canonical form."""
        return f"hf://{self.repository}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class BucketSource:
    """Objects of an S3 bucket below a prefix, as a repository's files."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """The canonical form."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class ClaimSource:
    """A folder of a PersistentVolumeClaim that is there, in the model's namespace; "" is its root."""

    claim: str
    folder: str

    @property
    def uri(self) -> str:
        """The canonical form."""
        return f"pvc://{self.claim}" + (f"/{self.folder}" if self.folder else "")


@dataclass(frozen=True)
class ImageSource:
    """A folder of an OCI image or artifact, mounted as a volume; `image` without tag and digest."""

    image: str
    tag: str | None
    digest: str | None
    folder: str

    @property
    def reference(self) -> str:
        """What a registry is asked for."""
        return self.image + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def uri(self) -> str:
        """The canonical form."""
        return f"oci://{self.reference}" + (f"#{self.folder}" if self.folder else "")


WeightSource = HubSource | BucketSource | ClaimSource | ImageSource

FORMS = {
    "hf": "hf://<owner>/<name>@<commit id>",
    "s3": "s3://<bucket>/<prefix>",
    "pvc": "pvc://<claim>/<folder>",
    "oci": "oci://<registry>/<repository>@sha256:<digest>#<folder>",
}


@lru_cache(maxsize=1024)
def read_source(text: str, revision: str | None = None) -> WeightSource:
    """The source of a text; `revision`: the setting beside it. Raises WrongValue."""
    match = _SCHEME.fullmatch(text)
    if match is None:
        if not re.fullmatch(HUGGING_FACE_ID.pattern, text, re.ASCII):
            raise WrongValue(HUGGING_FACE_ID.meaning, f"{HUGGING_FACE_ID.fix}, or one of {', '.join(FORMS.values())}")
        return HubSource(text, revision)
    scheme, rest = match[1], match[2]
    if scheme not in FORMS:
        near = did_you_mean(scheme, FORMS, cutoff=0.4, most=1)
        raise WrongValue(
            f"not a source of weights: scheme {scheme}:// is unknown",
            f"{f'{near} Else ' if near else ''}write one of {', '.join(FORMS.values())}",
        )
    read = {"hf": _hub, "s3": _bucket, "pvc": _claim, "oci": _image}[scheme](rest)
    if isinstance(read, HubSource) and read.revision is None:
        return HubSource(read.repository, revision)
    return read


def _wrong(scheme: str, more: str = "") -> WrongValue:
    return WrongValue(f"not a source of weights{more}", f"write {FORMS[scheme]}")


def _hub(rest: str) -> WeightSource:
    repository, at, revision = rest.partition("@")
    if not re.fullmatch(HUGGING_FACE_ID.pattern, repository, re.ASCII):
        raise _wrong("hf", ": hf:// needs owner and name of a repository")
    if at and not re.fullmatch(COMMIT_ID.pattern, revision, re.ASCII):
        raise WrongValue(f"not pinned: what follows '@' is {COMMIT_ID.meaning}", COMMIT_ID.fix)
    return HubSource(repository, revision or None)


def _bucket(rest: str) -> WeightSource:
    match = _BUCKET.fullmatch(rest)
    if match is None:
        raise _wrong("s3", ": s3:// needs a bucket and a prefix of letters, digits, '.', '_', '-', '+', '=' and '/'")
    return BucketSource(match["bucket"], match["prefix"])


def _claim(rest: str) -> WeightSource:
    match = _CLAIM.fullmatch(rest)
    if match is None or len(match["claim"]) > 253:
        raise _wrong("pvc", ": pvc:// needs the name of a PersistentVolumeClaim, and perhaps a folder in it")
    return ClaimSource(match["claim"], match["folder"] or "")


def _image(rest: str) -> WeightSource:
    match = _IMAGE.fullmatch(rest)
    if match is None:
        raise _wrong("oci", ": oci:// needs registry, repository and digest, and perhaps a folder after '#'")
    return ImageSource(match["image"], match["tag"], match["digest"], match["folder"] or "")


def _checked(text: str) -> str:
    read_source(text)
    return text


SourceUri = Annotated[
    str,
    Field(
        max_length=1100,
        json_schema_extra={"pattern": rf"^(?:(?:hf|s3|pvc|oci)://.+|{HUGGING_FACE_ID.pattern})$"},
    ),
    AfterValidator(_checked),
]
"""A URI of one of `FORMS`, or a Hugging Face id."""


class Bucket(Section):
    """The bucket of an s3:// source: what its name does not say."""

    region: AwsRegion | None = described(
        "its region; default, and the only one that is not refused: the stack's", default=None
    )
    kms_key_arn: KmsKeyArn | None = described(
        "KMS key that encrypts its objects; default: S3's own, which needs no right of its own", default=None
    )
