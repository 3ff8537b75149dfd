"""The volumes through which pods reach the stack's EFS file system: the writer's access point, or the readers'."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from components.manifest import Manifest
from components.serving.manifests.names import server_labels
from planning.model import CachePlan, HubPlan, ServedModel, SharedDownloadPlan

DRIVER = "efs.csi.aws.com"
# Both must be written, and EFS looks at neither (kubernetes-sigs/aws-efs-csi-driver, examples static_provisioning).
SIZE = "1Gi"
# The driver mounts volumes of ReadWriteOnce and ReadWriteMany, and no ReadOnlyMany (pkg/driver/node.go,
# volumeCapAccessModes): read-only is what the pod's volume says, and the readers' access point.
ACCESS_MODE = "ReadWriteMany"


def shared_volume(model: ServedModel, namespace: pulumi.Input[str], handle: pulumi.Input[str], claim: str) -> Manifest:
    """The PersistentVolume of a model's claim; `handle`: file system and access point, in the driver's words; `claim`:
    the claim's name.

    Reserved for that claim, so that no other one takes it. It has no class: nothing is provisioned. Volumes are of no
    namespace: theirs is in the name, behind a dot, which neither of the two names has.
    """
    reserved = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace,
        "name": claim,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{model.namespace}.{claim}", "labels": server_labels(model)},
        "spec": {
            "capacity": {"storage": SIZE},
            "accessModes": [ACCESS_MODE],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "claimRef": reserved,
            "csi": {"driver": DRIVER, "volumeHandle": handle, "volumeAttributes": {"encryptInTransit": "true"}},
        },
    }


def shared_claim(model: ServedModel, claim: str) -> Manifest:
    """The claim that the volume is reserved for."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim,
            "namespace": model.namespace,
            "labels": server_labels(model),
        },
        "spec": {
            "accessModes": [ACCESS_MODE],
            "storageClassName": "",
            "resources": {"requests": {"storage": SIZE}},
        },
    }


def writer_of(owner: ServedModel, download: SharedDownloadPlan) -> ServedModel:
    """The owner as the download's Job sees it: its image, pool, token and namespace, and this revision alone."""
    of_hub = download.repository is not None
    return replace(
        owner,
        name=download.name,
        source=HubPlan(download.uri) if of_hub else owner.source,
        repositories=(download.repository,) if download.repository is not None else (),
        cache=CachePlan("persistentVolume", owner.cache.size_gib, None, ACCESS_MODE),
        token=owner.token if of_hub else None,
        shared_downloads=(),
        compiled=None,
    )
