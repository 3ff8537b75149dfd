"""Service quotas that a plan needs of its AWS account, at most nodes.

New accounts start with 0 vCPU of G and P instances, and raising a quota takes hours to days: better asked early.
Codes, names and defaults were compared with the pages below on 2026-11-21; what they do not say stands as a row's
`source`.
"""

from __future__ import annotations

from collections import Counter

from planning.model import CreateNetworkPlan, ExistingNetworkPlan, NodeGroupPlan, Quota, QuotaNeed, StackPlan
from planning.nodes.instances import UnknownInstanceType, instance_type

# Links every row to its code (copy of the page in a public repository).
_EC2_PAGE = "https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"
# Names and defaults; the codes are not on the page, but the same in several public tools
# (e.g. cortexlabs/cortex, pkg/lib/aws/servicequotas.go).
_VPC_PAGE = "https://docs.aws.amazon.com/general/latest/gr/vpc-service.html"
_P6 = "not verified: AWS' page of 2026-11-21 names no quota for P6 on spot, and public tools disagree (or L-C4BD4855)"

# (family's first letters, capacity type) -> quota of vCPUs.
_STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)"
_VCPUS = {
    ("g", "ON_DEMAND"): Quota("L-DB2E81BA", "ec2", "Running On-Demand G and VT instances", "vCPU", 0, _EC2_PAGE),
    ("g", "SPOT"): Quota("L-3819A6DF", "ec2", "All G and VT Spot Instance Requests", "vCPU", 0, _EC2_PAGE),
    ("p", "ON_DEMAND"): Quota("L-417A185B", "ec2", "Running On-Demand P instances", "vCPU", 0, _EC2_PAGE),
    ("p", "SPOT"): Quota("L-7212CCBC", "ec2", "All P4, P3 and P2 Spot Instance Requests", "vCPU", 0, _EC2_PAGE),
    ("p5", "SPOT"): Quota("L-C4BD4855", "ec2", "All P5 Spot Instance Requests", "vCPU", 0, _EC2_PAGE),
    ("p6", "SPOT"): Quota("L-7212CCBC", "ec2", "P6 Spot Instance Requests (code not verified)", "vCPU", None, _P6),
    ("", "ON_DEMAND"): Quota("L-1216C47A", "ec2", f"Running On-Demand {_STANDARD} instances", "vCPU", 5, _EC2_PAGE),
    ("", "SPOT"): Quota("L-34B43A08", "ec2", f"All {_STANDARD} Spot Instance Requests", "vCPU", 5, _EC2_PAGE),
}
_VPCS = Quota("L-F678F1CE", "vpc", "VPCs per Region", "VPC", 5, _VPC_PAGE)
_ADDRESSES = Quota("L-0263D0A3", "ec2", "EC2-VPC Elastic IPs", "address", 5, _VPC_PAGE)
_NAT_GATEWAYS = Quota("L-FE5A380F", "vpc", "NAT gateways per Availability Zone", "gateway", 5, _VPC_PAGE)


def quotas(plan: StackPlan) -> tuple[QuotaNeed, ...]:
    """What the stack needs at most nodes, of the largest instance type that each group may be given."""
    vcpus: Counter[Quota] = Counter()
    used_by: dict[Quota, list[str]] = {}
    for group in (plan.system_nodes, *plan.gpu_pools):
        largest = max((_vcpu(name) for name in group.instance_types), default=0)
        for quota in _quotas_of(group) if largest else ():
            more = surge_nodes(group, plan.network)
            vcpus[quota] += (group.max_nodes + more) * largest
            nodes = f"{group.max_nodes} + {more} in an update" if more else str(group.max_nodes)
            used_by.setdefault(quota, []).append(f"{nodes} × {'|'.join(group.instance_types)} ({group.name})")
    needs = [QuotaNeed(quota, needed, tuple(used_by[quota])) for quota, needed in vcpus.items()]
    if isinstance(plan.network, CreateNetworkPlan):
        gateways = len(plan.network.nat_zones)
        needs += [
            QuotaNeed(_VPCS, 1, ("network",)),
            QuotaNeed(_ADDRESSES, gateways, ("NAT gateways",)),
            QuotaNeed(_NAT_GATEWAYS, min(1, gateways), ("one per zone",)),
        ]
    return tuple(need for need in needs if need.needed)


def surge_nodes(group: NodeGroupPlan, network: CreateNetworkPlan | ExistingNetworkPlan) -> int:
    """Nodes that EKS starts beyond `maxNodes` while it updates a group: twice its zones, or `maxUnavailable` if more
    (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html); none with MINIMAL.

    Of a network that exists the zones are not known here: each subnet is counted as one.
    """
    if group.update_strategy == "MINIMAL":
        return 0
    all_zones = len(network.zones if isinstance(network, CreateNetworkPlan) else network.private_subnet_ids)
    return max(2 * (len(group.zones or group.subnet_ids) or all_zones), group.max_unavailable)


def _vcpu(name: str) -> int:
    try:
        return instance_type(name).vcpu
    except UnknownInstanceType:
        return 0  # the plan has said so


def _quotas_of(group: NodeGroupPlan) -> list[Quota]:
    """One for each way in which the group's nodes may be bought: each may have to carry all of them."""
    if group.capacity_type == "CAPACITY_BLOCK":
        return []  # its instances count against no on-demand quota (ec2-capacity-blocks.html)
    if group.karpenter is None:
        return [_quota_of(group, group.capacity_type)]
    ways = {"SPOT" if capacity_type == "spot" else "ON_DEMAND" for capacity_type in group.karpenter.capacity_types}
    return [_quota_of(group, way) for way in sorted(ways)]


def _quota_of(group: NodeGroupPlan, capacity_type: str) -> Quota:
    family = group.instance_types[0].split(".")[0]
    if capacity_type == "SPOT" and family[:2] in ("p5", "p6"):
        return _VCPUS[family[:2], "SPOT"]
    kind = family[0] if group.gpu and family[0] in "gp" else ""
    return _VCPUS[kind, capacity_type]
