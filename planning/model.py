"""The plan: every decision and every number, as frozen values that components, preview and tests read.

Nothing here computes; `planning.plan.plan` makes it. Units are in the names; sizes of Kubernetes objects are
Kubernetes quantities (strings) only where they are about to be written into a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Tags = dict[str, str]


class Severity(StrEnum):
    """What a finding does to the deployment."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing a plan has to say: where (path as the user wrote it), what is wrong, what to do instead."""

    path: str
    message: str
    severity: Severity = Severity.ERROR
    rule: str = ""


class PlanRefused(Exception):
    """The settings are well-formed but cannot work. Holds every finding, warnings too."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__(_refusal_text(findings))


def _refusal_text(findings: tuple[Finding, ...]) -> str:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    warnings = [finding for finding in findings if finding.severity is Severity.WARNING]
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    lines = [f"the stack file cannot work: {count}; nothing was changed"]
    lines += [f"  error    {finding.path}: {finding.message}" for finding in errors]
    lines += [f"  warning  {finding.path}: {finding.message}" for finding in warnings]
    return "\n".join(lines)


@dataclass(frozen=True)
class ChartRef:
    """A pinned Helm chart; `repository` is None for an OCI chart, whose `chart` is the whole address."""

    chart: str
    version: str
    repository: str | None


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet of a network that we create."""

    zone: str
    cidr: str
    public: bool


@dataclass(frozen=True)
class CreateNetworkPlan:
    """A VPC of our own. `nat_zones`: zones whose public subnet holds a NAT gateway."""

    cidr: str
    zones: tuple[str, ...]
    subnets: tuple[SubnetPlan, ...]
    nat_zones: tuple[str, ...]
    flow_logs: bool
    protect: bool


@dataclass(frozen=True)
class ExistingNetworkPlan:
    """Subnets that exist."""

    vpc_id: str
    private_subnet_ids: tuple[str, ...]


@dataclass(frozen=True)
class AccessEntryPlan:
    """An IAM principal, its EKS access policy ARN and where it holds (empty: the whole cluster)."""

    principal_arn: str
    policy_arn: str
    namespaces: tuple[str, ...]


@dataclass(frozen=True)
class AddonPlan:
    """An EKS add-on. `pod_identity_policy_arn`: managed policy its service account needs, if any.

    `after_nodes`: has pods that need nodes before it becomes ACTIVE.
    """

    name: str
    version: str | None
    after_nodes: bool
    configuration: dict[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    namespace: str = "kube-system"
    pod_identity_policy_arn: str | None = None


@dataclass(frozen=True)
class CreateClusterPlan:
    """An EKS cluster of our own."""

    name: str
    version: str
    public_access: bool
    public_access_cidrs: tuple[str, ...]
    log_types: tuple[str, ...]
    log_retention_days: int
    kms_key_arn: str | None
    access_entries: tuple[AccessEntryPlan, ...]
    addons: tuple[AddonPlan, ...]
    protect: bool

    @property
    def addons_after_nodes(self) -> tuple[AddonPlan, ...]:
        """The add-ons that need nodes before they become ACTIVE."""
        return tuple(addon for addon in self.addons if addon.after_nodes)


@dataclass(frozen=True)
class ExistingClusterPlan:
    """A cluster that exists, with the add-ons its owner gave it."""

    name: str
    addons_after_nodes: tuple[AddonPlan, ...] = ()


@dataclass(frozen=True)
class TaintPlan:
    """A node taint in Kubernetes' spelling (effect `NoSchedule`)."""

    key: str
    value: str
    effect: str


GPU_TAINT = TaintPlan("nvidia.com/gpu", "present", "NoSchedule")


@dataclass(frozen=True)
class NodeGroupPlan:
    """An EKS managed node group. `ami_type` is EKS's name, e.g. AL2023_x86_64_NVIDIA; `gpu` None: system group.

    `zones` empty: all private subnets. Disk is encrypted gp3.
    """

    name: str
    instance_types: tuple[str, ...]
    capacity_type: str
    ami_type: str
    ami_release_version: str | None
    min_nodes: int
    desired_nodes: int
    max_nodes: int
    disk_gib: int
    disk_throughput_mibps: int
    disk_iops: int
    zones: tuple[str, ...]
    labels: dict[str, str]
    taints: tuple[TaintPlan, ...]
    node_repair: bool
    max_unavailable: int = 1
    gpu: str | None = None
    gpus_per_node: int = 0


@dataclass(frozen=True)
class SmokeTestPlan:
    """One nvidia-smi Job per GPU pool, which models wait for. `taints` of the pool's nodes are tolerated."""

    image: str
    pool: str
    gpus: int
    node_selector: dict[str, str]
    timeout_seconds: int
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)


@dataclass(frozen=True)
class GpuOperatorPlan:
    """The GPU Operator release. `taints` of all GPU pools: its DaemonSets tolerate them."""

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


@dataclass(frozen=True)
class MetricRule:
    """A per-pod metric the adapter serves to the HPA: Prometheus series `series` under the name `name`."""

    series: str
    name: str
    source: str


@dataclass(frozen=True)
class MonitoringPlan:
    """kube-prometheus-stack and prometheus-adapter.

    `retention_size_gib`: Prometheus drops the oldest samples there; below `storage_gib`, or the disk fills first.
    """

    stack_chart: ChartRef
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


@dataclass(frozen=True)
class PodResources:
    """What the vLLM container asks for, as Kubernetes quantities. No CPU limit: it would throttle tokenizing."""

    cpu_request: str
    memory: str
    ephemeral_storage: str
    shared_memory: str
    gpus: int


@dataclass(frozen=True)
class ProbePlan:
    """An HTTP probe on /health."""

    period_seconds: int
    timeout_seconds: int
    failure_threshold: int


@dataclass(frozen=True)
class DrainPlan:
    """preStop sleep + vLLM's own shutdown time-out + margin = grace period."""

    pre_stop_seconds: int
    shutdown_timeout_seconds: int
    grace_period_seconds: int


@dataclass(frozen=True)
class TokenPlan:
    """Where the Hugging Face token is. `config_key` set: we make the Secret `secret_name` from that config secret."""

    secret_name: str
    secret_key: str
    config_key: str | None


@dataclass(frozen=True)
class CachePlan:
    """Where weights are kept. `kind` emptyDir: an init container downloads; persistentVolume: one Job downloads."""

    kind: str
    size_gib: int
    storage_class: str | None = None
    access_mode: str | None = None


@dataclass(frozen=True)
class ScalingRulePlan:
    """One direction of the HPA's behaviour."""

    window_seconds: int
    pods: int
    period_seconds: int


@dataclass(frozen=True)
class AutoscalingPlan:
    """HPA on a per-pod metric, AverageValue."""

    min_replicas: int
    max_replicas: int
    metric: MetricRule
    average_value: int
    scale_up: ScalingRulePlan
    scale_down: ScalingRulePlan


@dataclass(frozen=True)
class MemoryPlan:
    """What one GPU's memory holds, bytes per GPU, tokens per replica; see docs for the method."""

    weights_bytes_per_gpu: int
    activation_bytes: int
    reserve_bytes: int
    kv_cache_bytes_per_gpu: int
    kv_cache_tokens: int
    max_concurrency: float
    longest_model_len: int


@dataclass(frozen=True)
class ColdStartTerm:
    """One named part of the time from decision to Ready, with its source."""

    name: str
    low_seconds: float
    high_seconds: float
    source: str


@dataclass(frozen=True)
class ServedModel:
    """What is served, and how: all a backend needs to render it.

    `max_unavailable` is the disruption budget's. `max_surge`: pods a rollout may start beside the running ones; 0
    where the pool has no GPU left for them. `taints` of the pool's nodes are tolerated.
    """

    name: str
    namespace: str
    model_id: str
    revision: str
    served_name: str
    image: str
    vllm_version: str
    args: tuple[str, ...]
    env: dict[str, str]
    pool: str
    node_selector: dict[str, str]
    resources: PodResources
    download_resources: PodResources
    startup_probe: ProbePlan
    readiness_probe: ProbePlan
    liveness_probe: ProbePlan
    drain: DrainPlan
    token: TokenPlan | None
    cache: CachePlan
    autoscaling: AutoscalingPlan
    max_unavailable: int
    client_namespaces: tuple[str, ...]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    rollout_timeout_seconds: int
    download_timeout_seconds: int
    memory: MemoryPlan | None
    cold_start: tuple[ColdStartTerm, ...]
    port: int = 8000
    max_surge: int = 0
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)


@dataclass(frozen=True)
class CostLine:
    """Cost of one part of the stack, US dollars per hour, at fewest and most nodes. None: price not in the table."""

    what: str
    min_usd_per_hour: float | None
    max_usd_per_hour: float | None
    source: str


@dataclass(frozen=True)
class CostPlan:
    """Cost of the whole stack; a sum skips unknown prices, which `lines` and a warning show."""

    lines: tuple[CostLine, ...]
    min_usd_per_hour: float
    max_usd_per_hour: float


@dataclass(frozen=True)
class StackPlan:
    """The whole stack. `storage_class`: name of the encrypted gp3 class we make; None: it exists, or none is used."""

    stack: str
    region: str
    tags: Tags
    network: CreateNetworkPlan | ExistingNetworkPlan
    cluster: CreateClusterPlan | ExistingClusterPlan
    system_nodes: NodeGroupPlan
    gpu_pools: tuple[NodeGroupPlan, ...]
    gpu_operator: GpuOperatorPlan | None
    monitoring: MonitoringPlan | None
    model_namespaces: tuple[str, ...]
    models: tuple[ServedModel, ...]
    cost: CostPlan
    findings: tuple[Finding, ...] = ()
    storage_class: str | None = None
