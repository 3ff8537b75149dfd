"""What Karpenter reads: how a pool's nodes look (EC2NodeClass) and when they come and go (NodePool). Pure."""

from __future__ import annotations

from typing import Any

from components.manifest import Manifest
from components.node_config import node_document
from planning.model import GPU_RESOURCE, OWN_LABELS, KarpenterNodesPlan, NodeGroupPlan, Tags

NODE_CLASS_GROUP, NODE_CLASS = "karpenter.k8s.aws", "EC2NodeClass"
# Of AL2023: system, and images and emptyDirs where the instance has no disks of its own. Bottlerocket has these on the
# second.
ROOT_DEVICE, DATA_DEVICE = "/dev/xvda", "/dev/xvdb"


def ec2_node_class(
    plan: NodeGroupPlan, subnets: Any, security_group_id: Any, instance_profile: Any, tags: Tags
) -> Manifest:
    """Launch settings. `subnets`: terms with ids; these and the next two may be outputs.

    Everything is named by id: tags added to subnets or groups later bring no node elsewhere.
    """
    nodes = _of_karpenter(plan)
    spec: dict[str, Any] = {
        # The NVIDIA variant comes by the instance type. A fixed release: with @latest each new AMI replaces all nodes.
        "amiSelectorTerms": [{"alias": nodes.ami_alias}],
        "instanceProfile": instance_profile,
        "subnetSelectorTerms": subnets,
        "securityGroupSelectorTerms": [{"id": security_group_id}],
        "blockDeviceMappings": _volumes(plan),
        # As components/aws/node_group.py: a pod cannot reach the node's credentials.
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "required",
        },
        "detailedMonitoring": False,
        "tags": tags,
    }
    if nodes.instance_store:
        spec["instanceStorePolicy"] = nodes.instance_store
    if document := node_document(plan, raid0=False):  # Karpenter merges it with its own, which has the disks
        spec["userData"] = document
    if nodes.capacity_reservation_ids:
        spec["capacityReservationSelectorTerms"] = [
            {"id": reservation_id} for reservation_id in nodes.capacity_reservation_ids
        ]
    return _manifest(f"{NODE_CLASS_GROUP}/v1", NODE_CLASS, plan.name, spec)


def _volumes(plan: NodeGroupPlan) -> list[dict[str, Any]]:
    """`rootVolume`: the one on which the kubelet keeps emptyDirs, whose size Karpenter takes for ephemeral storage."""
    kept = {"volumeType": "gp3", "encrypted": True, "deleteOnTermination": True}
    fast = {"iops": plan.disk_iops, "throughput": plan.disk_throughput_mibps}
    data = {
        "deviceName": DATA_DEVICE if plan.bottlerocket else ROOT_DEVICE,
        "rootVolume": True,
        "ebs": {**kept, "volumeSize": f"{plan.disk_gib}Gi", **fast},
    }
    if plan.bottlerocket is None:
        return [data]
    system = {"deviceName": ROOT_DEVICE, "ebs": {**kept, "volumeSize": f"{plan.bottlerocket.system_disk_gib}Gi"}}
    return [system, data]


def node_overlay(plan: NodeGroupPlan) -> Manifest | None:
    """The GPUs that a node of the pool will advertise, where EC2 states another number of its type; None where not.

    It replaces the type's number in this pool's simulation, limits and in-flight nodes (karpenter v1.14.0,
    pkg/cloudprovider/types.go, ApplyCapacityOverlay; the provider's Create).
    """
    nodes = _of_karpenter(plan)
    if nodes.told_gpus is None:
        return None
    requirements = [{"key": "karpenter.sh/nodepool", "operator": "In", "values": [plan.name]}]
    spec = {"requirements": requirements, "capacity": {GPU_RESOURCE: str(nodes.told_gpus)}}
    return _manifest("karpenter.sh/v1alpha1", "NodeOverlay", plan.name, spec)


def node_pool(plan: NodeGroupPlan) -> Manifest:
    """Which nodes, how many, and when they may be disturbed: an empty one is ended; a busy one never to save money."""
    nodes = _of_karpenter(plan)
    hours = nodes.expire_after_hours
    gpus = plan.advertised_gpus if nodes.told_gpus is None else nodes.told_gpus
    spec = {
        "template": {
            "metadata": {"labels": plan.labels},
            "spec": {
                "nodeClassRef": {"group": NODE_CLASS_GROUP, "kind": NODE_CLASS, "name": plan.name},
                "taints": [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in plan.taints],
                "requirements": _requirements(plan, nodes),
                "expireAfter": "Never" if hours is None else f"{hours}h",
                # Then a node goes whatever runs; budgets of pods hold until then.
                "terminationGracePeriod": f"{nodes.termination_grace_seconds}s",
            },
        },
        "limits": {"nodes": str(plan.max_nodes), GPU_RESOURCE: str(plan.max_nodes * gpus)},
        "disruption": {
            # By utilization Karpenter counts CPU and memory, not GPUs: it would empty nodes whose GPUs all serve
            # (kubernetes-sigs/karpenter#685).
            "consolidationPolicy": "WhenEmpty",
            "consolidateAfter": f"{nodes.consolidate_after_seconds}s",
            "budgets": [
                {"reasons": ["Underutilized"], "nodes": "0"},
                {"reasons": ["Drifted"], "nodes": str(nodes.replaced_at_once)},
                {"reasons": ["Empty"], "nodes": "100%"},
            ],
        },
    }
    return _manifest("karpenter.sh/v1", "NodePool", plan.name, spec)


def _requirements(plan: NodeGroupPlan, nodes: KarpenterNodesPlan) -> list[dict[str, Any]]:
    asked = {
        "node.kubernetes.io/instance-type": plan.instance_types,
        "karpenter.sh/capacity-type": nodes.capacity_types,
        "kubernetes.io/arch": (nodes.architecture,),
        "kubernetes.io/os": ("linux",),
        **({"topology.kubernetes.io/zone": plan.zones} if plan.zones else {}),
    }
    return [{"key": key, "operator": "In", "values": list(values)} for key, values in asked.items()]


def _of_karpenter(plan: NodeGroupPlan) -> KarpenterNodesPlan:
    if plan.karpenter is None:
        raise ValueError(f"pool {plan.name} is a managed node group, not Karpenter's")
    return plan.karpenter


def _manifest(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    metadata = {"name": name, "labels": dict(OWN_LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
