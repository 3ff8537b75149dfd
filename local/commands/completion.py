"""Waiting for the models and asking one through its Service's address."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.control_plane.cluster import connect, is_ready
from local.host.errors import PlatformError
from local.host.paths import Paths
from planning.backends.table import backends

ROLLOUTS = ("argoproj.io", "v1alpha1", "rollouts")
GROUPS = ("leaderworkerset.x-k8s.io", "v1", "leaderworkersets")
RAY_SERVICES = ("ray.io", "v1", "rayservices")
KUBEAI_MODELS = ("kubeai.org", "v1", "models")
MODEL_SERVERS = "app.kubernetes.io/component=model-server"
QUESTION = "Say in one sentence what you are."


@dataclass(frozen=True)
class RunningModel:
    """A model's Deployment, or what its backend has for it; `updated`: pods of its present template, of `total`."""

    namespace: str
    name: str
    wanted: int
    available: int
    updated: int
    total: int
    instance: str = ""
    """The model's own name, where its backend calls the Deployment otherwise; empty: it is called so."""
    path: str = ""
    """Of its API at the Service's address, before `/v1`."""
    is_held: bool = False
    """Whether a proxy holds requests while it has no replica, so that none of them is as good as one."""
    pods: str = ""
    """What selects its pods; empty: our labels."""

    @property
    def service(self) -> str:
        """Its address inside the cluster, and the label of its pods."""
        return self.instance or self.name

    @property
    def ready(self) -> bool:
        """Rolled out, as `kubectl rollout status` counts it: while old pods serve on, the new ones may never start."""
        least = 0 if self.is_held else 1
        return self.available >= max(self.wanted, least) and self.updated >= self.wanted and self.total <= self.updated


@dataclass(frozen=True)
class CompletionAnswer:
    """What a model said and where."""

    url: str
    model: str
    text: str


def models(paths: Paths) -> list[RunningModel]:
    """The models of all namespaces: Deployments, Rollouts, LeaderWorkerSets, RayServices and KubeAI's Models."""
    apis = connect(paths.kubeconfig)
    items = apis.apps.list_deployment_for_all_namespaces(label_selector=MODEL_SERVERS).items
    custom = apis.custom
    return [
        *(_of_rollout(m["metadata"], m["spec"], m.get("status") or {}) for m in _listed(custom, ROLLOUTS)),
        *map(_of_groups, _listed(custom, GROUPS)),
        *map(_of_deployment, items),
        *map(_of_ray, _listed(custom, RAY_SERVICES)),
        *map(_of_kubeai, _listed(custom, KUBEAI_MODELS)),
    ]


def _of_deployment(model: Any) -> RunningModel:
    return RunningModel(
        model.metadata.namespace,
        model.metadata.name,
        model.spec.replicas,
        model.status.available_replicas or 0,
        # What the controller has not seen yet is not rolled out.
        (model.status.updated_replicas or 0) if model.status.observed_generation == model.metadata.generation else 0,
        model.status.replicas or 0,
        (model.metadata.labels or {}).get("app.kubernetes.io/instance", ""),
    )


def _listed(custom: Any, kind: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Models of a custom kind; none where nothing brought it."""
    from kubernetes.client.exceptions import ApiException

    try:
        items: list[dict[str, Any]] = custom.list_cluster_custom_object(*kind, label_selector=MODEL_SERVERS)["items"]
    except ApiException as error:
        if error.status != 404:
            raise
        return []
    return items


def _of_rollout(metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> RunningModel:
    """A canary is no reason to wait: the old pods serve."""
    pods = int(status.get("replicas", 0))
    wanted, available = int(spec.get("replicas", 1)), int(status.get("availableReplicas", 0))
    return RunningModel(metadata["namespace"], metadata["name"], wanted, available, pods, pods)


def _of_groups(model: Mapping[str, Any]) -> RunningModel:
    """Groups stand for pods; while an update is under way the controller says so before it counts."""
    metadata, status = model["metadata"], model.get("status") or {}
    updating = any(c["type"] == "UpdateInProgress" and c["status"] == "True" for c in status.get("conditions") or [])
    return RunningModel(
        metadata["namespace"],
        metadata["name"],
        int(model["spec"].get("replicas", 1)),
        int(status.get("readyReplicas", 0)),
        0 if updating else int(status.get("updatedReplicas", 0)),
        int(status.get("replicas", 0)),
        metadata["labels"]["app.kubernetes.io/instance"],
    )


def _of_ray(service: Mapping[str, Any]) -> RunningModel:
    """Its workers stand for pods; while another cluster comes up, none of the new ones counts."""
    metadata, status = service["metadata"], service.get("status") or {}
    active, pending = (status.get(f"{which}ServiceStatus") or {} for which in ("active", "pending"))
    cluster = active.get("rayClusterStatus") or {}
    applications = (active.get("applicationStatuses") or {}).values()
    settled = (
        status.get("observedGeneration") == metadata["generation"]
        and not pending.get("rayClusterName")
        and bool(applications)
        and all(each.get("status") == "RUNNING" for each in applications)
    )
    wanted, endpoints = int(cluster.get("desiredWorkerReplicas", 0)), int(status.get("numServeEndpoints", 0))
    updated = wanted if settled else 0
    return RunningModel(metadata["namespace"], metadata["name"], wanted, endpoints, updated, updated)


def _of_kubeai(model: Mapping[str, Any]) -> RunningModel:
    """It does not say which of its pods are outdated: all have to be Ready, and as many as it asks for."""
    metadata, counted = model["metadata"], (model.get("status") or {}).get("replicas") or {}
    path = backends()["kubeai"].path.removesuffix("/v1")
    pods = f"model={metadata['name']},app.kubernetes.io/managed-by=kubeai"
    # Its controller writes a number at once, the least where none is told.
    replicas, ready, total = model["spec"].get("replicas"), int(counted.get("ready", 0)), int(counted.get("all", 0))
    wanted = int(replicas) if replicas is not None else 1
    return RunningModel(
        metadata["namespace"], metadata["name"], wanted, ready, ready, total, path=path, is_held=True, pods=pods
    )


def wait_until_ready(paths: Paths, timeout_seconds: float) -> list[RunningModel]:
    """Waits until every model Deployment has its replicas available; raises PlatformError naming those that lack."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        running = models(paths)
        lacking = [model for model in running if not model.ready]
        if not lacking:
            return running
        if time.monotonic() > deadline:
            names = ", ".join(map(_counted, lacking))
            reasons = "".join(f"\n  {line}" for line in why_not_ready(paths, lacking))
            raise PlatformError(
                f"not ready after {timeout_seconds:.0f} s: {names}.{reasons}\n"
                f"More: kubectl --kubeconfig {paths.kubeconfig} describe pods -n {lacking[0].namespace}"
            )
        time.sleep(0.5)


def _counted(model: RunningModel) -> str:
    new = f", {model.updated} of them new" if model.total > model.updated else ""
    return f"{model.namespace}/{model.name} ({model.available} of {model.wanted}{new})"


def why_not_ready(paths: Paths, lacking: Iterable[RunningModel]) -> list[str]:
    """What scheduler and kubelet say of the pods of these models that are not Ready, one line each."""
    core = connect(paths.kubeconfig).core
    lines = []
    for model in lacking:
        selector = model.pods or f"{MODEL_SERVERS},app.kubernetes.io/instance={model.service}"
        pods = core.list_namespaced_pod(model.namespace, label_selector=selector).items
        for pod in (pod for pod in pods if not is_ready(pod)):
            said = [
                f"{c.reason}: {c.message}" for c in pod.status.conditions or [] if c.status == "False" and c.message
            ]
            statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
            waiting = [s.state.waiting for s in statuses if s.state and s.state.waiting]
            # Where an init container waits, the others only wait for it.
            waiting = [state for state in waiting if state.reason != "PodInitializing"] or waiting
            said = [f"{state.reason}: {state.message or ''}" for state in waiting] or said
            lines.append(f"{pod.metadata.name} is {pod.status.phase}: {'; '.join(said) or 'it is starting'}")
    return lines


def services(paths: Paths) -> list[dict[str, Any]]:
    """Services that can be reached from this machine: namespace, name, port, url."""
    if not paths.services_file.exists():
        return []
    listed: list[dict[str, Any]] = json.loads(paths.services_file.read_text())
    return listed


def service_url(paths: Paths, model: RunningModel, timeout_seconds: float = 20.0) -> str:
    """Where a model's API is on this machine, without `/v1`; the router needs a moment after the pods are Ready."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        for service in services(paths):
            if (service["namespace"], service["name"]) == (model.namespace, model.service):
                return str(service["url"]).rstrip("/") + model.path
        if time.monotonic() > deadline:
            raise PlatformError(
                f"no address for Service {model.namespace}/{model.service} in {paths.services_file}; "
                f"why: make logs NAME=engine"
            )
        time.sleep(0.2)


def ask(url: str, question: str = QUESTION) -> CompletionAnswer:
    """A chat completion, whole, and then as a stream; raises PlatformError with what came back instead."""
    try:
        served = _call(f"{url}/v1/models")["data"][0]["id"]
        body = {"model": served, "messages": [{"role": "user", "content": question}], "max_tokens": 64}
        answer = _call(f"{url}/v1/chat/completions", body)
        _check_stream(f"{url}/v1/chat/completions", body)
        return CompletionAnswer(url, served, answer["choices"][0]["message"]["content"])
    except (OSError, LookupError, ValueError) as error:
        raise PlatformError(f"no completion from {url}: {error}; why: make logs NAME=engine") from error


def _check_stream(url: str, body: Mapping[str, Any]) -> None:
    """The same question as a stream: raises ValueError where it does not come whole."""
    reasons, pieces, ended = [], 0, False
    with _open(url, {**body, "stream": True}) as answer:
        for line in answer:
            if line.startswith(b"data: [DONE]"):
                ended = True
            elif line.startswith(b"data: "):
                for choice in json.loads(line[6:])["choices"]:
                    pieces += bool(choice["delta"].get("content"))
                    reasons += [choice["finish_reason"]] if choice.get("finish_reason") else []
    if not ended or not pieces or reasons not in (["stop"], ["length"]):
        raise ValueError(f"the stream had {pieces} pieces, finish_reason {reasons}, {'an' if ended else 'no'} end")


def _call(url: str, body: Mapping[str, Any] | None = None) -> Any:
    with _open(url, body) as answer:
        return json.load(answer)


def _open(url: str, body: Mapping[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=120)
