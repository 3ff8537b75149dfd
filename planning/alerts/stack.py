"""Rules of the whole stack: its GPUs, its spot nodes, what the other alerts rest on, and what everything costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planning.alerts.model import pods_selector
from planning.alerts.table import Desk, number
from planning.model import AlertRulePlan, GpuOperatorPlan, NodeGroupPlan, RecordingRulePlan, RuleGroupPlan, ServedModel
from planning.nodes.prices import known_prices

NODE_COST = "vllm_on_eks:node_usd_per_hour"
MODEL_COST = "vllm_on_eks:usd_per_hour"
NO_TEAM = "none"

# XIDs that a faulty program causes, not a faulty GPU: graphics exception, page fault, stopped channel, cleanup of an
# ended process, video processor (k8s-device-plugin, internal/rm/health.go). 109, a context switch time-out, is in that
# list too, but EKS' node monitoring agent counts it as fatal and replaces the node (dcgm_policies.go): it is alerted.
APPLICATION_XIDS = (13, 31, 43, 45, 68)


def hardware_group(pools: Sequence[NodeGroupPlan], operator: GpuOperatorPlan | None, desk: Desk) -> RuleGroupPlan:
    """Alerts on GPUs and nodes. Without GPU metrics or spot nodes there is no alert on them."""
    alerts = [
        desk.alert(
            "KubeStateMetricsMissing",
            "absent(kube_pod_status_ready)",
            "kube-state-metrics is not seen",
            "Alerts on readiness, downloads, autoscalers and cost are blind.",
        )
    ]
    if operator is not None and operator.dcgm_exporter:
        alerts.append(_xid(desk))
        if any(pool.min_nodes > 0 for pool in pools):
            alerts.append(
                desk.alert(
                    "GpuMetricsMissing",
                    # MIG instances have no DCGM_FI_DEV_GPU_UTIL (NVIDIA/dcgm-exporter#430); all have this.
                    "absent(DCGM_FI_DEV_FB_USED)",
                    "no GPU metrics",
                    "There are GPU nodes, and dcgm-exporter shows nothing: GPU faults would not be seen.",
                )
            )
    spot = [pool.name for pool in pools if pool.capacity_type == "SPOT" and pool.karpenter is None]
    if spot:
        alerts.append(_spot(spot, desk))
    return RuleGroupPlan("hardware", alerts=tuple(alerts))


def _xid(desk: Desk) -> AlertRulePlan:
    harmless = " or ".join(f"DCGM_FI_DEV_XID_ERRORS == {xid}" for xid in APPLICATION_XIDS)
    return desk.alert(
        "GpuXidError",
        f"(DCGM_FI_DEV_XID_ERRORS > {desk.bound('GpuXidError')}) unless ({harmless})",
        "a GPU reports a fault",
        "XID {{ $value }} on GPU {{ $labels.gpu }} of {{ $labels.Hostname }}. The gauge keeps the last XID until the "
        "exporter restarts.",
    )


def _spot(pools: list[str], desk: Desk) -> AlertRulePlan:
    """A managed node group cordons a node it is about to lose and drains it: that is all that shows in the cluster."""
    of_pools = f'kube_node_labels{{label_vllm_on_eks_pool=~"{"|".join(pools)}"}}'
    return desk.alert(
        "SpotNodeInterrupted",
        f"(kube_node_spec_unschedulable == {desk.bound('SpotNodeInterrupted')}) * on (node) "
        f"group_left (label_vllm_on_eks_pool) {of_pools}",
        "a spot node is being taken",
        "{{ $labels.node }} of pool {{ $labels.label_vllm_on_eks_pool }} is cordoned: EKS drains it, or a person did "
        "by hand. Its pods have at most two minutes.",
    )


def cost_group(
    groups: Iterable[NodeGroupPlan], models: Iterable[tuple[ServedModel, str]], region: str
) -> RuleGroupPlan:
    """US dollars per hour of each node, and of each model by the GPUs its pods hold; `models` with their teams.

    Prices are the region's on-demand list prices, as in the plan, for spot nodes too; types without one have no rule.
    """
    groups = list(groups)
    prices = [
        RecordingRulePlan(
            NODE_COST,
            f'max by (node) (kube_node_labels{{label_vllm_on_eks_pool="{group.name}",'
            f'label_node_kubernetes_io_instance_type="{name}"}}) * {number(price)}',
            {"pool": group.name, "instance_type": name},
        )
        for group in groups
        for name, price in known_prices(group, region).items()
    ]
    gpus = {group.name: group.advertised_gpus for group in groups}
    costs = [
        RecordingRulePlan(
            MODEL_COST,
            _model_cost(model, gpus[model.pool]),
            {"namespace": model.namespace, "model": model.name, "pool": model.pool, "team": team},
        )
        for model, team in models
    ]
    return RuleGroupPlan("cost", tuple(prices + costs))


def _model_cost(model: ServedModel, advertised_gpus: int) -> str:
    pods = pods_selector(model)
    living = (
        f'(kube_pod_info{{{pods},node!=""}} unless on (namespace, pod) '
        f'(kube_pod_status_phase{{{pods},phase=~"Succeeded|Failed"}} == 1))'
    )
    # Of a group the leader stands for all of its pods.
    share = model.gpus_per_replica / max(1, advertised_gpus)
    return f"sum({living} * on (node) group_left () {NODE_COST}) * {number(share)} or vector(0)"
