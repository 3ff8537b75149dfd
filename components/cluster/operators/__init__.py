"""`Operator`: the releases of one operator that serving backends need, in a closed namespace of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import operator_policies, register_policies
from components.cluster.operators.argo_rollouts import argo_rollouts_values
from components.cluster.operators.cert_manager import cert_manager_values
from components.cluster.operators.collector import collector_values
from components.cluster.operators.envoy_gateway import envoy_gateway_values
from components.cluster.operators.kserve import kserve_values
from components.cluster.operators.kubeai import kubeai_budget, kubeai_policies, kubeai_values
from components.cluster.operators.kuberay import kuberay_values
from components.cluster.operators.lws import lws_values
from components.cluster.operators.open_cost import open_cost_values
from components.helm import release_arguments
from components.manifest import Manifest, arguments
from planning.model import OperatorPlan

# By chart; a chart that is not here is installed with its defaults (definitions of kinds have none).
VALUES: Mapping[str, Callable[[OperatorPlan], dict[str, Any]]] = {
    "cert-manager": cert_manager_values,
    "kserve-resources": kserve_values,
    "gateway-helm": envoy_gateway_values,
    "kubeai": kubeai_values,
    "argo-rollouts": argo_rollouts_values,
    "kuberay-operator": kuberay_values,
    "opencost": open_cost_values,
    "lws": lws_values,
    "opentelemetry-collector": collector_values,
}


def policies_of(plan: OperatorPlan) -> list[Manifest]:
    """Of its namespace, or of its own pods where it lives beside its models."""
    return kubeai_policies(plan) if plan.kubeai else operator_policies(plan)


@dataclass(frozen=True)
class OperatorArgs:
    """`after`: the operators before it, and what brings the monitoring kinds.

    `namespace`: that of its models, where it lives beside them; None: it gets a closed one of its own. `before`: what
    has to stay until that one has gone.
    """

    plan: OperatorPlan
    after: tuple[pulumi.Resource, ...] = ()
    namespace: pulumi.Input[str] | None = None
    before: tuple[pulumi.Resource, ...] = ()


class Operator(pulumi.ComponentResource):
    """`ready`: what brings its kinds and answers for them. A destroy takes what it owns first, then the operator."""

    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: OperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:Operator", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        inside, policies = args.namespace, policies_of(plan)
        if inside is None:
            namespace = k8s.core.v1.Namespace(
                f"{name}-namespace",
                **arguments(namespace_manifest(plan.namespace, plan.setting)),
                # Hidden ordering: a namespace goes when all in it has gone, a load balancer's Service, too.
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.before)),
            )
            inside = namespace.metadata["name"]
        # Hidden ordering: definitions before what reconciles them, and no pod is there without its policies. A release
        # waits for its pods: the next one finds the webhooks of the one before answering.
        before = [*args.after, *register_policies(name, policies, inside, child)]
        made: list[pulumi.Resource] = []
        for chart, reference in plan.charts.items():
            made.append(
                k8s.helm.v3.Release(
                    chart if chart == name else f"{name}-{chart.removeprefix(f'{name}-')}",
                    **release_arguments(reference, chart, plan.timeout_seconds),
                    namespace=inside,
                    values=VALUES[chart](plan) if chart in VALUES else {},
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[*before, *made]),
                )
            )
        if plan.kubeai:
            k8s.policy.v1.PodDisruptionBudget(f"{name}-pdb", **arguments(kubeai_budget(plan), inside), opts=child)
        self.ready = tuple(made)
        self.register_outputs({})
