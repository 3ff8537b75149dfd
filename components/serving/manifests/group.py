"""A model whose replicas are groups of pods, each on a node of its own: a LeaderWorkerSet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi

from components.manifest import Manifest
from components.serving.manifests.deployment import FORCE_OWNERSHIP_OF_REPLICAS, pod, pod_annotations
from components.serving.manifests.names import group_selector, metadata, server_labels, worker_labels
from components.serving.manifests.rollout import WAIT_AVAILABLE
from planning.model import GroupPlan, ServedModel

API = "leaderworkerset.x-k8s.io/v1"
# Handed over as text, as the downloader is.
LEAVE_WITH_LEADER = (Path(__file__).parents[1] / "leave_with_leader.py").read_text(encoding="utf-8")
OF_A_SERVER = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle")
# Pods of a group take whole nodes, of one zone: nothing is left to spread.
OF_ONE_POD = ("affinity", "topologySpreadConstraints")


def leader_worker_set(model: ServedModel, priority_class: pulumi.Input[str]) -> Manifest:
    """The LeaderWorkerSet; ValueError without group. `replicas` as in the Deployment (docs/adr/0003): groups.

    A group lives and dies as one: a container that starts again, or a pod that goes, ends the others, too, since the
    processes of one replica find each other once. Groups change one after another. With maxSurge the controller starts
    one more, and takes it away before the last one is Ready (v0.7.0, rollingUpdateParameters): it would keep nothing.
    """
    group, fixed = group_of(model), model.autoscaling.fixed_replicas
    described = metadata(model, group.name)
    described["annotations"] = dict(WAIT_AVAILABLE) | ({} if fixed is None else FORCE_OWNERSHIP_OF_REPLICAS)
    return {
        "apiVersion": API,
        "kind": "LeaderWorkerSet",
        "metadata": described,
        "spec": {
            **({} if fixed is None else {"replicas": fixed}),
            "startupPolicy": "LeaderCreated",
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxUnavailable": 1, "maxSurge": 0},
            },
            "networkConfig": {"subdomainPolicy": "Shared"},
            "leaderWorkerTemplate": {
                "size": group.pods,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": _template(model, server_labels(model), _leader(model, group, priority_class)),
                "workerTemplate": _template(model, worker_labels(model), _worker(model, group, priority_class)),
            },
        },
    }


def group_of(model: ServedModel) -> GroupPlan:
    """ValueError: a replica is one pod."""
    if model.group is None:
        raise ValueError(f"{model.name}: a replica is one pod")
    return model.group


def _template(model: ServedModel, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    described = {"labels": labels | group_selector(model), "annotations": pod_annotations(model)}
    return {"metadata": described, "spec": spec}


def _leader(model: ServedModel, group: GroupPlan, priority_class: pulumi.Input[str]) -> dict[str, Any]:
    """The server of every other model, which is Ready when its whole group has loaded."""
    return _member(model, group.leader_args, priority_class)


def _worker(model: ServedModel, group: GroupPlan, priority_class: pulumi.Input[str]) -> dict[str, Any]:
    """Without a server there is nothing to probe: a worker's process ends with its engine."""
    spec = _member(model, group.worker_args, priority_class)
    (server,) = spec["containers"]
    container = {key: value for key, value in server.items() if key not in OF_A_SERVER}
    asked = json.dumps({"port": group.rendezvous_port, "seconds": group.leave_seconds})
    # A pod that is deleted ends its group: while the leader's requests run their workers have to stay.
    container["lifecycle"] = {"preStop": {"exec": {"command": ["python3", "-c", LEAVE_WITH_LEADER, asked]}}}
    return {**spec, "containers": [container]}


def _member(model: ServedModel, args: tuple[str, ...], priority_class: pulumi.Input[str]) -> dict[str, Any]:
    spec = {key: value for key, value in pod(model, priority_class).items() if key not in OF_ONE_POD}
    (server,) = spec["containers"]
    own_address = {"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    # Before the others: arguments name it.
    container = {**server, "args": [*model.args, *args], "env": [own_address, *server["env"]]}
    return {**spec, "containers": [container]}
