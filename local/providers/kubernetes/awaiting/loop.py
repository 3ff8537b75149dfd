"""The loop that asks the server until a decision says done, failed, or time is up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.providers.kubernetes.awaiting.custom import ANNOTATION as WAIT_FOR
from local.providers.kubernetes.awaiting.custom import custom_awaiter
from local.providers.kubernetes.awaiting.network_storage import decide_claim, decide_ingress, decide_service
from local.providers.kubernetes.awaiting.verdict import (
    POD_ERRORS_AFTER_SECONDS,
    Awaiter,
    Line,
    Need,
    Surroundings,
    Verdict,
    name_of,
)
from local.providers.kubernetes.awaiting.workloads import (
    decide_daemon_set,
    decide_deployment,
    decide_job,
    decide_pod,
    decide_stateful_set,
)
from local.providers.kubernetes.cluster import ApiError, Cluster, Json, Unreachable
from local.providers.kubernetes.replacing import group_of

SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
# The real provider's, 10 minutes; shorter only where a test of the limit itself asks for it.
DELETE_LIMIT_SECONDS: Final = float(os.environ.get("VLLM_ON_EKS_DELETE_LIMIT_SECONDS", "600"))
_TEN_MINUTES: Final = 600.0
_FIVE_MINUTES: Final = 300.0
_POLL_DELETE_SECONDS: Final = (0.1, 0.2, 0.3, 0.5, 1.0)

_AWAITERS: Final[dict[tuple[str, str], Awaiter]] = {
    ("apps", "Deployment"): Awaiter(decide_deployment, _TEN_MINUTES, ("pods",)),
    ("apps", "StatefulSet"): Awaiter(decide_stateful_set, _TEN_MINUTES, ("pods",)),
    ("apps", "DaemonSet"): Awaiter(decide_daemon_set, _TEN_MINUTES, ("pods",)),
    ("batch", "Job"): Awaiter(decide_job, None, ("pods",)),
    ("", "Pod"): Awaiter(decide_pod, None),
    ("", "Service"): Awaiter(decide_service, _TEN_MINUTES, ("endpoints",)),
    ("networking.k8s.io", "Ingress"): Awaiter(decide_ingress, _TEN_MINUTES, ("services",)),
    ("", "PersistentVolumeClaim"): Awaiter(
        decide_claim,
        _FIVE_MINUTES,
        ("storage_class",),
        is_limit_fixed=True,
        timeout_text="Timeout occurred polling for '{name}'",
        # It polls with doubling pauses, so a claim bound after 5 s is seen at about 7 s.
        polls_seconds=(1.0, 2.0, 4.0, 6.0, 8.0, 10.0),
    ),
}


class AwaitFailed(Exception):
    """The object is there and did not become ready: `reasons` in order, `live` as it was last seen."""

    def __init__(self, reasons: tuple[str, ...], live: Json) -> None:
        super().__init__("; ".join(reasons))
        self.reasons, self.live = reasons, live


def awaiter_for(inputs: Mapping[str, Any]) -> Awaiter | None:
    """How the object is waited for; None = not at all. Raises ProviderError for a wrong waitFor annotation."""
    annotation = annotation_of(inputs, WAIT_FOR)
    if annotation:
        return custom_awaiter(annotation)
    return _AWAITERS.get((group_of(str(inputs.get("apiVersion", ""))), str(inputs.get("kind", ""))))


def annotation_of(obj: Mapping[str, Any], key: str) -> str:
    """The text of an annotation, empty when it is not there."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(key, "")) if isinstance(annotations, Mapping) else ""


def limit_seconds(inputs: Mapping[str, Any], custom_timeout_seconds: float, default: float | None) -> float | None:
    """customTimeouts first, then the annotation, then the kind's default."""
    if custom_timeout_seconds > 0:
        return custom_timeout_seconds
    annotation = annotation_of(inputs, TIMEOUT_SECONDS)
    return float(annotation) if annotation.replace(".", "", 1).isdigit() else default


class Waiter:
    """Waits for objects of one cluster; `show` puts a status line on the resource, `cancelled` ends every wait."""

    def __init__(self, cluster: Cluster, cancelled: threading.Event) -> None:
        self._cluster, self._cancelled = cluster, cancelled

    def until_ready(
        self,
        live: Json,
        inputs: Mapping[str, Any],
        show: Callable[[Line], None],
        *,
        is_update: bool,
        timeout_seconds: float,
    ) -> Json:
        """The object as it is when ready. Raises AwaitFailed when it fails or time is up."""
        if annotation_of(inputs, SKIP_AWAIT).lower() == "true":
            show(("info", "Skipping await logic"))
            return live
        awaiter = awaiter_for(inputs)
        if awaiter is None:
            return live
        given = awaiter.limit_seconds if awaiter.is_limit_fixed else None
        limit = given or limit_seconds(inputs, timeout_seconds, awaiter.limit_seconds)
        return self._poll(live, awaiter, limit, show, is_update)

    def _poll(
        self, live: Json, awaiter: Awaiter, limit: float | None, show: Callable[[Line], None], is_update: bool
    ) -> Json:
        begun, polls, shown = time.monotonic(), 0, set[Line]()
        while True:
            seconds = time.monotonic() - begun
            is_over = limit is not None and seconds >= limit
            verdict = awaiter.decide(live, self._around(live, awaiter.needs, seconds, is_update))
            for line in verdict.lines:
                if line not in shown:
                    show(line)
            shown = set(verdict.lines)
            if verdict.is_done:
                return live
            if verdict.failure:
                raise AwaitFailed(verdict.failure, live)
            if is_over:
                raise AwaitFailed((awaiter.timeout_text.format(name=name_of(live)), *verdict.problems), live)
            pause = awaiter.polls_seconds[min(polls, len(awaiter.polls_seconds) - 1)]
            pause = pause if limit is None else max(0.0, min(pause, limit - seconds))
            polls += 1
            if self._cancelled.wait(pause):
                head = f"Resource operation was cancelled for '{name_of(live)}'"
                raise AwaitFailed((head, *verdict.problems), live)
            live = self._newest(live)

    def _newest(self, live: Json) -> Json:
        try:
            return self._cluster.get(live)
        except ApiError as error:
            if error.is_not_found:
                raise AwaitFailed((f"'{name_of(live)}' was deleted while it was waited for",), live) from None
            return live
        except Unreachable:  # a server that restarts is no reason to give up a wait
            return live

    def verdict_now(self, live: Json, inputs: Mapping[str, Any]) -> Verdict:
        """The decision about an object at this moment, without waiting (for a refresh)."""
        awaiter = awaiter_for(inputs)
        if awaiter is None or annotation_of(inputs, SKIP_AWAIT).lower() == "true":
            return Verdict(is_done=True)
        return awaiter.decide(live, self._around(live, awaiter.needs, POD_ERRORS_AFTER_SECONDS, False))

    def _around(self, live: Json, needs: tuple[Need, ...], seconds: float, is_update: bool) -> Surroundings:
        namespace = live["metadata"].get("namespace", "default")
        found: dict[str, Any] = {}
        if "pods" in needs and seconds >= POD_ERRORS_AFTER_SECONDS:
            found["pods"] = self._list("v1", "Pod", namespace, _selector(live))
        if "endpoints" in needs and (live.get("spec") or {}).get("type") == "LoadBalancer":
            label = f"kubernetes.io/service-name={name_of(live)}"
            found["endpoints"] = self._list("discovery.k8s.io/v1", "EndpointSlice", namespace, label)
        if "services" in needs:
            found["services"] = self._list("v1", "Service", namespace, "")
        if "storage_class" in needs:
            found["storage_class"] = self._storage_class(live)
        return Surroundings(seconds=seconds, is_update=is_update, **found)

    def _list(self, api_version: str, kind: str, namespace: str, selector: str) -> tuple[Json, ...]:
        try:
            return tuple(self._cluster.list(api_version, kind, namespace, selector))
        except (ApiError, Unreachable):  # only explains a wait; must not end it
            return ()

    def _storage_class(self, claim: Json) -> Json | None:
        name = (claim.get("spec") or {}).get("storageClassName")
        if not name:
            return None
        wanted = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
        return self._cluster.find(wanted)

    def until_gone(self, live: Json, limit: float, show: Callable[[Line], None]) -> None:
        """Waits until the object (this one, by uid) is not there any more. Raises AwaitFailed at the limit."""
        begun, polls = time.monotonic(), 0
        uid = live["metadata"].get("uid")
        show(("info", "Resource scheduled for deletion"))
        while True:
            now = self._cluster.find(live)
            if now is None or (uid and now["metadata"].get("uid") != uid):
                return
            if time.monotonic() - begun >= limit:
                finalizers = " ".join(now["metadata"].get("finalizers") or [])
                if finalizers or now["kind"] == "Namespace":
                    show(("warning", f"finalizers might be preventing deletion ({finalizers})"))
                raise AwaitFailed(("timed out waiting for the condition",), now)
            if self._cancelled.wait(_POLL_DELETE_SECONDS[min(polls, len(_POLL_DELETE_SECONDS) - 1)]):
                raise AwaitFailed((f"Resource operation was cancelled for '{name_of(live)}'",), now)
            polls += 1


def _selector(live: Json) -> str:
    labels = ((live.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in labels.items())
