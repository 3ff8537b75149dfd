"""Stands for the CSI drivers of EBS and EFS: a claim that waits for its first consumer gets a volume.

One of EBS is in that pod's zone; one of EFS (an access point of the class' file system) in none.
kube-controller-manager binds claim and volume, as on EKS; a released volume is deleted. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

EBS, EFS = "ebs.csi.aws.com", "efs.csi.aws.com"
DRIVERS = (EBS, EFS)
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


def wanted_volume(claim: Any, storage_class: Any, zone_of_node: Mapping[str, str]) -> dict[str, Any] | None:
    """The PersistentVolume that the class' driver would make for a claim now, or None if it is not its turn."""
    if claim.spec.volume_name or claim.metadata.deletion_timestamp:
        return None
    node = (claim.metadata.annotations or {}).get(SELECTED_NODE)
    waits = storage_class.volume_binding_mode == "WaitForFirstConsumer"
    if waits and node not in zone_of_node:
        return None
    zone = zone_of_node.get(node or "") or min(zone_of_node.values(), default=None)
    if zone is None:
        return None
    name, driver = f"pvc-{claim.metadata.uid}", storage_class.provisioner
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": claim.metadata.namespace,
        "name": claim.metadata.name,
        "uid": claim.metadata.uid,
    }
    in_zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
    spec = {
        "accessModes": claim.spec.access_modes,
        "capacity": {"storage": claim.spec.resources.requests["storage"]},
        "claimRef": reference,
        "csi": {"driver": driver, "volumeHandle": _handle(claim.metadata.uid.replace("-", "")[:17], storage_class)},
        "persistentVolumeReclaimPolicy": storage_class.reclaim_policy or "Delete",
        "storageClassName": storage_class.metadata.name,
        "volumeMode": claim.spec.volume_mode or "Filesystem",
    }
    if driver == EBS:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [in_zone]}]}}
    metadata = {"name": name, "annotations": {PROVISIONED_BY: driver}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _handle(number: str, storage_class: Any) -> str:
    """As each driver writes it; of EFS the class names the file system (its documentation, dynamic provisioning)."""
    if storage_class.provisioner == EBS:
        return f"vol-{number}"
    return f"{(storage_class.parameters or {})['fileSystemId']}::fsap-{number}"


def reconcile_volumes(core: Any, storage: Any, zone_of_node: Mapping[str, str], say: Callable[[str], None]) -> None:
    """One round: makes the volumes that claims wait for, deletes those that were released."""
    classes = {item.metadata.name: item for item in storage.list_storage_class().items if item.provisioner in DRIVERS}
    volumes = core.list_persistent_volume().items  # also without a class: the last one may have gone first
    have = {volume.metadata.name for volume in volumes}
    for claim in core.list_persistent_volume_claim_for_all_namespaces().items if classes else []:
        storage_class = classes.get(claim.spec.storage_class_name or "")
        volume = wanted_volume(claim, storage_class, zone_of_node) if storage_class else None
        if volume and volume["metadata"]["name"] not in have:
            core.create_persistent_volume(volume)
            say(f"volume for {claim.metadata.namespace}/{claim.metadata.name}")
    for volume in volumes:
        ours = (volume.metadata.annotations or {}).get(PROVISIONED_BY) in DRIVERS
        released = volume.status.phase == "Released" and volume.metadata.deletion_timestamp is None
        if ours and released and volume.spec.persistent_volume_reclaim_policy == "Delete":
            core.delete_persistent_volume(volume.metadata.name)
            say(f"volume {volume.metadata.name} deleted")
