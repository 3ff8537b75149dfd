"""A cluster whose answers a test writes down, and which remembers what it was asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from local.providers.kubernetes.cluster import ApiError, Cluster, Json, KindMissing, ResourceInfo

KINDS = {
    ("v1", "ConfigMap"): ResourceInfo("/api/v1", "configmaps", True),
    ("v1", "Namespace"): ResourceInfo("/api/v1", "namespaces", False),
    ("batch/v1", "Job"): ResourceInfo("/apis/batch/v1", "jobs", True),
    ("apps/v1", "Deployment"): ResourceInfo("/apis/apps/v1", "deployments", True),
}
Answer = Callable[[str, str, Mapping[str, str], Any], Json]


class ScriptedCluster(Cluster):
    """`answer(method, path, query, body)` plays the server; `asked` lists (method, path, query)."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("")
        self._answer = answer
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[Any] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Json:
        self.asked.append((method, path, dict(query or {})))
        self.bodies.append(copy.deepcopy(body))
        return copy.deepcopy(self._answer(method, path, query or {}, body))

    def info(self, api_version: str, kind: str) -> ResourceInfo:
        if (api_version, kind) not in KINDS:
            raise KindMissing()
        return KINDS[api_version, kind]


def not_found(what: str) -> ApiError:
    return ApiError(404, f"{what} not found", "NotFound")


def conflict(text: str) -> ApiError:
    return ApiError(409, text, "Conflict")
