"""SSM's public parameters for EKS AMIs, which moto does not have and does not let be put."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from local.aws_endpoint import facts

_NAME = re.compile(
    r"/aws/service/eks/optimized-ami/(?P<version>\d\.\d+)/(?P<image>.+?)/"
    r"(?P<release>recommended|amazon-eks-node-[\w.-]+)(?:/(?P<field>image_id|release_version|image_name))?"
)


# "Finding an AMI", QUICKSTART-EKS.md of bottlerocket-os/bottlerocket: by version with or without its commit.
_BOTTLEROCKET = re.compile(
    r"/aws/service/bottlerocket/aws-k8s-(?P<version>1\.\d+)(?P<nvidia>-nvidia)?/(?P<arch>x86_64|arm64)/"
    r"(?P<release>latest|\d+\.\d+\.\d+(?:-[0-9a-f]{8})?)/(?P<field>image_id|image_version)"
)


def ami_parameter_value(name: str, region: str) -> str | None:
    """The value of `/aws/service/eks/optimized-ami/...` or `/aws/service/bottlerocket/...`, or None where there is no
    such parameter.

    The image id is made up, but the same for the same region and image.
    """
    if name.startswith("/aws/service/bottlerocket/"):
        return _of_bottlerocket(name, region)
    match = _NAME.fullmatch(name)
    if match is None or match["version"] not in facts.CLUSTER_VERSIONS or match["image"] not in facts.AMI_PARAMETERS:
        return None
    version, prefix = match["version"], facts.AMI_PARAMETERS[match["image"]]
    by_name = image_names(version, prefix)
    image_name = next(iter(by_name)) if match["release"] == "recommended" else match["release"]
    if image_name not in by_name:
        return None
    values = {
        "image_id": image_id(region, image_name),
        "release_version": by_name[image_name],
        "image_name": image_name,
    }
    if match["field"]:
        return values[match["field"]]
    return json.dumps({"schema_version": "2", **values}, separators=(",", ":"))


def _of_bottlerocket(name: str, region: str) -> str | None:
    match = _BOTTLEROCKET.fullmatch(name)
    if match is None or match["version"] not in facts.CLUSTER_VERSIONS:
        return None
    asked = match["release"]
    for release in facts.BOTTLEROCKET_RELEASES:
        if asked in ("latest", release, release.partition("-")[0]):
            image = bottlerocket_image(match["version"], bool(match["nvidia"]), match["arch"], release)
            return release if match["field"] == "image_version" else image_id(region, image)
    return None


def bottlerocket_image(version: str, nvidia: bool, arch: str, release: str) -> str:
    """The image's name, as Karpenter's own example has it (v1.14.0, pkg/providers/amifamily/bottlerocket.go)."""
    return f"bottlerocket-aws-k8s-{version}{'-nvidia' if nvidia else ''}-{arch}-v{release}"


def image_names(version: str, prefix: str) -> dict[str, str]:
    """Image name -> release, of a Kubernetes minor version; the recommended one first."""
    releases = (facts.CLUSTER_VERSIONS[version].ami_release, *facts.OTHER_AMI_RELEASES.get(version, ()))
    return {f"{prefix}-{version}-v{release.rsplit('-', 1)[1]}": release for release in releases}


def image_id(region: str, image_name: str) -> str:
    """Made up, but the same for the same region and image."""
    return f"ami-{hashlib.sha256(f'{region}/{image_name}'.encode()).hexdigest()[:17]}"


def install(backend: type[SimpleSystemManagerBackend]) -> None:
    """Lets GetParameter and GetParameters of moto's SSM find the AMI parameters."""
    get_one, get_many = backend.get_parameter, backend.get_parameters

    def get_parameter(self: Any, name: str) -> Any:
        return get_one(self, name) or _parameter(self, name)

    def get_parameters(self: Any, names: list[str]) -> Any:
        made = {name: parameter for name in names if (parameter := _parameter(self, name))}
        return {**made, **get_many(self, names)}

    backend.get_parameter, backend.get_parameters = get_parameter, get_parameters


def _parameter(backend: Any, name: str) -> Parameter | None:
    value = ami_parameter_value(name, backend.region_name)
    if value is None:
        return None
    return Parameter(
        account_id=backend.account_id,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=facts.CLUSTER_VERSIONS[_minor(name)].released.timestamp(),
        version=1,
        data_type="text",
    )


def _minor(name: str) -> str:
    match = _NAME.fullmatch(name) or _BOTTLEROCKET.fullmatch(name)
    assert match is not None
    return match["version"]
