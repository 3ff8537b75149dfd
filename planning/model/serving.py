"""What is served, and how. Value types of the plan; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planning.model.alerts import RuleGroupPlan
from planning.model.cloud import GPU_TAINT, TaintPlan
from planning.model.file_system import CompiledPlan, SharedDownloadPlan
from planning.model.gateway import GatewayPlan
from planning.model.group import GroupPlan
from planning.model.kubeai import KubeaiModelPlan
from planning.model.pods import DrainPlan, PodResources, ProbePlan
from planning.model.prometheus import ExistingPrometheusPlan
from planning.model.rollout import CanaryPlan
from planning.model.routers import PickerPlan, RouterPlan
from planning.model.scaling import AutoscalingPlan
from planning.model.sources import DIRECT, CachePlan, DownloadWay, RepositoryPlan, SourcePlan
from planning.model.tenants import STANDARD
from planning.model.tracing import TracingPlan

# A place in the server's container that its arguments name; the backend mounts something there.
CHAT_TEMPLATE_FILE = "/etc/vllm/chat-template/template.jinja"


SECRET_STORE = "aws-secrets-manager"
"""SecretStore of each namespace whose models have their token in AWS Secrets Manager."""


@dataclass(frozen=True)
class RemoteTokenPlan:
    """A token that External Secrets Operator reads from AWS Secrets Manager."""

    name: str
    """Of the secret."""
    property: str | None
    """One key of its JSON; None: all of it."""
    refresh_minutes: int
    """How often it is read again."""


@dataclass(frozen=True)
class TokenPlan:
    """Where the Hugging Face token is. Without `config_key` and `remote` the Secret exists."""

    secret_name: str
    secret_key: str
    config_key: str | None
    """The config secret from which we make the Secret."""
    remote: RemoteTokenPlan | None = None
    """What the operator makes it from."""


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
class ThroughputPlan:
    """What one replica does with requests of these mean lengths (tokens); rates per second, times in seconds.

    `idle_*` and `prefill_*` hold for a replica with nothing else to do, the first rates for one that always has more.
    """

    input_tokens: float
    output_tokens: float
    declared: bool
    """The lengths are the stack file's; else the usual ones."""
    concurrency: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    time_per_output_token_seconds: float
    limited_by: str
    slo_requests_per_second: float
    """At most, arriving at random, while the promised share holds the SLO; 0: hardly a request holds it even alone."""
    slo_share: float
    """Share that then holds the SLO, estimated."""
    slo_share_alone: float
    """Share of requests without company that holds it."""
    idle_time_to_first_token_seconds: float
    idle_time_per_output_token_seconds: float
    prefill_tokens_per_second: float
    replicas_needed: int | None
    """At the busiest hour, with the policy's room for chance; None: no declared traffic, or no number would do."""
    range_factor: float = 1.3
    """Every rate may be off by it either way (docs/throughput-model.md)."""


@dataclass(frozen=True)
class ColdStartTerm:
    """One named part of the time from decision to Ready, with its source."""

    name: str
    low_seconds: float
    high_seconds: float
    source: str


@dataclass(frozen=True)
class SecretValue:
    """A key of a Secret in the model's namespace."""

    secret_name: str
    secret_key: str


@dataclass(frozen=True)
class RayPlan:
    """The Ray cluster of a model: its head beside the servers' pods."""

    version: str
    head: PodResources
    autoscaler_cpu: str
    autoscaler_memory: str
    """Requests and limits of Ray's own autoscaler, a container beside the head."""
    operator_namespace: str
    """Of KubeRay, which asks the head."""
    worker_cpus: int
    """Logical CPUs of a worker: one for the replica, the others for Serve's ingress replicas beside it."""
    ingress_cpus: float
    """Logical CPUs of an ingress replica."""
    most_ingress_replicas: int
    idle_seconds: int
    """After how long an empty worker is removed; the replica's own delay came before."""
    leaving_seconds: int
    """How long a worker that ends keeps its proxy: until then requests in flight finish."""
    old_cluster_seconds: int
    """How long a cluster that was replaced stays, so that its requests end."""
    renewed: bool = False
    """Whether changed arguments come up in a second cluster beside the first; otherwise Serve rolls them out inside."""
    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    redis: str | None = None
    """Where the head keeps what it knows, <host>:<port>; None: in memory, and it goes with the head."""
    redis_password: SecretValue | None = None
    """None: Redis asks for none."""


@dataclass(frozen=True)
class ServedModel:
    """What is served, and how: all a backend needs to render it."""

    name: str
    namespace: str
    model_id: str
    revision: str
    """A commit of the Hub, else the source's URI."""
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
    source: SourcePlan
    repositories: tuple[RepositoryPlan, ...]
    """Those of the Hub; the model's own first."""
    autoscaling: AutoscalingPlan
    max_unavailable: int
    """Of the disruption budget."""
    client_namespaces: tuple[str, ...]
    monitoring_namespace: str | None
    scrape_interval_seconds: int
    rollout_timeout_seconds: int
    download_timeout_seconds: int
    memory: MemoryPlan | None
    cold_start: tuple[ColdStartTerm, ...]
    """On a node that exists."""
    port: int = 8000
    max_surge: int = 0
    """Pods that a rollout may start beside the running ones; 0: the pool has no GPU left for them."""
    taints: tuple[TaintPlan, ...] = (GPU_TAINT,)
    """Of the pool's nodes; tolerated."""
    alert_groups: tuple[RuleGroupPlan, ...] = ()
    throughput: ThroughputPlan | None = None
    node_start: tuple[ColdStartTerm, ...] = ()
    """Before `cold_start` for a pod that needs a new node; empty: none ever does."""
    way_in: DownloadWay = DIRECT
    pull_secrets: tuple[str, ...] = ()
    replicas_may_need_nodes: bool = False
    """Not only a rollout's further pods do, so scaling counts with it."""
    chat_template: str | None = None
    priority: str = STANDARD
    secret_env: dict[str, SecretValue] = field(default_factory=dict)
    """Environment variables whose values are in Secrets that exist, by name."""
    backend: str = "deployment"
    deployment_suffix: str | None = ""
    """What the backend adds to the model's name for the Deployment of its servers; None: there is none."""
    pod_names: str = ""
    """A regular expression of the names of its servers' pods."""
    pod_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that those pods have, and no others; {name} is the model's."""
    api_path: str = "/v1"
    """Of the API, at the model's address."""
    metrics_port: str = "http"
    """The port of those pods with vLLM's series."""
    metrics_prefix: str = ""
    """What these begin with there in the place of `vllm:`; empty: as ever."""
    user_id: int = 10001
    """That the image runs as."""
    group_id: int = 10001
    operators: tuple[str, ...] = ()
    """What brings the backend's kinds."""
    router: RouterPlan | None = None
    """None: the Service names the servers themselves."""
    ray: RayPlan | None = None
    """None: the backend is another."""
    picker: PickerPlan | None = None
    """None: the backend is another."""
    kubeai: KubeaiModelPlan | None = None
    """None: the backend is another."""
    compiled: CompiledPlan | None = None
    """None: what its servers compile goes with the pod."""
    warm_up: bool = False
    """Its startup probe is a completion; else /health."""
    shared_downloads: tuple[SharedDownloadPlan, ...] = ()
    """What it reads of the shared file system, in a stack that has one."""
    prometheus: ExistingPrometheusPlan | None = None
    """An existing one, in `monitoring_namespace`; None: the stack's own, or none at all."""
    gateway: GatewayPlan | None = None
    """The address outside the cluster that it stands behind, among others."""
    tracing: TracingPlan | None = None
    """None: no spans."""
    canary: CanaryPlan | None = None
    """None: a change rolls through all pods."""
    group: GroupPlan | None = None
    """None: a replica is one pod."""

    @property
    def pods_per_replica(self) -> int:
        """How many there are of `resources`."""
        return self.group.pods if self.group else 1

    @property
    def gpus_per_replica(self) -> int:
        """Of `nvidia.com/gpu`, of all its pods."""
        return self.resources.gpus * self.pods_per_replica

    @property
    def evictable_pods(self) -> int:
        """How many a node drain may take at once. Of a group the first pod that goes takes the others along: then all
        its pods are away, and one more may go where another group may."""
        return (self.max_unavailable - 1) * self.pods_per_replica + 1

    @property
    def deployment_name(self) -> str:
        """The Deployment whose pods serve: ours, or one that the backend makes. ValueError: there is none."""
        if self.deployment_suffix is None:
            raise ValueError(f"{self.name}: backend {self.backend} has no Deployment")
        return self.name + self.deployment_suffix
