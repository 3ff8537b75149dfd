"""The images behind the AMI parameters: moto has none that one could find, and none that says its architecture.

Karpenter asks SSM for the id of a release and EC2 for the image's architecture and day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import product
from types import SimpleNamespace
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami

from local.aws_endpoint import facts
from local.aws_endpoint.ami_parameters import bottlerocket_image, image_id, image_names

# Owner of EKS' images in most regions: https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html
OWNER = "602401143452"


class PublicImage(Ami):  # type: ignore[misc]  # moto has no types here
    """An image of AWS': moto's own would make a volume and a snapshot in the account."""

    def __init__(self, backend: Any, ami_id: str, name: str, architecture: str, made: datetime) -> None:
        self.ec2_backend, self.id, self.name, self.architecture = backend, ami_id, name, architecture
        self.description = f"EKS-optimized image, {name}"
        self.state, self.image_type, self.image_location = "available", "machine", f"amazon/{name}"
        self.owner_id, self.owner_alias, self.creation_date = OWNER, "amazon", made
        self.virtualization_type, self.hypervisor, self.boot_mode = "hvm", "xen", "uefi-preferred"
        self.root_device_name, self.root_device_type, self.sriov = "/dev/xvda", "ebs", "simple"
        self.kernel_id = self.platform = self.instance_id = None
        self.product_codes: set[str] = set()
        self.launch_permissions = [{"Group": "all"}]
        self.ebs_snapshot = SimpleNamespace(id=f"snap-{ami_id.removeprefix('ami-')}")

    def get_tags(self) -> list[dict[str, str]]:
        return []


def known_images(backend: Any) -> Iterator[PublicImage]:
    """Every image that a parameter of the region names."""
    for version in facts.CLUSTER_VERSIONS:
        for path, prefix in facts.AMI_PARAMETERS.items():
            for name in image_names(version, prefix):
                day = datetime.strptime(name.rsplit("-v", 1)[1], "%Y%m%d").replace(tzinfo=UTC)
                yield PublicImage(backend, image_id(backend.region_name, name), name, path.split("/")[1], day)
        yield from _bottlerocket(backend, version)


def _bottlerocket(backend: Any, version: str) -> Iterator[PublicImage]:
    made = facts.CLUSTER_VERSIONS[version].released
    for release, nvidia, arch in product(facts.BOTTLEROCKET_RELEASES, (False, True), ("x86_64", "arm64")):
        name = bottlerocket_image(version, nvidia, arch, release)
        yield PublicImage(backend, image_id(backend.region_name, name), name, arch, made)


def install() -> None:
    """Lets DescribeImages and launches find them; once per process."""
    EC2Backend.describe_images = _with_known(EC2Backend.describe_images)


def _with_known(original: Callable[..., Any]) -> Callable[..., Any]:
    def describe_images(
        self: Any,
        ami_ids: list[str] | None = None,
        filters: dict[str, Any] | None = None,
        exec_users: list[str] | None = None,
        owners: list[str] | None = None,
    ) -> Any:
        named = (filters or {}).get("image-id") or []
        _add(self, [*(ami_ids or []), *([named] if isinstance(named, str) else named)])
        return original(self, ami_ids, filters, exec_users, owners)

    return describe_images


def _add(backend: Any, names: Iterable[str]) -> None:
    """Only those that are asked for by id: AWS' whole list is not read here."""
    missing = {name for name in names if name not in backend.amis}
    for image in known_images(backend) if missing else ():
        if image.id in missing:
            backend.amis[image.id] = image
