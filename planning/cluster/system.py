"""Whether the nodes without GPU hold what the stack puts on them: pods, CPU and memory, as the scheduler counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planning.backends.operators import asked_operators, is_installed
from planning.backends.table import backends
from planning.cluster import kubeai, pickers, ray, routers
from planning.cluster.entry import proxy_resources
from planning.cluster.load_balancers import installs_controller
from planning.facts import rows
from planning.findings import Findings
from planning.model import AutoscalingPlan, NodeGroupPlan, PodResources, ScalerKind
from planning.nodes.fit import DAEMONS
from planning.nodes.growth import can_grow
from planning.nodes.instances import InstanceType, instance_types
from planning.nodes.quantity import as_cpu, as_mib, mib, millicores
from settings.backends import Backend, RouterSettings
from settings.cluster import CreateCluster
from settings.gateway import IngressGateway
from settings.node_autoscaling import ClusterAutoscalerSettings
from settings.pools import ManagedPool
from settings.stack import StackSettings
from settings.tokens import SecretsManagerToken

# On every node, GPU or not.
EVERYWHERE = (
    "aws-node", "kube-proxy", "ebs-csi-node", "eks-pod-identity-agent", "eks-node-monitoring-agent",
    "node-feature-discovery-worker", "node-exporter",
)  # fmt: skip
PATH = "systemNodes.instanceTypes"
SUGGESTED = ("m7i.large", "m7i.xlarge", "m7i.2xlarge")


@dataclass(frozen=True)
class SystemLoad:
    """Pods and what they request."""

    pods: int = 0
    cpu_millicores: int = 0
    memory_mib: int = 0

    def plus(self, other: SystemLoad, times: int = 1) -> SystemLoad:
        """Both, the other so many times."""
        return SystemLoad(
            self.pods + times * other.pods,
            self.cpu_millicores + times * other.cpu_millicores,
            self.memory_mib + times * other.memory_mib,
        )


def check_system_nodes(
    settings: StackSettings, group: NodeGroupPlan, scalings: list[AutoscalingPlan], findings: Findings
) -> None:
    """Of a cluster that we create: in another's cluster pods may stand on other nodes. Unknown types were told of."""
    known = [instance_types()[name] for name in group.instance_types if name in instance_types()]
    if not isinstance(settings.cluster, CreateCluster) or len(known) < len(group.instance_types):
        return
    node = min(known, key=lambda type_: (type_.allocatable_memory_mib, type_.allocatable_pods))
    parts = _parts(settings, group, scalings)
    alone = [*_pods(parts), *_routers(settings)]
    each_node = _daemons(parts)
    load = SystemLoad()
    for _, pod, count in alone:
        load = load.plus(pod, count)
    grows = can_grow(settings, group.min_nodes, group.max_nodes)
    nodes = group.max_nodes if grows else group.min_nodes
    problem = _problem(node, nodes, each_node, load, alone)
    if problem is not None:
        what = "maxNodes" if grows else "minNodes"
        findings.error(
            PATH,
            "system-nodes",
            f"{nodes} × {node.name}: {problem}",
            f"write {_way(node, each_node, load, alone, what)}",
        )


def _problem(
    node: InstanceType, nodes: int, each_node: SystemLoad, load: SystemLoad, alone: list[tuple[str, SystemLoad, int]]
) -> str | None:
    room = SystemLoad(node.allocatable_pods, node.allocatable_cpu_millicores, node.allocatable_memory_mib).plus(
        each_node, -1
    )
    for name, pod, _ in alone:
        if pod.memory_mib > room.memory_mib or pod.cpu_millicores > room.cpu_millicores:
            return (
                f"{name} asks for {as_cpu(pod.cpu_millicores)} CPU and {as_mib(pod.memory_mib)}, a node has "
                f"{as_cpu(max(0, room.cpu_millicores))} and {as_mib(max(0, room.memory_mib))} after kubelet and "
                "DaemonSets: it is never scheduled"
            )
    asked = (
        (load.pods, room.pods, f"{load.pods} pods", "places for them (addresses of the network interfaces)"),
        (
            load.cpu_millicores,
            room.cpu_millicores,
            f"pods that ask for {as_cpu(load.cpu_millicores)} CPU",
            "m of CPU",
        ),
        (load.memory_mib, room.memory_mib, f"pods that ask for {as_mib(load.memory_mib)}", "MiB"),
    )
    for requested, of_each, words, unit in asked:
        there = nodes * max(0, of_each)
        if requested > there:
            return (
                f"the stack has {words} beside {each_node.pods} pods of DaemonSets on each node, and there are {there} "
                f"{unit}: some stay Pending"
            )
    return None


def _way(
    node: InstanceType, each_node: SystemLoad, load: SystemLoad, alone: list[tuple[str, SystemLoad, int]], what: str
) -> str:
    """More of these nodes where that helps, else the smallest type of which two do."""
    more = next((count for count in range(1, 21) if _problem(node, count, each_node, load, alone) is None), None)
    types = (instance_types()[name] for name in SUGGESTED)
    other = next(type_.name for type_ in types if _problem(type_, 2, each_node, load, alone) is None)
    return f"{what}: {more} or instanceTypes: [{other}]" if more else f"instanceTypes: [{other}] with minNodes: 2"


def _parts(settings: StackSettings, group: NodeGroupPlan, scalings: list[AutoscalingPlan]) -> set[str]:
    monitoring = settings.monitoring
    node_autoscaling = settings.node_autoscaling
    managed = [node_pool for node_pool in settings.node_pools if isinstance(node_pool, ManagedPool)]
    bounds = [(group.min_nodes, group.max_nodes), *((pool.min_nodes, pool.max_nodes) for pool in managed)]
    growing = [can_grow(settings, *bound) for bound in bounds]
    used = {
        "cluster": True,
        "monitoring": monitoring.installed,
        "grafana": monitoring.installed and monitoring.grafana.enabled,
        "adapter": monitoring.enabled and any(scaling.kind is ScalerKind.HPA for scaling in scalings),
        "gpu-operator": settings.gpu_operator.enabled,
        "autoscaler": isinstance(node_autoscaling, ClusterAutoscalerSettings)
        and node_autoscaling.install
        and any(growing),
        "karpenter": len(managed) < len(settings.node_pools),
        "external-secrets": settings.external_secrets.install
        and any(isinstance(model.token_secret, SecretsManagerToken) for model in settings.models),
        "load-balancer-controller": installs_controller(settings),
        "keda": settings.keda.install and any(scaling.kind is ScalerKind.KEDA for scaling in scalings),
    }
    installed = {row.name for row in asked_operators(settings) if is_installed(settings, row)}
    return installed | {part for part, is_used in used.items() if is_used}


def _pods(parts: set[str]) -> Iterator[tuple[str, SystemLoad, int]]:
    """Name, one pod, how many of them."""
    for row in rows("system_pods.csv"):
        if row["when"] in parts:
            yield row["name"], SystemLoad(1, int(row["cpu_millicores"]), int(row["memory_mib"])), int(row["pods"])


def _routers(settings: StackSettings) -> Iterator[tuple[str, SystemLoad, int]]:
    """They stand in front of models, and beside no GPU."""
    head = _load(ray.HEAD).plus(SystemLoad(0, millicores(ray.AUTOSCALER_CPU), mib(ray.AUTOSCALER_MEMORY)))
    for model in settings.models:
        if backends()[settings.backend_of(model)].router is not None:
            yield f"router of {model.name}", _load(routers.RESOURCES), (model.router or RouterSettings()).replicas
        if settings.backend_of(model) is Backend.RAY:
            yield f"head of {model.name}", head, 1
        if settings.backend_of(model) is Backend.LLM_D:
            yield f"endpoint picker of {model.name}", _load(pickers.RESOURCES), 1
    if isinstance(settings.gateway, IngressGateway):
        yield "proxy of the gateway", _load(proxy_resources(settings.gateway)), settings.gateway.proxies
    if any(settings.backend_of(model) is Backend.KUBEAI for model in settings.models):
        yield "KubeAI's proxy", _load(kubeai.PROXY), settings.kubeai.replicas


def _load(resources: PodResources) -> SystemLoad:
    return SystemLoad(1, millicores(resources.cpu_request), mib(resources.memory))


def _daemons(parts: set[str]) -> SystemLoad:
    load = SystemLoad()
    for daemon in DAEMONS:
        if daemon.name in EVERYWHERE and daemon.part_of in parts:
            load = load.plus(SystemLoad(1, daemon.cpu_millicores, daemon.memory_mib))
    return load
