"""Stands for the EBS CSI driver: a claim that waits for its first consumer gets a volume in that pod's zone.

kube-controller-manager binds claim and volume, as on EKS; a released volume is deleted. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DRIVER = "ebs.csi.aws.com"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


def wanted_volume(claim: Any, storage_class: Any, zone_of_node: Mapping[str, str]) -> dict[str, Any] | None:
    """The PersistentVolume that the driver would make for a claim now, or None if it is not its turn."""
    if claim.spec.volume_name or claim.metadata.deletion_timestamp:
        return None
    node = (claim.metadata.annotations or {}).get(SELECTED_NODE)
    waits = storage_class.volume_binding_mode == "WaitForFirstConsumer"
    if waits and node not in zone_of_node:
        return None
    zone = zone_of_node.get(node or "") or min(zone_of_node.values(), default=None)
    if zone is None:
        return None
    name = f"pvc-{claim.metadata.uid}"
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
        "csi": {"driver": DRIVER, "volumeHandle": f"vol-{claim.metadata.uid.replace('-', '')[:17]}"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [in_zone]}]}},
        "persistentVolumeReclaimPolicy": storage_class.reclaim_policy or "Delete",
        "storageClassName": storage_class.metadata.name,
        "volumeMode": claim.spec.volume_mode or "Filesystem",
    }
    metadata = {"name": name, "annotations": {PROVISIONED_BY: DRIVER}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def reconcile_volumes(core: Any, storage: Any, zone_of_node: Mapping[str, str], say: Callable[[str], None]) -> None:
    """One round: makes the volumes that claims wait for, deletes those that were released."""
    classes = {item.metadata.name: item for item in storage.list_storage_class().items if item.provisioner == DRIVER}
    volumes = core.list_persistent_volume().items  # also without a class: the last one may have gone first
    have = {volume.metadata.name for volume in volumes}
    for claim in core.list_persistent_volume_claim_for_all_namespaces().items if classes else []:
        storage_class = classes.get(claim.spec.storage_class_name or "")
        volume = wanted_volume(claim, storage_class, zone_of_node) if storage_class else None
        if volume and volume["metadata"]["name"] not in have:
            core.create_persistent_volume(volume)
            say(f"volume for {claim.metadata.namespace}/{claim.metadata.name}")
    for volume in volumes:
        ours = (volume.metadata.annotations or {}).get(PROVISIONED_BY) == DRIVER
        released = volume.status.phase == "Released" and volume.metadata.deletion_timestamp is None
        if ours and released and volume.spec.persistent_volume_reclaim_policy == "Delete":
            core.delete_persistent_volume(volume.metadata.name)
            say(f"volume {volume.metadata.name} deleted")
