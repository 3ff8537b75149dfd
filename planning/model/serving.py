"""What is served, and how. Value types of the plan; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from planning.model.alerts import RuleGroupPlan
from planning.model.cloud import GPU_TAINT, TaintPlan
from planning.model.gateway import GatewayPlan
from planning.model.prometheus import ExistingPrometheusPlan
from planning.model.scaling import AutoscalingPlan
from planning.model.services import ChartRef
from planning.model.tenants import STANDARD

# Places in the server's container that its arguments name; the backend mounts something there.
HUB_CACHE = "/cache/hub"
CHAT_TEMPLATE_FILE = "/etc/vllm/chat-template/template.jinja"


@dataclass(frozen=True)
class PodResources:
    """What the vLLM container asks for, as Kubernetes quantities. No CPU limit: it would throttle tokenizing.

    `shared_memory` None: no volume of ours at /dev/shm. `gpus`: of `nvidia.com/gpu`, whole ones or shares.
    """

    cpu_request: str
    memory: str
    ephemeral_storage: str
    shared_memory: str | None
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


SECRET_STORE = "aws-secrets-manager"
"""SecretStore of each namespace whose models have their token in AWS Secrets Manager."""


@dataclass(frozen=True)
class RemoteTokenPlan:
    """A token that External Secrets Operator reads: the secret `name` of AWS Secrets Manager, or one key of its JSON.

    `refresh_minutes`: how often it is read again.
    """

    name: str
    property: str | None
    refresh_minutes: int


@dataclass(frozen=True)
class TokenPlan:
    """Where the Hugging Face token is. `config_key` set: we make the Secret `secret_name` from that config secret.

    `remote` set: the operator makes it. Neither: it is somebody else's.
    """

    secret_name: str
    secret_key: str
    config_key: str | None
    remote: RemoteTokenPlan | None = None


@dataclass(frozen=True)
class RepositoryPlan:
    """A repository that the downloader brings: of its weight files the first kind of `weights` that it has.

    Patterns at the repository's root, `a!b`: those of a that are not b's; of safetensors only what `index` names.
    """

    repository: str
    revision: str
    weights: tuple[str, ...]
    index: str | None = None


@dataclass(frozen=True)
class DownloadWay:
    """How the downloader reaches the Hub: its environment, and private addresses with ports that it may reach."""

    env: tuple[tuple[str, str], ...] = ()
    cidrs: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


DIRECT = DownloadWay()


@dataclass(frozen=True)
class CachePlan:
    """Where weights are kept. `kind` emptyDir: an init container downloads; persistentVolume: one Job downloads."""

    kind: str
    size_gib: int
    storage_class: str | None = None
    access_mode: str | None = None


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

    The first rates are saturated ones, of a replica that always has more to do. `slo_requests_per_second`: at most,
    arriving at random, while the promised share holds the SLO (`slo_share` then does, estimated); 0 where hardly a
    request holds it even alone (`slo_share_alone`). `idle_*` and `prefill_*`: of a replica with nothing else to do.
    Every rate may be off by `range_factor` either way (docs/throughput-model.md). `declared`: the lengths are the
    stack file's, else the usual ones. `replicas_needed` at the busiest hour, with the policy's room for chance; None
    without declared traffic, or where no number would do.
    """

    input_tokens: float
    output_tokens: float
    declared: bool
    concurrency: float
    requests_per_second: float
    output_tokens_per_second: float
    total_tokens_per_second: float
    time_per_output_token_seconds: float
    limited_by: str
    slo_requests_per_second: float
    slo_share: float
    slo_share_alone: float
    idle_time_to_first_token_seconds: float
    idle_time_per_output_token_seconds: float
    prefill_tokens_per_second: float
    replicas_needed: int | None
    range_factor: float = 1.3


@dataclass(frozen=True)
class ColdStartTerm:
    """One named part of the time from decision to Ready, with its source."""

    name: str
    low_seconds: float
    high_seconds: float
    source: str


@dataclass(frozen=True)
class RouterPlan:
    """A router in front of a model's servers. `logic` in the router's own words.

    `api_server_ranges`: where the API server is reached, which tells it the servers.
    """

    chart: ChartRef
    repository: str
    tag: str
    replicas: int
    logic: str
    api_server_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    timeout_seconds: int = 600


@dataclass(frozen=True)
class SecretValue:
    """A key of a Secret in the model's namespace."""

    secret_name: str
    secret_key: str


@dataclass(frozen=True)
class ServedModel:
    """What is served, and how: all a backend needs to render it.

    `repositories`: the model's own first. `max_unavailable` is the disruption budget's. `max_surge`: pods a rollout
    may start beside the running ones; 0 where the pool has no GPU left for them. `taints` of the pool's nodes are
    tolerated. `cold_start` is that on a node which is there; `node_start` comes before it for a pod that needs a new
    one, and is empty where none ever does. `replicas_may_need_nodes`: not only a rollout's further pods do, so
    scaling counts with it. `deployment_suffix`: what the backend adds to the model's name for the Deployment of its
    servers; `operators`: what brings the backend's kinds. `router` None: the Service names the servers themselves.
    `gateway`: the address outside the cluster that it stands behind, among others.
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
    repositories: tuple[RepositoryPlan, ...]
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
    alert_groups: tuple[RuleGroupPlan, ...] = ()
    throughput: ThroughputPlan | None = None
    node_start: tuple[ColdStartTerm, ...] = ()
    way_in: DownloadWay = DIRECT
    pull_secrets: tuple[str, ...] = ()
    replicas_may_need_nodes: bool = False
    chat_template: str | None = None
    priority: str = STANDARD
    secret_env: dict[str, SecretValue] = field(default_factory=dict)
    """Environment variables whose values are in Secrets that exist, by name."""
    backend: str = "deployment"
    deployment_suffix: str = ""
    operators: tuple[str, ...] = ()
    router: RouterPlan | None = None
    prometheus: ExistingPrometheusPlan | None = None
    """Somebody else's, in `monitoring_namespace`; None: the stack's own, or none at all."""
    gateway: GatewayPlan | None = None

    @property
    def deployment_name(self) -> str:
        """The Deployment whose pods serve: ours, or one that the backend's operator makes."""
        return self.name + self.deployment_suffix
