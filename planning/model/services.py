"""What is installed in the cluster beside the models. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model.alerts import RuleGroupPlan, WebhookPlan
from planning.model.cloud import GPU_TAINT, GpuSharingPlan, TaintPlan
from planning.model.prometheus import ExistingPrometheusPlan
from planning.model.scaling import MetricRule


@dataclass(frozen=True)
class ChartRef:
    """A pinned Helm chart; `repository` is None for an OCI chart, whose `chart` is the whole address."""

    chart: str
    version: str
    repository: str | None


@dataclass(frozen=True)
class AddonNetworkPlan:
    """Who reaches a service of the stack, and whom it reaches; NetworkPolicies follow from it.

    `api_server_ranges`: where the API server is reached. `node_ranges`: nodes, and where the API server asks from.
    `monitoring_namespace`: Prometheus', ours or that of `prometheus`. None: there is no such namespace.
    """

    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    node_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    monitoring_namespace: str | None = None
    keda_namespace: str | None = None
    prometheus: ExistingPrometheusPlan | None = None
    """Somebody else's; None: the stack's own, which takes all monitors."""

    @property
    def monitor_labels(self) -> dict[str, str]:
        """What Prometheus selects monitors by; empty: it takes all."""
        return self.prometheus.monitor_labels if self.prometheus else {}


@dataclass(frozen=True)
class SmokeTestPlan:
    """One nvidia-smi Job per GPU pool, which models wait for. `taints` of the pool's nodes are tolerated."""

    image: str
    pool: str
    gpus: int
    node_selector: dict[str, str]
    timeout_seconds: int
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class GpuOperatorPlan:
    """The GPU Operator release. `taints` of all GPU pools: its DaemonSets tolerate them.

    `sharing`: the ways in which pools divide their GPUs, each once.
    """

    chart: ChartRef
    namespace: str
    driver: bool
    toolkit: bool
    device_plugin: bool
    gpu_feature_discovery: bool
    dcgm_exporter: bool
    dcgm_scrape_interval_seconds: int
    mirror: str | None
    smoke_tests: tuple[SmokeTestPlan, ...]
    timeout_seconds: int = 900
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
    sharing: tuple[GpuSharingPlan, ...] = ()
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class KedaPlan:
    """KEDA's release, in a stack whose models ask for it. `install` False: the cluster has its own."""

    chart: ChartRef
    namespace: str
    install: bool
    mirror: str | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class OperatorPlan:
    """An operator that serving backends need: namespace and releases, each after the one before.

    `charts` by release name, which is the chart's. `setting` names its namespace (a key of NAMESPACE_OWNERS).
    `webhook_ports`: where the API server asks its pods. `install` False: the cluster has its own.
    """

    name: str
    setting: str
    charts: dict[str, ChartRef]
    namespace: str
    install: bool
    webhook_ports: tuple[int, ...]
    mirror: str | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class ReadSecretPlan:
    """A secret of AWS Secrets Manager, by its name. `kms_key_arn` None: encrypted with aws/secretsmanager."""

    name: str
    kms_key_arn: str | None = None


@dataclass(frozen=True)
class ExternalSecretsPlan:
    """External Secrets Operator, in a stack whose models have their token in AWS Secrets Manager.

    `install` False: the cluster has its own, with a role of its own. `secrets`: what its role reads, each once.
    `stores`: namespaces that have a SecretStore.
    """

    chart: ChartRef
    namespace: str
    install: bool
    cluster_name: str
    region: str
    partition: str
    secrets: tuple[ReadSecretPlan, ...]
    stores: tuple[str, ...]
    scrape_interval_seconds: int
    mirror: str | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class ClusterAutoscalerPlan:
    """The cluster-autoscaler's release, in a stack whose pools may grow.

    `image_tag`: its minor is the cluster's, since it runs that release's scheduler; None: the cluster's version is not
    written, and EKS tells it (planning.cluster.autoscaler.image_tag). `node_groups_arn`: of all managed
    groups of the cluster, with wildcards. `arguments` of the program; `node_selector`: of nodes that it may stand on.
    `monitoring_namespace` None: nobody asks for its metrics.
    """

    chart: ChartRef
    namespace: str
    image_tag: str | None
    cluster_name: str
    region: str
    node_groups_arn: str
    arguments: dict[str, str | bool]
    node_selector: dict[str, str]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    mirror: str | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class KarpenterPlan:
    """Karpenter's two releases and its AWS half, in a stack that has a pool for it.

    `spot`: a pool may be spot, which takes EC2's service-linked role. `replicas`: one a system node, two at most.
    """

    chart: ChartRef
    crd_chart: ChartRef
    namespace: str
    cluster_name: str
    region: str
    partition: str
    replicas: int
    spot: bool
    node_selector: dict[str, str]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    mirror: str | None
    timeout_seconds: int = 600
    network: AddonNetworkPlan = AddonNetworkPlan()


@dataclass(frozen=True)
class MonitoringPlan:
    """kube-prometheus-stack and prometheus-adapter; with `existing` the adapter alone, beside that Prometheus.

    `stack_chart` None, and nothing of it: with `existing`. `namespace`: of what we install, never the other one's.
    `retention_size_gib`: Prometheus drops the oldest samples there; below `storage_gib`, or the disk fills first.
    `alert_groups`: those of the whole stack; a model's are in its own plan. `webhook` None: nobody is told.
    """

    stack_chart: ChartRef | None
    adapter_chart: ChartRef
    namespace: str
    retention_days: int
    storage_gib: int
    storage_class: str
    scrape_interval_seconds: int
    grafana: bool
    grafana_password_key: str | None
    adapter_rules: tuple[MetricRule, ...]
    mirror: str | None
    timeout_seconds: int = 900
    retention_size_gib: int | None = None
    alert_groups: tuple[RuleGroupPlan, ...] = ()
    webhook: WebhookPlan | None = None
    existing: ExistingPrometheusPlan | None = None
    network: AddonNetworkPlan = AddonNetworkPlan()
