"""The stack file as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from pydantic import model_validator

from settings.addons import (
    ExternalSecretsSettings,
    GpuOperatorSettings,
    KedaSettings,
    LoadBalancerControllerSettings,
    Monitoring,
    Registry,
)
from settings.backends import (
    OWN_NAMES,
    OWN_SCALERS,
    Aibrix,
    Backend,
    CertManager,
    Kserve,
    Kubeai,
    Kuberay,
    LeaderWorkerSets,
    LlmD,
)
from settings.ci import Ci
from settings.cluster import Cluster, CreateCluster, CreateNetwork, ExistingCluster, Network
from settings.demand import Budget
from settings.downloads import Downloads
from settings.file_system import CreateFileSystem, FileSystem
from settings.findings import WrongValue
from settings.gateway import Gateway, NoGateway
from settings.models import Model
from settings.names import AccountId
from settings.node_autoscaling import ClusterAutoscalerSettings, NodeAutoscaling
from settings.open_cost import OpenCostSettings
from settings.pools import NodePool, SystemNodes
from settings.rollout import ArgoRollouts
from settings.tenants import TenantSettings
from settings.tracing import NoTracing, Tracing
from settings.types import AwsRegion, Section, described
from settings.waivers import Waiver

# As it is written, and as Python spells it.
SERVED_NAME = ("servedName", "served_name")


def _twice(section: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Each name that stands more than once, and where."""
    places: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        places.setdefault(name, []).append(f"{section}[{index}]")
    return sorted((name, ", ".join(paths)) for name, paths in places.items() if len(paths) > 1)


def _as_its_backend_means(model: Any, usual: Any) -> Any:
    """A model as written, with what its backend means where nothing is: `autoscaling.kind`, `servedName`."""
    if not isinstance(model, dict):
        return model
    backend = str(model.get("backend") or usual)
    meant: dict[str, Any] = {}
    scaling = model.get("autoscaling", {})
    if backend in OWN_SCALERS and isinstance(scaling, dict):
        meant["autoscaling"] = {"kind": "backend", **scaling}
    if backend in OWN_NAMES and isinstance(model.get("name"), str) and model.keys().isdisjoint(SERVED_NAME):
        meant["servedName"] = model["name"]
    return {**model, **meant}


class StackSettings(Section):
    """Everything a stack file can say; each field is one config key `vllm-on-eks:<key>`."""

    region: AwsRegion = described("AWS region", default="us-east-1")
    account: AccountId | None = described(
        "AWS account that the stack belongs to, 12 digits in quotes; in any other nothing is made", default=None
    )
    cluster: Cluster = described("the EKS cluster", default_factory=CreateCluster)
    network: Network = described("the VPC", default_factory=CreateNetwork)
    system_nodes: SystemNodes = described("nodes without GPU", default_factory=SystemNodes)
    node_pools: tuple[NodePool, ...] = described("GPU nodes", default=(), max_length=50)
    node_autoscaling: NodeAutoscaling = described(
        "who adds and removes nodes between minNodes and maxNodes", default_factory=ClusterAutoscalerSettings
    )
    gpu_operator: GpuOperatorSettings = described("NVIDIA GPU Operator", default_factory=GpuOperatorSettings)
    monitoring: Monitoring = described("Prometheus and Grafana", default_factory=Monitoring)
    keda: KedaSettings = described("KEDA, for models with autoscaling.kind keda", default_factory=KedaSettings)
    backend: Backend = described("what serves models that name no other", default=Backend.DEPLOYMENT)
    cert_manager: CertManager = described("cert-manager, for backends that need it", default_factory=CertManager)
    kserve: Kserve = described("KServe, for models of backend kserve", default_factory=Kserve)
    kuberay: Kuberay = described("KubeRay, for models of backend ray", default_factory=Kuberay)
    aibrix: Aibrix = described("AIBrix, for models of backend aibrix", default_factory=Aibrix)
    kubeai: Kubeai = described("KubeAI, for models of backend kubeai", default_factory=Kubeai)
    llm_d: LlmD = described("llm-d, for models of backend llm-d", default_factory=LlmD)
    argo_rollouts: ArgoRollouts = described(
        "Argo Rollouts, for models with rollout.kind canary", default_factory=ArgoRollouts
    )
    leader_worker_set: LeaderWorkerSets = described(
        "LeaderWorkerSet's controller, for models with nodes above 1", default_factory=LeaderWorkerSets
    )
    external_secrets: ExternalSecretsSettings = described(
        "External Secrets Operator, for models with tokenSecret.kind secretsManager",
        default_factory=ExternalSecretsSettings,
    )
    load_balancer_controller: LoadBalancerControllerSettings = described(
        "AWS Load Balancer Controller, for a gateway behind an ALB or a network load balancer",
        default_factory=LoadBalancerControllerSettings,
    )
    gateway: Gateway = described("one address for all models, outside the cluster too", default_factory=NoGateway)
    tracing: Tracing = described("spans of requests, to an OpenTelemetry Collector", default_factory=NoTracing)
    open_cost: OpenCostSettings = described("OpenCost, with the plan's prices", default_factory=OpenCostSettings)
    models: tuple[Model, ...] = described("what is served", default=(), max_length=100)
    tenants: tuple[TenantSettings, ...] = described("teams that share the stack", default=(), max_length=50)
    registry: Registry = described("where images and charts come from", default_factory=Registry)
    downloads: Downloads = described("how weights come into the cluster", default_factory=Downloads)
    file_system: FileSystem = described("EFS, for models with cache.kind efs", default_factory=CreateFileSystem)
    # AWS takes 50 on a resource; ours, a Name and the node-template tags of the cluster-autoscaler come on top.
    tags: dict[str, str] = described("AWS tags on everything", default_factory=dict, max_length=40)
    budget: Budget | None = described("most the stack may cost", default=None)
    ci: Ci = described("updates from CI", default_factory=Ci)
    waivers: tuple[Waiver, ...] = described(
        "policies set aside until a day, each with its reason", default=(), max_length=100
    )

    def backend_of(self, model: Model) -> Backend:
        """What serves a model of the stack."""
        return model.backend or self.backend

    def pool_name_of(self, model: Model) -> str | None:
        """The node pool of a model: the one it names, or the only one. None: there are none or several."""
        if model.pool is None and len(self.node_pools) == 1:
            return self.node_pools[0].name
        return model.pool

    @model_validator(mode="before")
    @classmethod
    def _as_their_backends_mean(cls, written: Any) -> Any:
        """Who says nothing of the kind of autoscaling, or of the served name, means that of the model's backend."""
        models = written.get("models") if isinstance(written, dict) else None
        if not isinstance(models, list | tuple):
            return written
        usual = written.get("backend", Backend.DEPLOYMENT.value)
        return {**written, "models": [_as_its_backend_means(model, usual) for model in models]}

    @model_validator(mode="after")
    def _names_and_kinds(self) -> Self:
        problems = [
            (f"nodePools: two pools are called {name!r} ({places})", "choose another name")
            for name, places in _twice("nodePools", (pool.name for pool in self.node_pools))
        ]
        problems += [
            (f"models: two models are called {name!r} ({places})", "choose another name, whatever the namespace")
            for name, places in _twice("models", (model.name for model in self.models))
        ]
        problems += [
            (f"tenants: two tenants are called {name!r} ({places})", "choose another name")
            for name, places in _twice("tenants", (tenant.name for tenant in self.tenants))
        ]
        problems += [
            (f"tenants: two tenants have the namespace {name!r} ({places})", "write one namespace per tenant")
            for name, places in _twice("tenants", (tenant.own_namespace for tenant in self.tenants))
        ]
        problems += [
            (f"waivers: rule {name!r} is waived twice ({places})", "keep one")
            for name, places in _twice("waivers", (waiver.rule for waiver in self.waivers))
        ]
        if isinstance(self.cluster, ExistingCluster) and isinstance(self.network, CreateNetwork):
            wrong = "cluster.kind is existing but network.kind is create: nodes must live in the cluster's own subnets"
            problems.append((wrong, "write network: {kind: existing, vpcId: ..., privateSubnetIds: [...]}"))
        if problems:
            raise WrongValue(*problems[0], *problems[1:])
        return self
