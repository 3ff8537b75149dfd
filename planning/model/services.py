"""What is installed in the cluster beside the models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.alerts import RuleGroupPlan, WebhookPlan
from planning.model.cloud import GPU_TAINT, GpuSharingPlan, TaintPlan
from planning.model.kubeai import KubeaiPlan
from planning.model.open_cost import OpenCostPlan
from planning.model.prometheus import ExistingPrometheusPlan
from planning.model.registry import ImageMirror
from planning.model.scaling import MetricRule
from planning.model.tracing import TracingPlan


@dataclass(frozen=True)
class ChartRef:
    """A pinned Helm chart."""

    chart: str
    """Its name; of an OCI chart the whole address."""
    version: str
    repository: str | None
    """None: an OCI chart."""


@dataclass(frozen=True)
class AddonNetworkPlan:
    """Who reaches a service of the stack, and what it reaches; NetworkPolicies follow from it."""

    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    """Where the API server is reached."""
    node_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    """Nodes, and where the API server asks from."""
    monitoring_namespace: str | None = None
    """Prometheus', ours or that of `prometheus`; None: there is none."""
    prometheus_clients: tuple[str, ...] = ()
    """Namespaces whose pods ask Prometheus: KEDA's, Argo Rollouts'."""
    prometheus: ExistingPrometheusPlan | None = None
    """An existing one; None: the stack's own, which takes all monitors."""

    @property
    def monitor_labels(self) -> dict[str, str]:
        """What Prometheus selects monitors by; empty: it takes all."""
        return self.prometheus.monitor_labels if self.prometheus else {}


@dataclass(frozen=True)
class SmokeTestPlan:
    """One nvidia-smi Job per GPU pool, which models wait for."""

    image: str
    pool: str
    gpus: int
    node_selector: dict[str, str]
    timeout_seconds: int
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
    """Of the pool's nodes; tolerated."""
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class GpuOperatorPlan:
    """The GPU Operator's release."""

    chart: ChartRef
    namespace: str
    driver: bool
    toolkit: bool
    device_plugin: bool
    gpu_feature_discovery: bool
    dcgm_exporter: bool
    dcgm_scrape_interval_seconds: int
    mirror: ImageMirror | None
    smoke_tests: tuple[SmokeTestPlan, ...]
    timeout_seconds: int = 900
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
    """Of all GPU pools; its DaemonSets tolerate them."""
    sharing: tuple[GpuSharingPlan, ...] = ()
    """The ways in which pools divide their GPUs, each once."""
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class KedaPlan:
    """KEDA's release, in a stack whose models ask for it."""

    chart: ChartRef
    namespace: str
    install: bool
    """False: the cluster has its own."""
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class OperatorResources:
    """What an operator's container asks of a node without GPU, as Kubernetes quantities."""

    cpu_request: str
    memory_request: str
    memory_limit: str
    cpu_limit: str | None = None
    """None: as much as the node has left."""


@dataclass(frozen=True)
class OperatorPlan:
    """An operator that serving backends need: namespace and releases, each after the one before."""

    name: str
    setting: str
    """Names its namespace (a key of NAMESPACE_OWNERS)."""
    charts: dict[str, ChartRef]
    """By release name, which is the chart's."""
    namespace: str
    install: bool
    """False: the cluster has its own."""
    webhook_ports: tuple[int, ...]
    """Where the API server asks its pods."""
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()
    pod_ports: tuple[int, ...] = ()
    """What its pods ask of models' pods."""
    tracing: TracingPlan | None = None
    """Of the collector."""
    open_cost: OpenCostPlan | None = None
    """Of OpenCost."""
    kubeai: KubeaiPlan | None = None
    """Of KubeAI, which lives in its models' namespace; None: the operator has one of its own."""
    metrics_ports: tuple[int, ...] = ()
    """Where Prometheus asks its pods."""
    asks_prometheus: bool = False
    scrape_interval_seconds: int = 15
    resources: OperatorResources | None = None
    """None: its chart's own."""


@dataclass(frozen=True)
class ReadSecretPlan:
    """A secret of AWS Secrets Manager, by its name."""

    name: str
    kms_key_arn: str | None = None
    """None: encrypted with aws/secretsmanager."""


@dataclass(frozen=True)
class ExternalSecretsPlan:
    """External Secrets Operator, in a stack whose models have their token in AWS Secrets Manager."""

    chart: ChartRef
    namespace: str
    install: bool
    """False: the cluster has its own, with a role of its own."""
    cluster_name: str
    region: str
    partition: str
    secrets: tuple[ReadSecretPlan, ...]
    """What its role reads, each once."""
    stores: tuple[str, ...]
    """Namespaces that have a SecretStore."""
    scrape_interval_seconds: int
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class ClusterAutoscalerPlan:
    """The cluster-autoscaler's release, in a stack whose pools may grow."""

    chart: ChartRef
    namespace: str
    image_tag: str | None
    """Its minor is the cluster's, whose scheduler it runs; None: EKS is asked (cluster.autoscaler.image_tag)."""
    cluster_name: str
    region: str
    node_groups_arn: str
    """Of all managed groups of the cluster, with wildcards."""
    arguments: dict[str, str | bool]
    """Of the program."""
    node_selector: dict[str, str]
    """Of nodes that it may run on."""
    monitoring_namespace: str | None
    """None: its metrics are not scraped."""
    scrape_interval_seconds: int
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class KarpenterPlan:
    """Karpenter's two releases and its AWS half, in a stack that has a pool for it."""

    chart: ChartRef
    crd_chart: ChartRef
    namespace: str
    cluster_name: str
    region: str
    partition: str
    replicas: int
    """One per system node, two at most."""
    spot: bool
    """A pool may be spot, which needs EC2's service-linked role."""
    node_selector: dict[str, str]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    mirror: ImageMirror | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()
    overlays: bool = False
    """A pool's nodes advertise other GPUs than EC2 states: NodeOverlays, an alpha feature, tell of them."""


@dataclass(frozen=True)
class MonitoringPlan:
    """kube-prometheus-stack and prometheus-adapter; with `existing` the adapter alone, beside that Prometheus."""

    stack_chart: ChartRef | None
    """None with `existing`."""
    adapter_chart: ChartRef
    namespace: str
    """Of what we install, never the existing one's."""
    retention_days: int
    storage_gib: int
    storage_class: str
    scrape_interval_seconds: int
    grafana: bool
    grafana_password_key: str | None
    adapter_rules: tuple[MetricRule, ...]
    mirror: ImageMirror | None
    timeout_seconds: int = 900
    retention_size_gib: int | None = None
    """Prometheus drops the oldest samples there; below `storage_gib`, or the disk fills first."""
    alert_groups: tuple[RuleGroupPlan, ...] = ()
    """Those of the whole stack; a model's are in its own plan."""
    webhook: WebhookPlan | None = None
    """None: alerts are sent nowhere."""
    existing: ExistingPrometheusPlan | None = None
    pods_may_wait_in: tuple[str, ...] = ()
    """Namespaces whose pods may be Pending for good: the chart's alerts on workloads leave them out."""
    network: AddonNetworkPlan = AddonNetworkPlan()
