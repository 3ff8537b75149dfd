"""Scalars of the stack file, named once, each with its rule and the words that explain it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from settings.addresses import block
from settings.cron import checked_cron
from settings.findings import WrongValue
from settings.matching import Matching
from settings.quantity import between

LONGEST_TEXT = 4096
"""Characters of any text that has no closer limit."""


class Section(BaseModel):
    """A frozen part of the stack file: camelCase keys outside, snake_case fields inside, no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        validate_default=True,
        defer_build=True,
        allow_inf_nan=False,
        str_max_length=LONGEST_TEXT,
    )


def _cidr(text: str) -> str:
    return str(block(text))


Cidr = Annotated[str, AfterValidator(_cidr), Field(json_schema_extra={"format": "ipv4-cidr"})]
"""An IPv4 block whose host bits are zero."""

DnsLabel = Annotated[
    str,
    Field(min_length=1, max_length=40),
    Matching(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        "not a DNS label",
        "write lower-case letters, digits and '-', starting with a letter (RFC 1035)",
    ),
]
"""A Kubernetes name that leaves 23 of the 63 characters for our suffixes."""

AwsRegion = Annotated[str, Matching(r"[a-z]{2,4}(-[a-z]+)+-\d", "not an AWS region", "write for example us-east-1")]
Zone = Annotated[
    str, Matching(r"[a-z]{2,4}(-[a-z]+)+-\d[a-z]", "not an availability zone", "write for example us-east-1a")
]
InstanceType = Annotated[
    str, Matching(r"[a-z0-9-]+\.[a-z0-9-]+", "not an EC2 instance type", "write for example g6.xlarge")
]
KubernetesVersion = Annotated[
    str, Matching(r"1\.\d{2}", "not a Kubernetes minor version", "write it in quotes, for example '1.35'")
]
HUGGING_FACE_ID = Matching(
    r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*",
    "not a Hugging Face model id",
    "write owner/name, for example Qwen/Qwen2.5-7B-Instruct",
)
HuggingFaceId = Annotated[str, HUGGING_FACE_ID]
COMMIT_ID = Matching(
    r"[0-9a-f]{40}",
    "not a commit id (40 hex digits): a branch name moves under you",
    "take the id from the model page, Files and versions",
)
Revision = Annotated[str, COMMIT_ID]
Digest = Annotated[str, Matching(r"sha256:[0-9a-f]{64}", "not an image digest", "write sha256: and 64 hex digits")]
_QUANTITY = r"\d{1,15}(\.\d{1,9})?"
CpuQuantity = Annotated[
    str,
    Matching(rf"{_QUANTITY}(m|k)?", "not a quantity of cores", "write for example 500m or 4"),
    AfterValidator(between("1m", "1000")),
]
"""Cores, from a thousandth to a thousand."""
BytesQuantity = Annotated[
    str,
    Matching(rf"{_QUANTITY}(k|Ki|M|Mi|G|Gi|T|Ti)?", "not a quantity of bytes", "write for example 512Mi or 12Gi"),
    AfterValidator(between("1Mi", "64Ti")),
]
"""Bytes, from 1 MiB to 64 TiB."""
Share = Annotated[float, Field(gt=0.5, le=0.99999)]
"""Of requests: more than half; at five nines a month of one request a second has 26 that may fail."""
ConfigKey = Annotated[
    str, Matching(r"[A-Za-z][A-Za-z0-9]*", "not a config key", "write letters and digits, for example hfToken")
]
LabelKey = Annotated[
    str,
    Matching(
        r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?",
        "not a Kubernetes label key",
        "write letters, digits, '-', '_' and '.', at most 63, perhaps after a DNS prefix and '/'",
    ),
]
LabelValue = Annotated[
    str,
    Matching(
        r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?",
        "not a Kubernetes label value",
        "write letters, digits, '-', '_' and '.', at most 63",
    ),
]


def _chart_source(text: str) -> str:
    fix = "write a folder (/srv/charts, ./charts), oci://<registry>/<prefix> or https://<Helm repository>"
    if text.startswith(("/", "./", "../")):
        return text.rstrip("/") or "/"
    if re.fullmatch(r"(oci|https)://[A-Za-z0-9.-]+(:\d+)?(/[\w.%~+-]+)*/?", text):
        return text.rstrip("/")
    if text.startswith("http://"):
        why = ": charts decide what runs in the cluster, and http can be altered on the way"
    elif re.match(r"\w+://[^/]*@", text):
        why = ": credentials do not belong here, `helm registry login` and `helm repo add` keep them"
    else:
        why = ""
    raise WrongValue(f"not a source of charts{why}", fix)


ChartSource = Annotated[str, AfterValidator(_chart_source)]
"""Where charts are taken from: a folder, an OCI prefix or an https Helm repository."""

Cron = Annotated[str, AfterValidator(checked_cron)]


def described(text: str, **kwargs: Any) -> Any:
    """A field with its one-line description, which the schema and the settings page show."""
    return Field(description=text, **kwargs)


def kind_defaults_to(kind: str) -> BeforeValidator:
    """Lets a section leave `kind` out where one choice is the usual one."""

    def fill(value: Any) -> Any:
        return {"kind": kind, **value} if isinstance(value, dict) else value

    return BeforeValidator(fill)
