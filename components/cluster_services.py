"""`ClusterServices`: what every model of a stack shares inside the cluster, in the order it has to come up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.aws.beside import AccountOutputs
from components.aws.eks_cluster import ClusterOutputs
from components.aws.file_system import FileSystemOutputs
from components.aws.network import NetworkOutputs
from components.cluster.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.cluster.entry import Entry, EntryArgs
from components.cluster.existing_prometheus import ExistingPrometheus, ExistingPrometheusArgs
from components.cluster.external_secrets import ExternalSecrets, ExternalSecretsArgs, SecretStore, SecretStoreArgs
from components.cluster.gateway import Gateway, GatewayArgs
from components.cluster.gpu_operator import GpuOperator, GpuOperatorArgs
from components.cluster.gpu_smoke_test import GpuSmokeTest, GpuSmokeTestArgs
from components.cluster.karpenter import GpuPool, GpuPoolArgs, Karpenter, KarpenterArgs
from components.cluster.keda import Keda, KedaArgs
from components.cluster.load_balancers import LoadBalancerController, LoadBalancerControllerArgs
from components.cluster.metrics_adapter import MetricsAdapter, MetricsAdapterArgs
from components.cluster.namespace import ModelNamespace, ModelNamespaceArgs
from components.cluster.operators import Operator, OperatorArgs
from components.cluster.priority_class import ModelPriorityClass, ModelPriorityClassArgs
from components.cluster.prometheus_stack import PrometheusStack, PrometheusStackArgs
from components.cluster.spare_nodes import SpareNodes, SpareNodesArgs
from components.cluster.storage_class import Gp3StorageClass, Gp3StorageClassArgs
from components.cluster.tenant import Tenant, TenantArgs
from components.serving import ServingWiring
from components.serving.shared_weights import SharedWeights, SharedWeightsArgs
from planning.model import (
    PROMETHEUS_PORT,
    STANDARD,
    ClusterAutoscalerPlan,
    ExternalSecretsPlan,
    GatewayPlan,
    GpuOperatorPlan,
    KarpenterPlan,
    KedaPlan,
    LoadBalancerControllerPlan,
    MonitoringPlan,
    OperatorPlan,
    StackPlan,
)


@dataclass(frozen=True)
class ClusterServicesArgs:
    """`pools`: the node group of each GPU pool that has one. `secrets`: config secrets by key. `cluster`: one that is
    there, with the role of its nodes and their network. `beside`: what the stack has in its account beside these."""

    plan: StackPlan
    pools: Mapping[str, pulumi.Resource]
    secrets: Mapping[str, pulumi.Input[str]]
    cluster: ClusterOutputs
    network: NetworkOutputs
    node_role_arn: pulumi.Input[str]
    beside: AccountOutputs


class ClusterServices(pulumi.ComponentResource):
    """Storage class, priority class, monitoring, GPU Operator with its smoke tests, node autoscalers, namespaces.

    `wiring` is what a model needs of them; `prometheus_url` is None in a stack without monitoring.
    """

    wiring: ServingWiring
    prometheus_url: pulumi.Output[str] | None = None

    def __init__(self, name: str, args: ClusterServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:ClusterServices", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        self._operator: tuple[pulumi.Resource, ...] = ()
        plan = args.plan
        volumes: tuple[pulumi.Resource, ...] = ()
        if plan.storage_class:
            volumes = (Gp3StorageClass("gp3", Gp3StorageClassArgs(plan.storage_class), self._child),)
        monitors = self._monitoring(plan.monitoring, args.secrets, volumes) if plan.monitoring else ()
        gpus: dict[str, tuple[pulumi.Resource, ...]] = {pool: (group,) for pool, group in args.pools.items()}
        if plan.gpu_operator:
            gpus = self._gpus(plan.gpu_operator, args.pools, monitors)
        if plan.cluster_autoscaler:
            scaler = self._node_autoscaler(plan.cluster_autoscaler, args, monitors)
            # Fewest replicas may need more nodes than run from the start; and a model's pods go before what would
            # buy nodes for them.
            gpus = {pool: (*proofs, scaler) for pool, proofs in gpus.items()}
        if plan.karpenter:
            gpus |= self._karpenter(plan.karpenter, args, monitors)
        if plan.spare_nodes:
            SpareNodes("spare-nodes", SpareNodesArgs(plan.spare_nodes, plan.stack, gpus), self._child)
        namespaces = {
            namespace: ModelNamespace(namespace, ModelNamespaceArgs(namespace), self._child).name
            for namespace in plan.model_namespaces
        }
        balancers: tuple[pulumi.Resource, ...] = ()
        if plan.load_balancer_controller:
            balancers = self._load_balancers(plan.load_balancer_controller, args, monitors)
        operators = self._operators(plan.operators, monitors, namespaces, balancers)
        if plan.entry:
            after = operators.get("cert-manager", ())
            Entry("gateway", EntryArgs(plan.entry, after, balancers, args.beside.certificate_arn), self._child)
        self.wiring = ServingWiring(
            namespaces=namespaces,
            priority_classes=self._priorities(plan),
            limits_after=self._tenants(plan, namespaces),
            hf_tokens=args.secrets,
            gpus_after=gpus,
            monitors_after=monitors,
            keda_after=self._keda(plan.keda, monitors) if plan.keda else (),
            prometheus_url=self._prometheus_address(plan.monitoring),
            stores_after=self._stores(plan.external_secrets, args, namespaces, monitors)
            if plan.external_secrets
            else {},
            operators_after=operators,
            gateway_after=self._gateway(plan.gateway, operators) if plan.gateway else (),
            shared=self._shared(args.beside.files, args) if args.beside.files else None,
            cluster_name=args.cluster.name,
            tags=plan.tags,
        )
        self.register_outputs({"prometheusUrl": self.prometheus_url})

    def _monitoring(
        self,
        plan: MonitoringPlan,
        secrets: Mapping[str, pulumi.Input[str]],
        volumes: tuple[pulumi.Resource, ...],
    ) -> tuple[pulumi.Resource, ...]:
        """Prometheus and the adapter; what brings the monitoring kinds is returned, nothing where they are there."""
        if plan.existing is not None:
            there = ExistingPrometheus("monitoring", ExistingPrometheusArgs(plan), self._child)
            url = pulumi.Output.from_input(plan.existing.url)
            self._adapter(plan, there.namespace, url, there.ready)
            self.prometheus_url = pulumi.Output.from_input(plan.existing.address)
            return ()
        password = secrets[plan.grafana_password_key] if plan.grafana_password_key else None
        webhook = secrets[plan.webhook.url_key] if plan.webhook and plan.webhook.url_key else None
        stack = PrometheusStack("monitoring", PrometheusStackArgs(plan, password, webhook, volumes), self._child)
        self._adapter(plan, stack.namespace, stack.prometheus_url, (stack.release,))
        self.prometheus_url = stack.prometheus_url
        return (stack.release,)

    def _priorities(self, plan: StackPlan) -> dict[str, pulumi.Output[str]]:
        """By priority of the plan: its PriorityClass. The models' is always there."""
        others = sorted(({m.priority for m in plan.models} | {t.priority for t in plan.tenants}) - {STANDARD})
        made = {STANDARD: ModelPriorityClass("models", ModelPriorityClassArgs(plan.stack), self._child)}
        for priority in others:
            args = ModelPriorityClassArgs(plan.stack, priority)
            made[priority] = ModelPriorityClass(f"models-{priority}", args, self._child)
        return {priority: priority_class.class_name for priority, priority_class in made.items()}

    def _tenants(
        self, plan: StackPlan, namespaces: Mapping[str, pulumi.Input[str]]
    ) -> dict[str, tuple[pulumi.Resource, ...]]:
        """By namespace: what limits its pods."""
        return {
            tenant.namespace: Tenant(tenant.name, TenantArgs(tenant, namespaces[tenant.namespace]), self._child).limits
            for tenant in plan.tenants
        }

    def _adapter(
        self,
        plan: MonitoringPlan,
        namespace: pulumi.Input[str],
        url: pulumi.Input[str],
        after: tuple[pulumi.Resource, ...],
    ) -> None:
        if plan.adapter_rules:
            MetricsAdapter("metrics-adapter", MetricsAdapterArgs(plan, namespace, url, after), self._child)

    def _prometheus_address(self, plan: MonitoringPlan | None) -> pulumi.Output[str] | None:
        """With its port, for queries."""
        if plan is None or plan.existing is not None or self.prometheus_url is None:
            return self.prometheus_url
        return self.prometheus_url.apply(lambda url: f"{url}:{PROMETHEUS_PORT}")

    def _keda(self, plan: KedaPlan, monitors: tuple[pulumi.Resource, ...]) -> tuple[pulumi.Resource, ...]:
        """What brings the kind ScaledObject; nothing where the cluster has its own KEDA."""
        return (Keda("keda", KedaArgs(plan, monitors), self._child).release,) if plan.install else ()

    def _operators(
        self,
        plans: tuple[OperatorPlan, ...],
        monitors: tuple[pulumi.Resource, ...],
        namespaces: Mapping[str, pulumi.Input[str]],
        balancers: tuple[pulumi.Resource, ...],
    ) -> dict[str, tuple[pulumi.Resource, ...]]:
        """What brings the kinds of each, one after the other; nothing of those that the cluster has.

        `balancers`: what makes load balancers, of which one is in the namespace of Envoy Gateway.
        """
        ready: dict[str, tuple[pulumi.Resource, ...]] = {}
        for plan in plans:
            if plan.install:
                before = (*monitors, *(resource for resources in ready.values() for resource in resources))
                # None: it has one of its own, which it makes.
                beside = namespaces.get(plan.namespace)
                held = balancers if plan.name == "envoy-gateway" else ()
                ready[plan.name] = Operator(plan.name, OperatorArgs(plan, before, beside, held), self._child).ready
        return ready

    def _load_balancers(
        self, plan: LoadBalancerControllerPlan, args: ClusterServicesArgs, monitors: tuple[pulumi.Resource, ...]
    ) -> tuple[pulumi.Resource, ...]:
        """What makes load balancers for a gateway, and takes them away."""
        controller_args = LoadBalancerControllerArgs(
            plan, args.cluster.name, args.network.vpc_id, args.plan.tags, monitors
        )
        return (LoadBalancerController("load-balancers", controller_args, self._child).release,)

    def _stores(
        self,
        plan: ExternalSecretsPlan,
        args: ClusterServicesArgs,
        namespaces: Mapping[str, pulumi.Input[str]],
        monitors: tuple[pulumi.Resource, ...],
    ) -> dict[str, tuple[pulumi.Resource, ...]]:
        """By namespace: the store of its tokens, and what serves it where the cluster has no operator of its own."""
        after: tuple[pulumi.Resource, ...] = ()
        if plan.install:
            store_args = ExternalSecretsArgs(plan, args.cluster.name, args.plan.tags, monitors)
            after = (ExternalSecrets("external-secrets", store_args, self._child).release,)
        return {
            name: (SecretStore(name, SecretStoreArgs(namespaces[name], plan.region, after), self._child).store,)
            for name in plan.stores
        }

    def _shared(self, files: FileSystemOutputs, args: ClusterServicesArgs) -> SharedWeights:
        """What models have on the stack's file system."""
        wanted = SharedWeightsArgs(files, args.cluster.name, args.plan.tags)
        return SharedWeights("shared-weights", wanted, self._child)

    def _gateway(
        self, plan: GatewayPlan, operators: Mapping[str, tuple[pulumi.Resource, ...]]
    ) -> tuple[pulumi.Resource, ...]:
        """The address in front of all models."""
        after = tuple(resource for name in ("cert-manager", "envoy-gateway") for resource in operators.get(name, ()))
        return Gateway("gateway", GatewayArgs(plan, after), self._child).ready

    def _node_autoscaler(
        self, plan: ClusterAutoscalerPlan, args: ClusterServicesArgs, monitors: tuple[pulumi.Resource, ...]
    ) -> pulumi.Resource:
        """What makes nodes follow pods."""
        groups = tuple(args.pools.values())
        eks = args.cluster
        autoscaler_args = ClusterAutoscalerArgs(plan, eks.name, args.plan.tags, groups, monitors, eks.version)
        return ClusterAutoscaler("cluster-autoscaler", autoscaler_args, self._child).release

    def _karpenter(
        self, plan: KarpenterPlan, args: ClusterServicesArgs, monitors: tuple[pulumi.Resource, ...]
    ) -> dict[str, tuple[pulumi.Resource, ...]]:
        """Per pool of Karpenter's: what makes nodes with usable GPUs come for pods."""
        karpenter_args = KarpenterArgs(plan, args.cluster.name, args.node_role_arn, args.plan.tags, monitors)
        karpenter = Karpenter("karpenter", karpenter_args, self._child)
        after = (karpenter.release, *self._operator)
        group, profile = args.cluster.security_group_id, karpenter.instance_profile
        pools = {
            pool.name: GpuPool(
                pool.name, GpuPoolArgs(pool, args.network, group, profile, args.plan.tags, after), self._child
            )
            for pool in args.plan.gpu_pools
            if pool.karpenter
        }
        return {name: (pool.node_pool,) for name, pool in pools.items()}

    def _gpus(
        self, plan: GpuOperatorPlan, pools: Mapping[str, pulumi.Resource], monitors: tuple[pulumi.Resource, ...]
    ) -> dict[str, tuple[pulumi.Resource, ...]]:
        """Per pool: what proves that its GPUs can be used."""
        operator = GpuOperator("gpu-operator", GpuOperatorArgs(plan, monitors), self._child)
        self._operator = (operator.release,)
        proofs: dict[str, tuple[pulumi.Resource, ...]] = {
            pool: (group, operator.release) for pool, group in pools.items()
        }
        for test in plan.smoke_tests:
            after = GpuSmokeTestArgs(test, operator.namespace, proofs[test.pool])
            proofs[test.pool] = (GpuSmokeTest(f"smoke-test-{test.pool}", after, self._child).job,)
        return proofs
