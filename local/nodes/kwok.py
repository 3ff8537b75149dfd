"""KWOK: keeps the nodes that the node watcher makes alive and plays kubelet for their pods, by Stages."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.host.paths import Paths
from local.host.probes import http_ready
from local.host.processes import ProcessSpec

STAGES = Path(__file__).parents[1] / "manifests" / "stages.yaml"
# drain and crash of the simulated engines; they outweigh the general stages
ENGINE_STAGES = Path(__file__).parents[1] / "engine" / "stages.yaml"
COMPONENT_LABEL = "app.kubernetes.io/component"
MODEL_SERVER = "model-server"
# Such a pod's container runs at once, and is Ready when the model on it serves: local/engine/operators/ray says so.
RAY_NODE_LABEL, RAY_WORKER = "ray.io/node-type", "ray-worker"
# A leader is Ready when its group has loaded: local/engine/groups.py says so.
GROUP_RANK_LABEL, GROUP_LEADER = "leaderworkerset.sigs.k8s.io/worker-index", "group-leader"


def stages(cold_start_seconds: float, real_engine: bool = False) -> list[dict[str, Any]]:
    """All Stages; pods labelled as model servers become Ready after `cold_start_seconds`, others after 1 s.

    With a real engine KWOK only starts their containers: the rest is for their probes (local/vllm_cpu/kubelet.py).
    """
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(STAGES.read_text()))
    ready = next(stage for stage in documents if stage["metadata"]["name"] == "pod-ready")
    server = copy.deepcopy(ready)
    server["metadata"]["name"] = f"{MODEL_SERVER}-ready"
    server["spec"]["selector"]["matchLabels"] = {COMPONENT_LABEL: MODEL_SERVER}
    server["spec"]["delay"] = {"durationMilliseconds": round(cold_start_seconds * 1000)}
    if real_engine:
        server["metadata"]["name"] = f"{MODEL_SERVER}-started"
        server["spec"]["delay"] = {"durationMilliseconds": 1000}
        server["spec"]["next"]["statusTemplate"] = _only_started(server["spec"]["next"]["statusTemplate"])
    worker = copy.deepcopy(ready)
    worker["metadata"]["name"] = f"{RAY_WORKER}-started"
    worker["spec"]["selector"]["matchLabels"] = {RAY_NODE_LABEL: "worker"}
    worker["spec"]["next"]["statusTemplate"] = _only_started(ready["spec"]["next"]["statusTemplate"])
    leader = copy.deepcopy(ready)
    leader["metadata"]["name"] = f"{GROUP_LEADER}-started"
    leader["spec"]["selector"]["matchLabels"] = {COMPONENT_LABEL: MODEL_SERVER, GROUP_RANK_LABEL: "0"}
    leader["spec"]["next"]["statusTemplate"] = _only_started(ready["spec"]["next"]["statusTemplate"])
    others = {"key": f'.metadata.labels["{COMPONENT_LABEL}"]', "operator": "NotIn", "values": [MODEL_SERVER]}
    ready["spec"]["selector"]["matchExpressions"].append(others)
    of_ray = {"key": f'.metadata.labels["{RAY_NODE_LABEL}"]', "operator": "NotIn", "values": ["worker"]}
    of_groups = {"key": f'.metadata.labels["{GROUP_RANK_LABEL}"]', "operator": "DoesNotExist"}
    server["spec"]["selector"]["matchExpressions"] += [of_ray, of_groups]
    return [*documents, server, worker, leader, *yaml.safe_load_all(ENGINE_STAGES.read_text())]


def _only_started(template: str) -> str:
    """The status of a pod whose containers run and have not started yet, as their start-up probes see it."""
    for kind in ("Ready", "ContainersReady"):
        template = template.replace(f'status: "True", type: {kind}}}', f'status: "False", type: {kind}}}')
    containers, rest = template.split("{{ if .spec.initContainers }}", 1)
    containers = containers.replace("ready: true", "ready: false").replace("started: true", "started: false")
    return containers + "{{ if .spec.initContainers }}" + rest


def kwok(paths: Paths, ports: Mapping[str, int], cold_start_seconds: float, real_engine: bool = False) -> ProcessSpec:
    """The process; its stages are written beside its record, and a change of them restarts it."""
    file = paths.run / "kwok" / "stages.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump_all(stages(cold_start_seconds, real_engine), sort_keys=False))
    command = (
        str(paths.tools_bin / "kwok"),
        f"--kubeconfig={paths.kubeconfig}",
        f"--config={file}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--cidr=10.244.0.0/16",
        "--node-lease-duration-seconds=40",
        f"--server-address=127.0.0.1:{ports['kwok']}",
    )
    ready = http_ready(f"http://127.0.0.1:{ports['kwok']}/healthz")
    return ProcessSpec("kwok", command, ready, content=(file,))
