"""The Deployment of a model's servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi

from components.images import pull_policy, pull_secrets
from components.manifest import Manifest
from components.pods import HOSTNAME, NOT_MOVED_BY_CLUSTER_AUTOSCALER, ZONE, quantities, scratch_volume
from components.security import non_root_pod, restricted_container
from components.serving.manifests.chat_template import template_annotations, template_mounts, template_volumes
from components.serving.manifests.compiled import compiled_containers, compiled_volumes
from components.serving.manifests.download import download_container
from components.serving.manifests.environment import server_environment
from components.serving.manifests.names import downloads_in_pod, metadata, server_labels, server_selector
from components.serving.manifests.volumes import (
    cache_volumes,
    download_volumes,
    server_mounts,
    shared_memory_volumes,
)
from components.tolerations import tolerations
from planning.model import ProbePlan, ServedModel

# An autoscaler that is taken away leaves the number in its name: without this an apply that sets it is a conflict.
FORCE_OWNERSHIP_OF_REPLICAS = {"pulumi.com/patchForce": "true"}

# Handed over as text, as the downloader is: the image has Python, and nothing of ours.
WARM_UP = (Path(__file__).parents[1] / "warm_up.py").read_text(encoding="utf-8")
LEAVE_WHEN_TAKEN = (Path(__file__).parents[1] / "leave_when_taken.py").read_text(encoding="utf-8")
# The program's own time-out is before the kubelet's, so that its reason is in the event.
ENDS_BEFORE_SECONDS = 5


def deployment(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The Deployment. It has `replicas` only without an autoscaler: they belong to the autoscaler (docs/adr/0003)."""
    described = metadata(model)
    fixed = model.autoscaling.fixed_replicas
    if fixed is not None:
        described["annotations"] = dict(FORCE_OWNERSHIP_OF_REPLICAS)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": described,
        "spec": {
            **({} if fixed is None else {"replicas": fixed}),
            "selector": {"matchLabels": server_selector(model)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling_update(model)},
            "progressDeadlineSeconds": model.rollout_timeout_seconds,
            "template": {
                "metadata": {"labels": server_labels(model), "annotations": pod_annotations(model)},
                "spec": pod(model, priority_class),
            },
        },
    }


def rolling_update(model: ServedModel) -> dict[str, int]:
    """How a rollout goes on where GPUs are scarce.

    With a free GPU a new pod starts first and nothing is lost. Without one a pod that is to start first would wait
    forever: so one old pod leaves first, and with it its share of the capacity until the new one has started.
    """
    if model.max_surge:
        return {"maxSurge": model.max_surge, "maxUnavailable": 0}
    return {"maxSurge": 0, "maxUnavailable": 1}


def pod_annotations(model: ServedModel) -> dict[str, str]:
    """Annotations of a server's pod."""
    return NOT_MOVED_BY_CLUSTER_AUTOSCALER | template_annotations(model)


def pod(model: ServedModel, priority_class: pulumi.Input[str]) -> dict[str, Any]:
    """A server's pod (spec), whatever makes it."""
    spec: dict[str, Any] = {
        "serviceAccountName": model.name,
        "automountServiceAccountToken": False,
        # A Service called `vllm` would set VLLM_PORT to tcp://…, which vLLM reads as its own port and stops.
        "enableServiceLinks": False,
        **pull_secrets(model.pull_secrets),
        "priorityClassName": priority_class,
        "terminationGracePeriodSeconds": model.drain.grace_period_seconds,
        "nodeSelector": model.node_selector,
        "tolerations": tolerations(model.taints),
        **(_beside_its_like(model) if on_one_node(model) else _apart_from_its_like(model)),
        "securityContext": non_root_pod(model.user_id, model.group_id),
    }
    first = [*([download_container(model)] if downloads_in_pod(model) else []), *compiled_containers(model)]
    if first:
        spec["initContainers"] = first
    spec["containers"] = [_server(model)]
    filled = download_volumes(model) if downloads_in_pod(model) else [*cache_volumes(model), scratch_volume()]
    spec["volumes"] = [*filled, *shared_memory_volumes(model), *template_volumes(model), *compiled_volumes(model)]
    return spec


def _server(model: ServedModel) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "vllm",
        "image": model.image,
        "imagePullPolicy": pull_policy(model.image),
        "args": list(model.args),  # the image's entrypoint is `vllm serve`
        "env": server_environment(model),
        "ports": [{"name": "http", "containerPort": model.port, "protocol": "TCP"}],
        "resources": quantities(model.resources),
        # The HTTP server opens after the weights are loaded: until then only the startup probe asks.
        "startupProbe": _warm_up(model) if model.warm_up else _health(model.startup_probe),
        "readinessProbe": _health(model.readiness_probe),
        # Slower than readiness: a busy engine leaves the Service first, and is restarted only when it stays dead.
        "livenessProbe": _health(model.liveness_probe),
        "volumeMounts": [*server_mounts(model), *template_mounts(model)],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(model.user_id, model.group_id),
    }
    if model.drain.pre_stop_seconds:
        container["lifecycle"] = {"preStop": _pre_stop(model)}
    return container


def _pre_stop(model: ServedModel) -> dict[str, Any]:
    """Endpoints forget the pod meanwhile. Without an engine to wait for the kubelet sleeps (Kubernetes >= 1.30)."""
    drain = model.drain
    if not drain.engine_wait_seconds:
        return {"sleep": {"seconds": drain.pre_stop_seconds}}
    asked = {
        "url": f"http://127.0.0.1:{model.port}/v1/completions",
        "model": model.served_name,
        "sleep_seconds": drain.pre_stop_seconds,
        "engine_seconds": drain.engine_wait_seconds,
    }
    return {"exec": {"command": ["python3", "-c", LEAVE_WHEN_TAKEN, json.dumps(asked)]}}


def _health(probe: ProbePlan) -> dict[str, Any]:
    return {"httpGet": {"path": "/health", "port": "http", "scheme": "HTTP"}, **_times(probe)}


def _warm_up(model: ServedModel) -> dict[str, Any]:
    """One token, in the place of /health: the pod is not started, and so not Ready, before it was generated."""
    probe = model.startup_probe
    asked = {
        "url": f"http://127.0.0.1:{model.port}/v1/completions",
        "model": model.served_name,
        "seconds": probe.timeout_seconds - ENDS_BEFORE_SECONDS,
    }
    return {"exec": {"command": ["python3", "-c", WARM_UP, json.dumps(asked)]}, **_times(probe)}


def _times(probe: ProbePlan) -> dict[str, int]:
    return {
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failureThreshold": probe.failure_threshold,
    }


def _spread(model: ServedModel, topology_key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        # Better two replicas on one node than one replica and a Pending pod.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": server_selector(model)},
        # Each revision is spread by itself: pods that are about to leave do not count.
        "matchLabelKeys": ["rollouts-pod-template-hash" if model.canary else "pod-template-hash"],
    }


def on_one_node(model: ServedModel) -> bool:
    """Whether a volume that one node mounts holds all pods there; the scheduler does not look at ReadWriteOnce."""
    return model.cache.access_mode == "ReadWriteOnce"


def _beside_its_like(model: ServedModel) -> dict[str, Any]:
    """The first pod goes where it likes (a pod may satisfy its own affinity), the others after it."""
    term = {"labelSelector": {"matchLabels": server_selector(model)}, "topologyKey": HOSTNAME}
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _apart_from_its_like(model: ServedModel) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": server_selector(model)}, "topologyKey": HOSTNAME}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "topologySpreadConstraints": [_spread(model, ZONE), _spread(model, HOSTNAME)],
    }
