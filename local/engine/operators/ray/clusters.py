"""Ray clusters as their pods show them: heads, what Serve was told there, and what a worker should run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from local.engine.operators.ray.serve_config import Built, ServeConfig, build, version_of
from local.engine.ports import read_json, write_json

CLUSTER, NODE_TYPE = "ray.io/cluster", "ray.io/node-type"
# What KubeRay calls the container (controllers/ray/common/pod.go).
AUTOSCALER = "autoscaler"
FAULT_TOLERANT = "ray.io/ft-enabled"
# Ports of a head: the dashboard's, and its agent's; of every Ray pod: metrics (KubeRay's ray start parameters).
DASHBOARD, AGENT, METRICS = 8265, 52365, 8080

Object = Mapping[str, Any]
ClusterKey = tuple[str, str]
"""Namespace, name of the RayCluster."""


def cluster_of(labels: Mapping[str, str], namespace: str, node_type: str) -> ClusterKey | None:
    """The cluster that a pod with these labels is a head or worker of."""
    if labels.get(NODE_TYPE) != node_type or CLUSTER not in labels:
        return None
    return namespace, labels[CLUSTER]


@dataclass
class Deployed:
    """What a head was told last. Lives as long as the head's pod, or longer with GCS fault tolerance."""

    config: dict[str, Any]
    at_seconds: float

    @property
    def application(self) -> dict[str, Any]:
        application: dict[str, Any] = self.config["applications"][0]
        return application


@dataclass
class RayCluster:
    """One cluster; `target` is how many replicas of its model there should be."""

    key: ClusterKey
    head: str = ""
    """Name of the head's pod, empty while none is Ready."""
    head_uid: str = ""
    autoscaled: bool = False
    """Whether KubeRay put Ray's autoscaler beside the head (enableInTreeAutoscaling)."""
    deployed: Deployed | None = None
    built: Built | None = None
    version: str = ""
    port: int = 8000
    target: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """Pod -> why a replica did not start on it."""

    def deploy(self, config: dict[str, Any], at_seconds: float | None = None) -> None:
        """Takes a config over. Raises pydantic's ValidationError, and nothing has changed."""
        read = ServeConfig.model_validate(config)
        if self.deployed is None:
            self.port = read.http_options.port  # ignored where Serve already runs (serve_head.py)
        self.deployed = Deployed(config, time.time() if at_seconds is None else at_seconds)
        self.failures.clear()
        if not read.applications:
            self.built, self.version, self.target = None, "", 0
            return
        self.built, before = build(read.applications[0]), self.version
        self.version = version_of(self.deployed.application)
        if before != self.version and self.built.llm is not None:
            options = self.built.llm.deployment_config
            scaling = options.autoscaling_config
            kept = before and scaling is not None
            low, high = (scaling.min_replicas, scaling.max_replicas) if scaling else (0, 0)
            self.target = min(max(self.target, low), high) if kept else options.first_replicas

    def forget(self) -> None:
        """A head without fault tolerance takes all it knew with it."""
        self.deployed, self.built, self.version, self.target = None, None, "", 0


class RayClusters:
    """All clusters. Kept in a file, since a restart of this process is none of the heads'."""

    def __init__(self, file: Path) -> None:
        self.by_key: dict[ClusterKey, RayCluster] = {}
        self._file = file
        self._kept: dict[str, Any] = read_json(file, {})

    def on_pod(self, event: str, item: Object) -> None:
        """Takes a watch event of any pod; heads are followed."""
        metadata = item["metadata"]
        key = cluster_of(metadata.get("labels") or {}, metadata["namespace"], "head")
        if key is None:
            return
        cluster = self.by_key.setdefault(key, RayCluster(key))
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in (item.get("status") or {}).get("conditions") or []
        )
        gone = event == "DELETED" or "deletionTimestamp" in metadata
        if gone and cluster.head_uid == metadata["uid"]:
            cluster.head = ""
            if event == "DELETED" and not _outlives(item):
                cluster.forget()
                self._write()
        elif not gone and ready and not cluster.head:
            self._begin(cluster, item)

    def _begin(self, cluster: RayCluster, item: Object) -> None:
        uid = item["metadata"]["uid"]
        cluster.head = item["metadata"]["name"]
        if cluster.head_uid not in ("", uid) and not _outlives(item):
            cluster.forget()
        cluster.head_uid = uid
        cluster.autoscaled = any(each["name"] == AUTOSCALER for each in item["spec"].get("containers") or [])
        kept = self._kept.get("/".join(cluster.key)) or {}
        if cluster.deployed is None and (kept.get("head") == uid or (kept and _outlives(item))):
            cluster.deploy(kept["config"], kept["at_seconds"])

    def of_head(self, namespace: str, pod: str) -> RayCluster | None:
        """The cluster whose Ready head this pod is."""
        return next((each for each in self.by_key.values() if (each.key[0], each.head) == (namespace, pod)), None)

    def deploy(self, cluster: RayCluster, config: dict[str, Any]) -> str | None:
        """Tells a head what to serve; why it refuses, or None."""
        try:
            cluster.deploy(config)
        except ValidationError as error:
            return repr(error)
        self._write()
        return None

    def _write(self) -> None:
        self._kept = {
            "/".join(each.key): {
                "head": each.head_uid,
                "config": each.deployed.config,
                "at_seconds": each.deployed.at_seconds,
            }
            for each in self.by_key.values()
            if each.deployed is not None
        }
        write_json(self._file, self._kept)


def _outlives(head: Object) -> bool:
    """Whether what a head knows is in a Redis, and a new head reads it there."""
    return (head["metadata"].get("annotations") or {}).get(FAULT_TOLERANT) == "true"
