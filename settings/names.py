"""Names that AWS, Kubernetes and others gave rules to: one type each, with the characters that may stand in it."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from settings.findings import WrongValue
from settings.matching import Matching

# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html (name), 2026-11-27.
CLUSTER_NAME = r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}"
CLUSTER_NAME_WRONG = (
    "not an EKS cluster name",
    "write letters, digits, '-' and '_', the first a letter or digit, at most 100",
)

ClusterName = Annotated[str, Matching(CLUSTER_NAME, *CLUSTER_NAME_WRONG)]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, 2026-11-27: names of users and roles.
# A wildcard would make one entry stand for many.
PrincipalArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:iam::\d{12}:(role|user)(/[\w+=,.@-]+)+",
        "not the ARN of an IAM role or user",
        "write arn:aws:iam::<12 digits>:role/<name>, name of letters, digits and +=,.@_-, no wildcard",
    ),
]
KmsKeyArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:kms:[a-z]{2,4}(-[a-z]+)+-\d:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        "not the ARN of a KMS key",
        "write arn:aws:kms:<region>:<12 digits>:key/<id> (an alias may move to another key)",
    ),
]
CertificateArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:acm:[a-z]{2,4}(-[a-z]+)+-\d:\d{12}:certificate/[A-Za-z0-9-]{1,64}",
        "not the ARN of a certificate of AWS Certificate Manager",
        "write arn:aws:acm:<region>:<12 digits>:certificate/<id>",
    ),
]
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html (Id: 32 at most), 2026-11-28.
HostedZoneId = Annotated[
    str,
    Matching(
        r"Z[A-Z0-9]{1,31}",
        "not the id of a hosted zone of Route 53",
        "write what `aws route53 list-hosted-zones` shows behind /hostedzone/, for example Z0123456789ABCDEFGHIJ",
    ),
]
AmiRelease = Annotated[
    str,
    Matching(
        r"1\.\d{2}\.\d{1,3}(-[0-9a-f]{8})?",
        "not a release of EKS' images",
        "write <Kubernetes version>-<date>, for example 1.35.4-20260505, or of Bottlerocket its version, for example "
        "1.57.0",
    ),
]
CapacityReservationId = Annotated[
    str, Matching(r"cr-[0-9a-f]{8,17}", "not a capacity reservation id", "write cr- and hex digits")
]
CapacityReservationGroupArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:resource-groups:[a-z]{2,4}(-[a-z]+)+-\d:\d{12}:group/[A-Za-z0-9_.-]{1,300}",
        "not the ARN of a resource group",
        "write arn:aws:resource-groups:<region>:<12 digits>:group/<name>",
    ),
]
SnsTopicArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:sns:[a-z]{2,4}(-[a-z]+)+-\d:\d{12}:[A-Za-z0-9_-]{1,256}",
        "not the ARN of a standard SNS topic",
        "write arn:aws:sns:<region>:<12 digits>:<name>",
    ),
]
# RFC 5321, 4.5.3.1.3: a path of 256 characters with its two brackets.
EmailAddress = Annotated[
    str,
    Field(max_length=254),
    Matching(
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "not a mail address", "write for example team@example.com"
    ),
]
VpcId = Annotated[str, Matching(r"vpc-[0-9a-f]{1,17}", "not a VPC id", "write vpc- and hex digits")]
SecurityGroupId = Annotated[str, Matching(r"sg-[0-9a-f]{1,17}", "not a security group id", "write sg- and hex digits")]
AddonVersion = Annotated[
    str,
    Matching(
        r"v\d+(\.\d+){1,2}-eksbuild\.\d+", "not a version of an EKS add-on", "write for example v1.21.1-eksbuild.1"
    ),
]
CodeConnectionArn = Annotated[
    str,
    Matching(
        r"arn:aws(-[a-z]+)*:(codeconnections|codestar-connections):[a-z]{2,4}(-[a-z]+)+-\d:\d{12}:connection/"
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "not the ARN of a connection",
        "write arn:aws:codeconnections:<region>:<12 digits>:connection/<id>",
    ),
]
GitHubRepository = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
        "not a repository on github.com",
        "write owner/name, without https://github.com/",
    ),
]
AccountId = Annotated[str, Matching(r"\d{12}", "not an AWS account id", "write its 12 digits in quotes")]
FileSystemId = Annotated[
    str, Matching(r"fs-[0-9a-f]{8,40}", "not an EFS file system id", "write fs- and 8 to 40 hex digits")
]
SubnetId = Annotated[str, Matching(r"subnet-[0-9a-f]{1,17}", "not a subnet id", "write subnet- and hex digits")]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/, 2026-11-27.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
ObjectName = Annotated[
    str,
    Field(max_length=253),
    Matching(
        rf"{_LABEL}(\.{_LABEL})*",
        "not the name of a Kubernetes object",
        "write lower-case letters, digits, '-' and '.', first and last a letter or digit (RFC 1123)",
    ),
]
NamespaceName = Annotated[
    str,
    Matching(
        _LABEL,
        "not the name of a namespace: lower-case letters, digits and '-', first and last a letter or digit, at most 63",
        "write it as kubectl get namespaces does",
    ),
]
UrlPath = Annotated[
    str,
    Field(max_length=200),
    Matching(
        r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)*",
        "not a path",
        "write it with '/' before each part and none at the end, /prometheus",
    ),
]
SecretKey = Annotated[
    str,
    Field(max_length=253),
    Matching(r"[\w.-]+", "not the key of a Secret", "write letters, digits, '-', '_' and '.'"),
]

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html (Name), 2026-11-27.
SecretsManagerName = Annotated[
    str,
    Field(max_length=512),
    Matching(
        r"[A-Za-z0-9/_+=.@-]+",
        "not the name of a secret in AWS Secrets Manager: letters, digits and /_+=.@-",
        "write the name, for example prod/huggingface, not the ARN",
    ),
]
# The operator reads it as a path of gjson, in which other characters are operators; a dot first means itself
# (external-secrets v0.16.2, pkg/provider/aws/secretsmanager, escapeDotsIfRequired).
SecretProperty = Annotated[
    str,
    Field(max_length=253),
    Matching(
        r"[A-Za-z0-9_]([\w.-]*[A-Za-z0-9_])?",
        "not a key of a JSON secret that can be asked for: letters, digits, '_', '-' and '.'",
        "write the key of a secret such as {token: hf_...}, for example token",
    ),
]

# https://github.com/distribution/reference, reference.go, 2026-11-27: a repository without tag and digest.
ImageRepository = Annotated[
    str,
    Field(max_length=255),
    Matching(
        r"([a-z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
        "not an image repository",
        "write lower-case letters and digits, '.', '_' and '-' between them, parts divided by '/'; tag and "
        "digest have settings of their own",
    ),
]
ImageTag = Annotated[
    str,
    Field(max_length=128),
    Matching(r"v\d{1,4}\.\d{1,4}\.\d{1,4}[\w.-]*", "not an image tag", "write v<vLLM version>, for example v0.33.0"),
]
MirrorPrefix = Annotated[
    str,
    Matching(
        r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._/-]+)?[a-z0-9]",
        "not a registry prefix",
        "write host, or host:port, and a path, without https:// and without '/' at its end",
    ),
]
RunbookBase = Annotated[
    str,
    Matching(
        r"[^\s\x00-\x1f\x7f\\]*[^\s\x00-\x1f\x7f\\/]",
        "not a base address",
        "write it without blanks and without '/' at its end",
    ),
]
TeamName = Annotated[
    str, Matching(r"[\w. -]{1,63}", "not a team's name", "write letters, digits, blank, '.', '_' and '-', at most 63")
]
RuleId = Annotated[
    str,
    Matching(
        r"[a-z][a-z0-9-]{0,63}", "not a policy's id", "write lower-case letters, digits and '-', as in image-pinned"
    ),
]
MigProfile = Annotated[
    str,
    Matching(r"[0-9a-z.+]{1,20}", "not a MIG profile", "write digits, lower-case letters and '.', for example 1g.10gb"),
]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ValueError: a path; OSError: a folder of zones
        near = _near(name, available_timezones())
        raise WrongValue("not a time zone that the IANA database knows", near) from None
    return name


def _near(name: str, known: set[str]) -> str:
    last = name.rsplit("/", 1)[-1].lower()
    same = sorted(zone for zone in known if zone.rsplit("/", 1)[-1].lower() == last)
    return f"did you mean {same[0]}?" if same else "write UTC or, for example, Europe/Berlin"


TimeZone = Annotated[
    str,
    Matching(
        r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}",
        "not an IANA time zone",
        "write UTC or, for example, Europe/Berlin",
    ),
    AfterValidator(_known_zone),
]

# Kubernetes puts a variable's value in the place of $(NAME) in arguments and environment of a container.
_EXPANDED = re.compile(r"\$\(")


def _not_expanded(text: str) -> str:
    if _EXPANDED.search(text):
        raise WrongValue("holds $( and Kubernetes would put a variable's value there", "write it without $(")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise WrongValue("holds a line break or control character", "write visible characters and blanks only")
    return text


_QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`""", re.DOTALL)
_CLOSING = {")": "(", "]": "[", "}": "{"}


def _closed(text: str) -> str:
    """What needs no knowledge of PromQL: every bracket and quote is closed."""
    rest = _QUOTED.sub("", text)
    opened: list[str] = []
    for character in rest:
        if character in "([{":
            opened.append(character)
        elif character in _CLOSING and (not opened or opened.pop() != _CLOSING[character]):
            raise WrongValue(f"not PromQL: {character} closes nothing", "write a query that Prometheus takes")
    if opened or any(quote in rest for quote in "\"'`"):
        raise WrongValue(f"not PromQL: {(opened[-1] if opened else 'a quote')} is not closed", "write it to its end")
    return text


Query = Annotated[str, AfterValidator(_closed)]
"""A PromQL expression, whose brackets and quotes are closed."""
Literal = Annotated[str, AfterValidator(_not_expanded), AfterValidator(_one_line)]
"""Text that reaches a container as it is written."""
Sentence = Annotated[str, AfterValidator(_one_line)]
"""Text of one line, for people."""
