"""What KubeAI's controller does: pods for each Model of its namespace (internal/modelcontroller, pod_plan.go).

Pods that are being deleted count as pods, as they do there: while an old one drains, a new one is made and taken away
again until it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from local.engine.operators.kubeai.patches import PatchError
from local.engine.operators.kubeai.pod import (
    HASH_LABEL,
    MODEL_LABEL,
    ModelError,
    System,
    file_key,
    files_name,
    server_pod,
)

Object = dict[str, Any]
MODELS = "/apis/kubeai.org/v1/namespaces/{namespace}/models"
FEATURES = "features.kubeai.org"
# After pods were made or taken it waits for its caches; ours are told by a watch, and only have to be behind it.
SETTLE_SECONDS = 3.0


class Writes(Protocol):
    """What it needs of the API server."""

    async def get(self, path: str) -> Object | None: ...

    async def create(self, path: str, body: Object) -> None: ...

    async def merge(self, path: str, patch: Object) -> bool: ...

    async def delete(self, path: str) -> None: ...


def is_ready(pod: Object) -> bool:
    """k8sutils.PodIsReady: the condition alone."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def pod_plan(pods: Iterable[Object], wanted_hash: str, replicas: int, surge: int) -> tuple[int, list[Object]]:
    """How many pods to make, and which to take (calculatePodPlan)."""
    ordered = sorted(pods, key=lambda pod: _deletion_order(pod, wanted_hash))
    outdated = [pod for pod in ordered if pod["metadata"]["labels"].get(HASH_LABEL) != wanted_hash]
    ready = sum(is_ready(pod) for pod in ordered)
    desired = replicas + (surge if outdated else 0)
    create, take = max(0, desired - len(ordered)), ordered[: max(0, len(ordered) - desired)]
    again = 0
    for pod in outdated:
        if is_ready(pod) and ready != desired:
            continue
        take.append(pod)
        if again < len(outdated) - surge:
            again += 1
            create += 1
        if is_ready(pod):
            break
    return create, list({pod["metadata"]["name"]: pod for pod in take}.values())


def _deletion_order(pod: Object, wanted_hash: str) -> tuple[bool, bool, bool, tuple[int, ...]]:
    """Not Ready, not scheduled, of an older hash, younger: those first (sortPodsByDeletionOrder)."""
    metadata = pod["metadata"]
    youth = tuple(-ord(letter) for letter in metadata.get("creationTimestamp") or "")
    is_current = metadata["labels"].get(HASH_LABEL) == wanted_hash
    return is_ready(pod), bool(pod["spec"].get("nodeName")), is_current, youth


class Controller:
    """Models and their pods, kept in step; `changed` is set by whatever the watches tell."""

    def __init__(self, api: Writes, namespace: str, system: System, say: Callable[[str], None]) -> None:
        self.models: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.changed = asyncio.Event()
        self._api, self._namespace, self._system, self._say = api, namespace, system, say
        self._said: dict[str, str] = {}

    def on_model(self, event: str, item: Object) -> None:
        """Takes a watch event of Models."""
        self._take(self.models, event, item, item["metadata"]["name"])

    def on_pod(self, event: str, item: Object) -> None:
        """Takes a watch event of the namespace's pods; those of no Model are passed over."""
        if MODEL_LABEL in (item["metadata"].get("labels") or {}):
            self._take(self.pods, event, item, item["metadata"]["uid"])

    def _take(self, kept: dict[str, Object], event: str, item: Object, key: str) -> None:
        if event == "DELETED":
            kept.pop(key, None)
        else:
            kept[key] = item
        self.changed.set()

    def pods_of(self, name: str) -> list[Object]:
        """All of a Model, those that leave too."""
        return [pod for pod in self.pods.values() if pod["metadata"]["labels"][MODEL_LABEL] == name]

    def path_of(self, name: str) -> str:
        return f"{MODELS.format(namespace=self._namespace)}/{name}"

    async def scale(self, name: str, replicas: int) -> None:
        """Writes the scale, as its autoscaler and its proxy do."""
        if await self._api.merge(f"{self.path_of(name)}/scale", {"spec": {"replicas": replicas}}):
            self.models[name]["spec"]["replicas"] = replicas
            self._say(f"{name}: scaled to {replicas}")
            self.changed.set()

    async def run(self, settle_seconds: float = SETTLE_SECONDS) -> None:
        """Reconciles all Models whenever something changed, until cancelled."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            acted = [await self.reconcile(name) for name in sorted(self.models)]
            if any(acted):
                await asyncio.sleep(settle_seconds)

    async def reconcile(self, name: str) -> bool:
        """One Model; whether pods were made or taken. What it says against a Model is said once."""
        model = self.models[name]
        if "deletionTimestamp" in model["metadata"]:
            return False
        await self._files(model)
        await self._own_fields(model)
        pods = self.pods_of(name)
        await self._status(model, pods)
        try:
            pod = server_pod(model, self._system)
        except (ModelError, PatchError) as error:
            if self._said.get(name) != str(error):
                self._say(f"{name}: {error}")
                self._said[name] = str(error)
            return False
        wanted = pod["metadata"]["labels"][HASH_LABEL]
        create, take = pod_plan(pods, wanted, int(model["spec"].get("replicas") or 0), self._system.surge)
        where = f"/api/v1/namespaces/{self._namespace}/pods"
        for old in take:
            if "deletionTimestamp" not in old["metadata"]:
                await self._api.delete(f"{where}/{old['metadata']['name']}")
        for _ in range(create):
            await self._api.create(where, self._owned(pod, model))
        if create or take:
            self._say(f"{name}: {create} pods made, {len(take)} taken")
        return bool(create or take)

    def _owned(self, item: Object, model: Object) -> Object:
        owner = {
            "apiVersion": "kubeai.org/v1",
            "kind": "Model",
            "name": model["metadata"]["name"],
            "uid": model["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        return {**item, "metadata": {**item["metadata"], "ownerReferences": [owner]}}

    async def _own_fields(self, model: Object) -> None:
        """Bounds of the replicas, and a label per feature (applyAutoscalingReplicaBounds, applySelfLabels)."""
        spec: Object = model["spec"]
        patch: Object = {}
        replicas, least, most = spec.get("replicas"), int(spec.get("minReplicas", 0)), spec.get("maxReplicas")
        if not spec.get("autoscalingDisabled"):
            if replicas is None or replicas < least:
                patch["spec"] = {"replicas": least}
            elif most is not None and replicas > most:
                patch["spec"] = {"replicas": most}
        wanted = {f"{FEATURES}/{feature}": "true" for feature in spec["features"]}
        if not wanted.items() <= (model["metadata"].get("labels") or {}).items():
            patch["metadata"] = {"labels": wanted}
        if patch and await self._api.merge(self.path_of(model["metadata"]["name"]), patch):
            spec |= patch.get("spec", {})
            model["metadata"].setdefault("labels", {}).update(patch.get("metadata", {}).get("labels", {}))

    async def _status(self, model: Object, pods: list[Object]) -> None:
        counted = {"all": len(pods), "ready": sum(is_ready(pod) for pod in pods)}
        if (model.get("status") or {}).get("replicas") != counted:
            path = f"{self.path_of(model['metadata']['name'])}/status"
            if await self._api.merge(path, {"status": {"replicas": counted}}):
                model.setdefault("status", {})["replicas"] = counted

    async def _files(self, model: Object) -> None:
        """The ConfigMap of its files (files.go)."""
        name, files = files_name(model["metadata"]["name"]), model["spec"].get("files") or []
        folder = f"/api/v1/namespaces/{self._namespace}/configmaps"
        there = await self._api.get(f"{folder}/{name}")
        data = {file_key(file["path"]): file["content"] for file in files}
        if there is None and data:
            metadata = {"name": name, "namespace": self._namespace}
            config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            await self._api.create(folder, self._owned(config_map, model))
        elif there is not None and not data:
            await self._api.delete(f"{folder}/{name}")
        elif there is not None and there.get("data") != data:
            await self._api.merge(f"{folder}/{name}", {"data": data})
