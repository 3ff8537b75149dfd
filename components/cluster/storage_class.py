"""The StorageClass for EBS volumes: EKS brings `gp2` only, unencrypted and slower."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.manifest import Manifest, arguments
from planning.model import OWN_LABELS


def gp3_storage_class(class_name: str) -> Manifest:
    """Encrypted gp3 by the EBS CSI driver.

    WaitForFirstConsumer: an EBS volume lives in one zone, so it must be the pod's.
    """
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": class_name,
            "labels": dict(OWN_LABELS),
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true"},
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
    }


@dataclass(frozen=True)
class Gp3StorageClassArgs:
    """`class_name`: the cluster-wide name."""

    class_name: str = "gp3"


class Gp3StorageClass(pulumi.ComponentResource):
    """Makes the class; for clusters of our own, since an existing one may have a `gp3` already."""

    class_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: Gp3StorageClassArgs | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("vllm-on-eks:index:Gp3StorageClass", name, None, opts)
        args = args or Gp3StorageClassArgs()
        made = k8s.storage.v1.StorageClass(
            f"{name}-class",
            **arguments(gp3_storage_class(args.class_name)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.class_name = made.metadata["name"]
        self.register_outputs({"className": self.class_name})
