"""What the simulation reads from a Pod object, and the status it writes for an engine that cannot start."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from local.engine.flags import UsageError
from planning.model import GPU_RESOURCE

# Of every backend whose pods run vLLM's own server: ours, and KServe's.
CONTAINER = "vllm"
# A Ray worker, in which Ray starts the engine when Serve is told to (local/engine/operators/ray).
RAY_WORKER = "ray-worker"
CONTAINERS = (CONTAINER, "kserve-container", RAY_WORKER)
# Written by LeaderWorkerSet's webhook.
GROUP_RANK_LABEL = "leaderworkerset.sigs.k8s.io/worker-index"
# Of a backend that starts it by its module, whatever it calls the container: KubeAI.
SERVER_MODULE = "vllm.entrypoints.openai.api_server"
DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True)
class PodView:
    """A pod with a container that runs vLLM's server."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    node: str | None
    container: Mapping[str, Any]
    status: Mapping[str, Any]
    deleting: bool
    grace_seconds: int
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ray_worker(self) -> bool:
        """Its container says nothing of an engine."""
        return self.container.get("name") == RAY_WORKER

    @property
    def group_rank(self) -> int | None:
        """Its place in a group of a LeaderWorkerSet, whose leader is 0; None: it is no group's."""
        rank = self.labels.get(GROUP_RANK_LABEL, "")
        return int(rank) if rank.isdigit() else None

    @property
    def leader_name(self) -> str:
        """Of the pod that leads its group: the one it is called after (sigs.k8s.io/lws, pkg/utils/statefulset)."""
        return self.name.rpartition("-")[0] if self.group_rank else self.name

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def container_running(self) -> bool:
        """The container runs and its start-up probe has passed: from here on vLLM's HTTP server answers.

        KWOK's pod-ready stage sets running and ready together after the cold start and leaves `started` out.
        """
        for status in self.status.get("containerStatuses") or []:
            if status.get("name") == self.container.get("name"):
                running = "running" in (status.get("state") or {})
                return running and bool(status.get("started", status.get("ready")))
        return False

    @property
    def container_begun(self) -> bool:
        """Its init containers are through, so its process may run; nothing is said of its probes."""
        return self.crash_is_written or any(
            status.get("name") == self.container.get("name") and ("running" in (status.get("state") or {}))
            for status in self.status.get("containerStatuses") or []
        )

    @property
    def port(self) -> int:
        """The port that the container declares; 8000 where it declares none."""
        ports = self.container.get("ports") or [{}]
        return int(ports[0].get("containerPort", 8000))

    @property
    def ended(self) -> bool:
        return self.status.get("phase") in ("Succeeded", "Failed")

    @property
    def crash_is_written(self) -> bool:
        for status in self.status.get("containerStatuses") or []:
            waiting = (status.get("state") or {}).get("waiting") or {}
            if status.get("name") == self.container.get("name"):
                return waiting.get("reason") == "CrashLoopBackOff"
        return False

    @property
    def gpus(self) -> int:
        """GPUs of the vLLM container."""
        limits = (self.container.get("resources") or {}).get("limits") or {}
        return int(limits.get(GPU_RESOURCE, 0))

    @property
    def _pre_stop(self) -> Mapping[str, Any]:
        return (self.container.get("lifecycle") or {}).get("preStop") or {}

    @property
    def pre_stop_command(self) -> list[str]:
        """What the preStop hook executes in the container; empty for one that only sleeps, and for none."""
        return list((self._pre_stop.get("exec") or {}).get("command") or [])

    @property
    def pre_stop_seconds(self) -> float:
        """How long the preStop hook sleeps: `sleep`, an exec of sleep or of leave_when_taken.py; 0 for others."""
        if "sleep" in self._pre_stop:
            return float(self._pre_stop["sleep"].get("seconds", 0))
        with contextlib.suppress(ValueError, LookupError, TypeError):
            return float(json.loads(self.pre_stop_command[-1])["sleep_seconds"])
        words = " ".join(self.pre_stop_command)
        match = re.search(r"\bsleep\s+(\d+(?:\.\d+)?)", words)
        return float(match[1]) if match else 0.0


def _command(container: Mapping[str, Any]) -> list[str]:
    return list(container.get("command") or [])


def is_server(container: Mapping[str, Any]) -> bool:
    """Whether it runs vLLM's server, or Ray's worker under one."""
    return container.get("name") in CONTAINERS or SERVER_MODULE in _command(container)


def view(pod: Mapping[str, Any]) -> PodView | None:
    """The pod as the simulation sees it; None without such a container."""
    containers = (pod.get("spec") or {}).get("containers") or []
    container = next(filter(is_server, containers), None)
    if container is None:
        return None
    metadata = pod["metadata"]
    grace = metadata.get("deletionGracePeriodSeconds")
    if grace is None:
        grace = pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return PodView(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        labels=metadata.get("labels") or {},
        node=pod["spec"].get("nodeName"),
        container=container,
        status=pod.get("status") or {},
        deleting="deletionTimestamp" in metadata,
        grace_seconds=int(grace),
        spec=pod["spec"],
    )


class FollowsPod(Protocol):
    """What a fleet keeps of a pod."""

    pod: PodView


M = TypeVar("M", bound=FollowsPod)


def followed(
    members: MutableMapping[tuple[str, str], M],
    event: str,
    item: Mapping[str, Any],
    begun: Callable[[PodView], M],
    forget: Callable[[M], None],
) -> M | None:
    """The member of a watch event's pod, made or brought up to date; None: not ours, or gone and forgotten."""
    pod = view(item)
    if pod is None:
        return None
    member = members.get(pod.key)
    if member is not None and member.pod.uid != pod.uid:
        if event == "DELETED":  # of an earlier pod of this name
            return None
        forget(member)
        member = None
    if event == "DELETED" or pod.ended:
        if member is not None:
            forget(member)
        return None
    if member is None:
        member = members[pod.key] = begun(pod)
    member.pod = pod
    return member


def crash_status(
    pod: PodView, failure: UsageError, now: datetime | None = None, restarts: int | None = None
) -> dict[str, Any]:
    """A status patch: the container in CrashLoopBackOff, as the kubelet reports a process that ends at once.

    `restarts`: of a process that really ran; None: one more than the pod says, by a simulated engine.
    Phase Running keeps KWOK's pod-ready stage away (it takes Pending pods only), so the pod is never Ready.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    real, name = restarts is not None, pod.container.get("name")
    if restarts is None:
        before = (s.get("restartCount", 0) for s in pod.status.get("containerStatuses") or [] if s["name"] == name)
        restarts = 1 + max(before, default=0)
    ended = {
        "exitCode": failure.exit_code,
        "reason": "Error",
        "message": failure.text[-4096:],
        "startedAt": stamp,
        "finishedAt": stamp,
        "containerID": "process://vllm" if real else "simulated://vllm",
    }
    reason = f"back-off restarting failed container {name} in pod {pod.name}{'' if real else ' (simulated)'}"
    own = {
        "name": name,
        "image": pod.container.get("image", ""),
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": f"{reason}: {failure.text.splitlines()[-1]}"}},
        "lastState": {"terminated": ended},
    }
    others = [s for s in pod.status.get("containerStatuses") or [] if s.get("name") != name]
    not_ready = {
        "status": "False",
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{name}]",
        "lastTransitionTime": stamp,
    }
    conditions = [{"type": kind, **not_ready} for kind in ("Ready", "ContainersReady")]
    initialized = {"type": "Initialized", "status": "True", "lastTransitionTime": stamp}
    return {
        "metadata": {"uid": pod.uid},
        "status": {
            "phase": "Running",
            "startTime": pod.status.get("startTime", stamp),
            "containerStatuses": [*others, own],
            "conditions": [initialized, *conditions],
        },
    }


def is_ready(pod: PodView) -> bool:
    """By its condition."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod.status.get("conditions") or [])


def readiness(pod: PodView, ready: bool) -> dict[str, Any]:
    """A status patch: what the kubelet makes of the readiness probe of the engine's container."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = pod.container.get("name")
    condition: dict[str, Any] = {"status": "True" if ready else "False", "lastTransitionTime": stamp}
    if ready:
        condition |= {"reason": None, "message": None}
    else:
        condition |= {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: [{name}]",
        }
    statuses = [
        {**each, "ready": ready, "started": True} if each.get("name") == name else each
        for each in pod.status.get("containerStatuses") or []
    ]
    return {
        "metadata": {"uid": pod.uid},
        "status": {
            "containerStatuses": statuses,
            "conditions": [{"type": kind, **condition} for kind in ("Ready", "ContainersReady")],
        },
    }
