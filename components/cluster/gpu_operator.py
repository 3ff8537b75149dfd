"""`GpuOperator`: the NVIDIA GPU Operator, set for nodes whose AMI already holds driver and container toolkit.

AL2023_x86_64_NVIDIA brings driver, toolkit and fabric manager but no device plugin; enabling the operator's toolkit
there breaks every GPU container (NVIDIA/gpu-operator#755). What is on and off is planning's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from components.cluster.namespace import namespace_manifest
from components.cluster.network_policies import gpu_operator_policies, register_policies
from components.helm import release_arguments
from components.manifest import arguments
from components.scraping import scrape_times
from components.tolerations import tolerations
from planning.model import GPU_RESOURCE, GpuOperatorPlan, GpuSharingPlan
from planning.versions.pins import mirrored

RELEASE = "gpu-operator"

# The chart writes a registry path per operand: upstream (its values.yaml) by value key. Operands that stay off
# are left out.
OPERAND_REPOSITORIES = {
    "operator": "nvcr.io/nvidia",
    "validator": "nvcr.io/nvidia",
    "driver": "nvcr.io/nvidia",
    "toolkit": "nvcr.io/nvidia/k8s",
    "devicePlugin": "nvcr.io/nvidia",
    "gfd": "nvcr.io/nvidia",
    "dcgmExporter": "nvcr.io/nvidia/k8s",
    "migManager": "nvcr.io/nvidia/cloud-native",
}
DEVICE_PLUGIN_CONFIG = "device-plugin-config"
# For nodes without the label nvidia.com/device-plugin.config.
WHOLE_GPUS = "whole"
NFD_IMAGE = "registry.k8s.io/nfd/node-feature-discovery"


def gpu_operator_values(plan: GpuOperatorPlan) -> dict[str, Any]:
    """Values of chart gpu-operator; only what differs from its defaults or must not move with them."""
    values: dict[str, Any] = {
        # NRI without the operator's toolkit is refused by the operator.
        "cdi": {"enabled": True, "nriPluginEnabled": False},
        "driver": {"enabled": plan.driver},
        "toolkit": {"enabled": plan.toolkit},
        "devicePlugin": {"enabled": plan.device_plugin, **_device_plugin_config(plan)},
        "gfd": {"enabled": plan.gpu_feature_discovery},
        **_mig(plan),
        "dcgmExporter": {
            "enabled": plan.dcgm_exporter,
            "serviceMonitor": {
                "enabled": plan.dcgm_exporter,
                **scrape_times(plan.dcgm_scrape_interval_seconds),
                **({"additionalLabels": plan.network.monitor_labels} if plan.network.monitor_labels else {}),
            },
        },
        # Both lists replace the chart's, and the first does not reach node-feature-discovery.
        "daemonsets": {"tolerations": tolerations(plan.taints)},
        "node-feature-discovery": {"worker": {"tolerations": tolerations(plan.taints)}},
    }
    if plan.mirror:
        for operand, registry in OPERAND_REPOSITORIES.items():
            if operand != "migManager" or values[operand]["enabled"]:
                values.setdefault(operand, {})["repository"] = mirrored(registry, plan.mirror)
        values["node-feature-discovery"]["image"] = {"repository": mirrored(NFD_IMAGE, plan.mirror)}
    return values


def _mig(plan: GpuOperatorPlan) -> dict[str, Any]:
    """The MIG manager cuts the GPUs of nodes labelled nvidia.com/mig.config; `single` advertises nvidia.com/gpu."""
    if all(sharing.kind != "mig" for sharing in plan.sharing):
        return {"migManager": {"enabled": False}}
    # MIG mode of an A100 comes with a reset that a cloud's virtual machine does not let through: it takes a reboot
    # (NVIDIA GPU Operator, "Enabling MIG during installation").
    environment = [{"name": "WITH_REBOOT", "value": "true"}]
    return {"mig": {"strategy": "single"}, "migManager": {"enabled": True, "env": environment}}


def _device_plugin_config(plan: GpuOperatorPlan) -> dict[str, Any]:
    """One configuration per way of sharing; a node's label nvidia.com/device-plugin.config chooses one."""
    shared = {sharing.device_plugin_config: sharing for sharing in plan.sharing if sharing.device_plugin_config}
    if not shared:
        return {}
    data = {WHOLE_GPUS: _yaml({"version": "v1"})}
    data |= {name: _yaml(device_plugin_config(sharing)) for name, sharing in shared.items() if name}
    config = {"create": True, "name": DEVICE_PLUGIN_CONFIG, "default": WHOLE_GPUS, "data": data}
    return {"config": config}


def device_plugin_config(sharing: GpuSharingPlan) -> dict[str, Any]:
    """The device plugin's configuration for MPS or time slicing.

    The resource keeps its name nvidia.com/gpu. Two shares may be of one GPU: who asks for more than one is refused.
    """
    replicas = {
        "renameByDefault": False,
        "failRequestsGreaterThanOne": True,
        "resources": [{"name": GPU_RESOURCE, "replicas": sharing.pods_per_gpu}],
    }
    return {"version": "v1", "sharing": {sharing.kind: replicas}}


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False)


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
            **arguments(namespace_manifest(plan.namespace, "gpuOperator.namespace")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.metadata["name"]
        child = pulumi.ResourceOptions(parent=self)
        closed = register_policies(name, gpu_operator_policies(plan), self.namespace, child)
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            **release_arguments(plan.chart, RELEASE, plan.timeout_seconds),
            namespace=self.namespace,
            values=gpu_operator_values(plan),
            # Hidden ordering: the operator quietly makes no ServiceMonitor while monitoring.coreos.com is unknown. And
            # no pod of it is there without its policies.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.after, *closed]),
        )
        self.register_outputs({"namespace": self.namespace})
