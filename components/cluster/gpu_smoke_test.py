"""`GpuSmokeTest`: one Job per GPU pool that runs nvidia-smi; models wait for it.

It proves the whole chain before a model is blamed: a node of the pool, driver, runtime, device plugin, the number of
GPUs. Until the device plugin has advertised nvidia.com/gpu the pod is Pending, which is the wait we want.

A changed template (another image, another number of GPUs) runs the test again, and the new pod needs a free GPU:
where models hold all of a pool's GPUs switch `gpuOperator.smokeTest` off for such an `up`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.images import pull_secrets
from components.manifest import Manifest, arguments, labels
from components.security import non_root_pod, restricted_container
from components.tolerations import tolerations
from planning.model import GPU_RESOURCE, SmokeTestPlan

APP = "gpu-smoke-test"
RESOURCES = {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "64Mi"}
# Pulumi's own wait ends after the Job's deadline, so that the error is the Job's.
AWAIT_MARGIN_SECONDS = 60


def smoke_test_job(plan: SmokeTestPlan, namespace: str) -> Manifest:
    """The Job of one pool. It fails when nvidia-smi fails or sees fewer GPUs than the pod was given."""
    name = f"{APP}-{plan.pool}"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels(APP, plan.pool, "smoke-test"),
            # A failed Job stays failed: without this every later `up` would only read the failure again.
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": plan.timeout_seconds,
            # No ttlSecondsAfterFinished: a Job that vanished is created, and so run, again by the next `up`.
            "template": {"metadata": {"labels": labels(APP, plan.pool, "smoke-test")}, "spec": _pod(plan)},
        },
    }


def _pod(plan: SmokeTestPlan) -> dict[str, Any]:
    requests = {**RESOURCES, GPU_RESOURCE: str(plan.gpus)}
    count = f'test "$(nvidia-smi --list-gpus | wc -l)" -ge {plan.gpus}'
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **pull_secrets(plan.pull_secrets),
        "nodeSelector": plan.node_selector,
        "tolerations": tolerations(plan.taints),
        "securityContext": non_root_pod(),
        "containers": [
            {
                "name": "nvidia-smi",
                "image": plan.image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", f"nvidia-smi && {count}"],
                "resources": {"requests": requests, "limits": dict(requests)},
                "securityContext": restricted_container(),
            }
        ],
    }


@dataclass(frozen=True)
class GpuSmokeTestArgs:
    """`namespace`: where the Job runs. `after`: the GPU Operator, or nothing where the nodes bring the plugin."""

    plan: SmokeTestPlan
    namespace: pulumi.Input[str]
    after: tuple[pulumi.Resource, ...] = ()


class GpuSmokeTest(pulumi.ComponentResource):
    """The Job of one pool; `job` is done once the pool's GPUs work."""

    job: pulumi.Resource

    def __init__(self, name: str, args: GpuSmokeTestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:GpuSmokeTest", name, None, opts)
        wait = f"{args.plan.timeout_seconds + AWAIT_MARGIN_SECONDS}s"
        self.job = k8s.batch.v1.Job(
            f"{name}-job",
            **arguments(smoke_test_job(args.plan, "default"), args.namespace),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hidden ordering: only the operator's device plugin makes nvidia.com/gpu schedulable.
                depends_on=list(args.after),
                custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait),
            ),
        )
        self.register_outputs({})
