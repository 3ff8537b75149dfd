"""The cluster-autoscaler of a stack: when there is one, and what it is told."""

from __future__ import annotations

from collections.abc import Sequence

from planning.cluster.addon_network import addon_network
from planning.cluster.regions import partition
from planning.findings import Findings
from planning.model import POOL_LABEL, ClusterAutoscalerPlan, CreateClusterPlan, ExistingClusterPlan, NodeGroupPlan
from planning.nodes.growth import can_grow
from planning.nodes.labels import SYSTEM_POOL
from planning.versions.autoscaler_tags import CLUSTER_AUTOSCALER_TAGS
from planning.versions.charts import ChartSources
from planning.versions.pull_through import image_mirror
from planning.versions.skew import minor
from settings.node_autoscaling import ClusterAutoscalerSettings
from settings.stack import StackSettings

CHART = "cluster-autoscaler"
# Two groups are worth telling apart only where both would do: the one that leaves less of a node unused is bought.
EXPANDER = "least-waste"


def plan_cluster_autoscaler(
    settings: StackSettings,
    cluster: CreateClusterPlan | ExistingClusterPlan,
    groups: Sequence[NodeGroupPlan],
    charts: ChartSources,
    findings: Findings,
) -> ClusterAutoscalerPlan | None:
    """The release, where a group can grow and the cluster has no autoscaler of its own."""
    node_autoscaling = settings.node_autoscaling
    if not isinstance(node_autoscaling, ClusterAutoscalerSettings) or not node_autoscaling.install:
        return None
    managed = [group for group in groups if group.karpenter is None]
    if not any(can_grow(settings, group.min_nodes, group.max_nodes) for group in managed):
        return None
    if isinstance(cluster, ExistingClusterPlan):
        findings.warning(
            "nodeAutoscaling",
            "autoscaler-credentials",
            "the cluster-autoscaler gets its AWS role from the EKS add-on eks-pod-identity-agent, and it is not known "
            f"here whether {cluster.name} has it, or an autoscaler already",
            "write install: false if it has one",
        )
    mirror = image_mirror(settings)
    region = settings.region
    return ClusterAutoscalerPlan(
        chart=charts.reference(CHART, findings),
        namespace="kube-system",
        image_tag=image_tag(cluster.version) if cluster.version else None,
        cluster_name=cluster.name,
        region=region,
        node_groups_arn=f"arn:{partition(region)}:eks:{region}:*:nodegroup/{cluster.name}/*/*",
        arguments=arguments(node_autoscaling.scale_down_after_seconds),
        node_selector={POOL_LABEL: SYSTEM_POOL},
        monitoring_namespace=settings.monitoring.namespace if settings.monitoring.enabled else None,
        scrape_interval_seconds=settings.monitoring.scrape_interval_seconds,
        mirror=mirror,
        network=addon_network(settings),
    )


def arguments(scale_down_after_seconds: int) -> dict[str, str | bool]:
    """What differs from the program's defaults (its FAQ, "What are the parameters to CA?").

    Down after 5 min by default where its own is 10: the HPA has let a replica go only after 2.5 cold starts, and
    the GPU is paid for meanwhile. As long after a scale-up, too: a surplus node goes as any other. A node whose GPU
    is not advertised yet is no candidate (label k8s.amazonaws.com/accelerator).
    """
    unneeded = f"{scale_down_after_seconds}s"
    return {
        "expander": EXPANDER,
        "balance-similar-node-groups": True,
        # CoreDNS and the like have budgets and run anywhere; they must not keep an empty node forever.
        "skip-nodes-with-system-pods": False,
        # Prometheus, Grafana and its adapter have an emptyDir each, and with the default no system node ever goes.
        "skip-nodes-with-local-storage": False,
        "scale-down-unneeded-time": unneeded,
        "scale-down-delay-after-add": unneeded,
    }


def image_tag(kubernetes_version: str) -> str:
    """The image's tag for a Kubernetes minor; the nearest for one that is not in the table."""
    tags = CLUSTER_AUTOSCALER_TAGS
    return tags[min(tags, key=lambda known: abs(minor(known) - minor(kubernetes_version)))]
