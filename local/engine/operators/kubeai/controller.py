"""What KubeAI's controller does: pods for each Model of its namespace (internal/modelcontroller, pod_plan.go).

Pods that are being deleted count as pods, as they do there: while an old one drains, a new one is made and taken away
again until it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from local.engine.operators.kubeai.patches import PatchError
from local.engine.operators.kubeai.pod import (
    HASH_LABEL,
    MODEL_LABEL,
    ModelError,
    System,
    file_key,
    files_name,
    patched_pod,
    written_pod,
)
from local.engine.operators.kubeai.requests import FEATURE_DOMAIN
from local.engine.operators.needs import ControllerApi

Object = dict[str, Any]
MODELS = "/apis/kubeai.org/v1/namespaces/{namespace}/models"
# client_options.go; files.go says none, so that the client writes the name of its program.
MANAGER, PROGRAM = "kubeai-manager", "manager"
# After pods were made or taken it waits for its caches (model_controller.go), one Model after another.
SETTLE_SECONDS = 3.0
AGAIN_SECONDS = 1.0


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

    def __init__(self, api: ControllerApi, namespace: str, say: Callable[[str], None]) -> None:
        self.models: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.changed = asyncio.Event()
        self.settle_seconds = SETTLE_SECONDS
        self._told = asyncio.Event()
        self._api, self._namespace, self._say = api, namespace, say
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
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self._told.set()
        self._told = asyncio.Event()

    async def told(self) -> None:
        """Waits for the next thing that the watches tell."""
        await self._told.wait()

    def pods_of(self, name: str) -> list[Object]:
        """All of a Model, those that leave too."""
        return [pod for pod in self.pods.values() if pod["metadata"]["labels"][MODEL_LABEL] == name]

    def path_of(self, name: str) -> str:
        return f"{MODELS.format(namespace=self._namespace)}/{name}"

    async def scale(self, name: str, replicas: int) -> None:
        """Writes the scale, as its autoscaler and its proxy do."""
        if await self._api.merge(f"{self.path_of(name)}/scale", {"spec": {"replicas": replicas}}, MANAGER):
            if name in self.models:
                self.models[name]["spec"]["replicas"] = replicas
            self._say(f"{name}: scaled to {replicas}")
            self._tell()

    async def run(self, system: System) -> None:
        """Reconciles all Models whenever something changed, until cancelled."""
        self.changed.set()
        while True:
            await self.changed.wait()
            self.changed.clear()
            for name in sorted(self.models):
                try:
                    acted = await self.reconcile(name, system)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    self._say_once(name, str(error))
                    await asyncio.sleep(AGAIN_SECONDS)
                    self.changed.set()
                    continue
                if acted:
                    await asyncio.sleep(self.settle_seconds)

    def _say_once(self, name: str, said: str) -> None:
        if self._said.get(name) != said:
            self._say(f"{name}: {said}")
            self._said[name] = said

    async def reconcile(self, name: str, system: System) -> bool:
        """One Model; whether pods were made or taken. What it says against a Model is said once."""
        model = self.models.get(name)
        if model is None or "deletionTimestamp" in model["metadata"]:
            return False
        await self._files(model)
        await self._own_fields(model)
        pods = self.pods_of(name)
        try:
            written = written_pod(model, system)
            await self._status(model, pods)
            pod = patched_pod(written, system, name)
        except (ModelError, PatchError) as error:
            self._say_once(name, str(error))
            return False
        current = pod["metadata"]["labels"][HASH_LABEL]
        create, take = pod_plan(pods, current, int(model["spec"].get("replicas") or 0), system.surge)
        where = f"/api/v1/namespaces/{self._namespace}/pods"
        for old in take:
            if "deletionTimestamp" not in old["metadata"]:
                await self._api.delete(f"{where}/{old['metadata']['name']}")
        for _ in range(create):
            await self._api.create(where, self._owned(pod, model), MANAGER)
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
        labels = model["metadata"].setdefault("labels", {})
        features = {f"{FEATURE_DOMAIN}/{feature}": "true" for feature in spec["features"]}
        others = {key: None for key in labels if key.startswith(FEATURE_DOMAIN) and key not in features}
        missing = {key: value for key, value in features.items() if key not in labels}
        if others or missing:
            patch["metadata"] = {"labels": {**others, **missing}}
        if patch and await self._api.merge(self.path_of(model["metadata"]["name"]), patch, MANAGER):
            spec |= patch.get("spec", {})
            model["metadata"]["labels"] = {k: v for k, v in {**labels, **missing}.items() if k not in others}

    async def _status(self, model: Object, pods: list[Object]) -> None:
        counted = {"all": len(pods), "ready": sum(is_ready(pod) for pod in pods)}
        if (model.get("status") or {}).get("replicas") != counted:
            path = f"{self.path_of(model['metadata']['name'])}/status"
            if await self._api.merge(path, {"status": {"replicas": counted}}, PROGRAM):
                model.setdefault("status", {})["replicas"] = counted

    async def _files(self, model: Object) -> None:
        """The ConfigMap of its files (files.go): of a Model without any, too, empty, and away at the next look."""
        name, files = files_name(model["metadata"]["name"]), model["spec"].get("files") or []
        folder = f"/api/v1/namespaces/{self._namespace}/configmaps"
        there = await self._api.get(f"{folder}/{name}")
        data = {file_key(file["path"]): file["content"] for file in files}
        if there is None:
            metadata = {"name": name, "namespace": self._namespace}
            config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            await self._api.create(folder, self._owned(config_map, model), PROGRAM)
        elif not data:
            await self._api.delete(f"{folder}/{name}")
        elif there.get("data") != data:
            gone = dict.fromkeys(there.get("data") or {})
            await self._api.merge(f"{folder}/{name}", {"data": {**gone, **data}}, PROGRAM)
