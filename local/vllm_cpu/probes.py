"""A container's probes as the kubelet runs them: what is rendered, and what a row of results means.

Source: kubernetes 1.36.2, pkg/kubelet/prober/worker.go, pkg/probe/http/http.go and pkg/probe/exec/exec.go, read on
2026-11-27.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.engine.flags import UsageError
from local.engine.ports import HOST

KINDS = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass(frozen=True)
class Probe:
    """With the API server's defaults: an httpGet at the pod's `port`, or an exec of `command` where there is one."""

    path: str
    port: int
    command: tuple[str, ...]
    initial_delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    failure_threshold: int
    success_threshold: int

    @property
    def budget_seconds(self) -> float:
        """How long a container may take until a start-up probe has it killed."""
        return self.initial_delay_seconds + self.period_seconds * self.failure_threshold


def probe_of(container: Mapping[str, Any], kind: str) -> Probe | None:
    """The container's probe of that kind, if it has one. Raises UsageError for one that is not run here."""
    written = container.get(kind)
    if not written:
        return None
    if not written.keys() & {"httpGet", "exec"}:
        raise UsageError(f"{kind}: only httpGet and exec probes are run here, and this one is {', '.join(written)}", 1)
    asked = written.get("httpGet") or {}
    return Probe(
        path=str(asked.get("path") or "/"),
        port=_port_number(container, asked["port"]) if asked else -1,
        command=tuple((written.get("exec") or {}).get("command") or ()),
        initial_delay_seconds=float(written.get("initialDelaySeconds") or 0),
        period_seconds=float(written.get("periodSeconds") or 10),
        timeout_seconds=float(written.get("timeoutSeconds") or 1),
        failure_threshold=int(written.get("failureThreshold") or 3),
        success_threshold=int(written.get("successThreshold") or 1),
    )


def _port_number(container: Mapping[str, Any], port: int | str) -> int:
    """A port by its number or its name; -1, a closed port, for a name that the container does not have."""
    if isinstance(port, int):
        return port
    named = [
        int(container_port["containerPort"])
        for container_port in container.get("ports") or []
        if container_port.get("name") == port
    ]
    return named[0] if named else -1


@dataclass
class ProbeVerdict:
    """What a probe says: it changes after so many equal results in a row. None: nothing yet."""

    probe: Probe
    passing: bool | None
    last: bool | None = None
    in_a_row: int = 0

    def take(self, passed: bool) -> bool | None:
        """One more result; the verdict after it."""
        self.in_a_row = self.in_a_row + 1 if passed is self.last else 1
        self.last = passed
        if self.in_a_row >= (self.probe.success_threshold if passed else self.probe.failure_threshold):
            self.passing = passed
        return self.passing


async def passes(session: aiohttp.ClientSession, probe: Probe, local_port: int | None) -> bool:
    """One GET; a status from 200 to 399 passes. `local_port`: where the pod's port is on this machine, if anywhere."""
    if local_port is None:
        return False
    limit = aiohttp.ClientTimeout(total=probe.timeout_seconds)
    # The kubelet opens a connection for each probe.
    headers = {"Connection": "close", "User-Agent": "kube-probe/1.36", "Accept": "*/*"}
    try:
        url = f"http://{HOST}:{local_port}{probe.path}"
        async with session.get(url, timeout=limit, headers=headers, allow_redirects=False) as answer:
            return 200 <= answer.status < 400
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
