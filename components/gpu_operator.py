"""`GpuOperator`: the NVIDIA GPU Operator, set for nodes whose AMI already holds driver and container toolkit.

AL2023_x86_64_NVIDIA brings driver, toolkit and fabric manager but no device plugin; enabling the operator's toolkit
there breaks every GPU container (NVIDIA/gpu-operator#755). What is on and off is planning's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.helm import mirrored, release_arguments
from components.manifest import arguments
from components.namespace import PodSecurity, namespace_manifest
from components.tolerations import tolerations
from planning.model import GpuOperatorPlan

RELEASE = "gpu-operator"

# The chart writes a registry path per operand: upstream (values.yaml of v26.7.0) by value key. Operands that stay off
# are left out.
OPERAND_REPOSITORIES = {
    "operator": "nvcr.io/nvidia",
    "validator": "nvcr.io/nvidia",
    "driver": "nvcr.io/nvidia",
    "toolkit": "nvcr.io/nvidia/k8s",
    "devicePlugin": "nvcr.io/nvidia",
    "gfd": "nvcr.io/nvidia",
    "dcgmExporter": "nvcr.io/nvidia/k8s",
}
NFD_IMAGE = "registry.k8s.io/nfd/node-feature-discovery"


def gpu_operator_values(plan: GpuOperatorPlan) -> dict[str, Any]:
    """Values of chart gpu-operator v26.7.0; only what differs from its defaults or must not move with them."""
    interval = plan.dcgm_scrape_interval_seconds
    values: dict[str, Any] = {
        # NRI without the operator's toolkit is refused by the operator.
        "cdi": {"enabled": True, "nriPluginEnabled": False},
        "driver": {"enabled": plan.driver},
        "toolkit": {"enabled": plan.toolkit},
        "devicePlugin": {"enabled": plan.device_plugin},
        "gfd": {"enabled": plan.gpu_feature_discovery},
        # We divide no GPU; A10G, L4 and L40S have no MIG at all.
        "migManager": {"enabled": False},
        "dcgmExporter": {
            "enabled": plan.dcgm_exporter,
            "serviceMonitor": {
                "enabled": plan.dcgm_exporter,
                "interval": f"{interval}s",
                # Prometheus refuses a scrape that may take longer than its interval; the chart's default is 10 s.
                "scrapeTimeout": f"{min(interval, 10)}s",
            },
        },
        # Both lists replace the chart's, and the first does not reach node-feature-discovery.
        "daemonsets": {"tolerations": tolerations(plan.taints)},
        "node-feature-discovery": {"worker": {"tolerations": tolerations(plan.taints)}},
    }
    if plan.mirror:
        for operand, registry in OPERAND_REPOSITORIES.items():
            values.setdefault(operand, {})["repository"] = mirrored(plan.mirror, registry)
        values["node-feature-discovery"]["image"] = {"repository": mirrored(plan.mirror, NFD_IMAGE)}
    return values


@dataclass(frozen=True)
class GpuOperatorArgs:
    """`after`: what must be there first, the Prometheus stack, since a ServiceMonitor without CRD is left out."""

    plan: GpuOperatorPlan
    after: tuple[pulumi.Resource, ...] = ()


class GpuOperator(pulumi.ComponentResource):
    """Namespace and Helm release. `release` is what pods that need nvidia.com/gpu wait for."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:GpuOperator", name, None, opts)
        plan = args.plan
        # privileged: operands mount host paths and the device plugin socket.
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            **arguments(namespace_manifest(plan.namespace, PodSecurity.PRIVILEGED)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.metadata["name"]
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=self.namespace,
            values=gpu_operator_values(plan),
            # Hidden ordering: the operator quietly makes no ServiceMonitor while monitoring.coreos.com is unknown.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({"namespace": self.namespace})
