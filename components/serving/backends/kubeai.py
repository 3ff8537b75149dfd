"""Backend `kubeai`: a Model of KubeAI, which makes bare pods of it and stands before them with a proxy.

KubeAI (v0.21.0, read at 6babe2c95c) writes the pod itself (internal/modelcontroller/engine_vllm.go); what all models
share is in its release (components/cluster/operators/kubeai.py). The weights come as everywhere, by our download Job on
the model's claim, and the claim by `pvc://`: so no server has a token or a way out. The model's Service names the
proxies: only what comes through them is counted, and wakes a model from zero.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.manifest import Manifest, custom_resource
from components.serving.backends.workload import BackendManifests, ServingWorkload, WorkloadArgs
from components.serving.manifests.environment import server_environment
from components.serving.manifests.names import cache_claim_name, metadata
from planning.model import CHAT_TEMPLATE_FILE, KubeaiModelPlan, ServedModel

# KubeAI says it itself, by the Model's name, which is the served one.
SERVED_NAME = "--served-model-name="


def kubeai_model(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The Model."""
    plan = _plan(model)
    described = metadata(model)
    exact = model.autoscaling.min_replicas
    if exact == model.autoscaling.max_replicas and exact:
        # It has no conditions, and of a number of replicas that moves no condition can be written.
        described["annotations"] = {"pulumi.com/waitFor": f"jsonpath={{.status.replicas.ready}}={exact}"}
    spec = {
        "engine": "VLLM",
        "features": ["TextGeneration"],
        "url": f"pvc://{cache_claim_name(model)}",
        "resourceProfile": f"{plan.profile}:1",
        "image": model.image,
        "args": _arguments(model),
        # Those out of Secrets have no place here, and the plan refuses them.
        "env": {each["name"]: each["value"] for each in server_environment(model) if "value" in each},
        "priorityClassName": priority_class,
        **_replicas(model, plan),
        "loadBalancing": {"strategy": plan.strategy, "prefixHash": {"prefixCharLength": plan.prefix_characters}},
    }
    if model.chat_template is not None:
        spec["files"] = [{"path": CHAT_TEMPLATE_FILE, "content": model.chat_template}]
    return {"apiVersion": "kubeai.org/v1", "kind": "Model", "metadata": described, "spec": spec}


def _plan(model: ServedModel) -> KubeaiModelPlan:
    if model.kubeai is None:
        raise ValueError(f"{model.name}: backend kubeai needs KubeAI in the plan")
    return model.kubeai


def _arguments(model: ServedModel) -> list[str]:
    """Those of `vllm serve`, for vllm.entrypoints.openai.api_server: there the model has a name.

    KubeAI's own `--model`, where it mounts the claim, comes before and so counts no more.
    """
    name, *others = model.args
    return [f"--model={name}", *(each for each in others if not each.startswith(SERVED_NAME))]


def _replicas(model: ServedModel, plan: KubeaiModelPlan) -> dict[str, Any]:
    """Between the plan's bounds, by KubeAI's own autoscaler; or a fixed number."""
    scaling = model.autoscaling
    told: dict[str, Any] = {
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "targetRequests": plan.target_requests,
        "scaleDownDelaySeconds": scaling.scale_down.window_seconds,
    }
    if scaling.fixed_replicas is not None:
        told |= {"replicas": scaling.fixed_replicas, "autoscalingDisabled": True}
    return told


def _register(name: str, args: WorkloadArgs, parent: pulumi.Resource) -> ServingWorkload:
    model = args.model
    wait = f"{model.rollout_timeout_seconds}s"
    made = custom_resource(
        f"{name}-kubeai-model",
        kubeai_model(model, args.priority_class),
        namespace=args.namespace,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Hidden ordering: as of a Deployment; kind, controller and resource profile come with a release.
            depends_on=list(args.before),
            custom_timeouts=pulumi.CustomTimeouts(create=wait, update=wait, delete=wait),
        ),
    )
    # Hidden ordering: while a model moves here, its proxy must know it before clients come.
    return ServingWorkload(made.metadata["name"], (made,))


KUBEAI = BackendManifests(kubeai_model, _register)
