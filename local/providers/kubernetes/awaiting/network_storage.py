"""When a Service, an Ingress or a PersistentVolumeClaim is ready (texts as measured on the real provider)."""

from __future__ import annotations

from typing import Final

from local.providers.kubernetes.awaiting.verdict import Json, Line, Surroundings, Verdict

SETTLE_SECONDS: Final = 10.0  # the real provider gives endpoints this long to settle, whatever they look like
_NO_TARGETS: Final = (
    "Service does not target any Pods. Selected Pods may not be ready, or "
    "field '.spec.selector' may not match labels on any Pods"
)
_NO_ADDRESS: Final = "Service was not allocated an IP address; does your cloud provider support this?"
_NO_ENDPOINT: Final = "Ingress has at least one rule with an unavailable target endpoint."
_NO_INGRESS_ADDRESS: Final = "Ingress .status.loadBalancer field was not updated with a hostname/IP address."


def decide_service(live: Json, around: Surroundings) -> Verdict:
    """A ClusterIP Service is done after 10 s, a LoadBalancer when it has an address and ready pods."""
    spec = live.get("spec") or {}
    kind = spec.get("type", "ClusterIP")
    is_direct = spec.get("clusterIP") == "None" or kind == "ExternalName" or not spec.get("selector")
    if is_direct and kind != "LoadBalancer":
        return Verdict(is_done=True)
    problems = []
    if kind == "LoadBalancer":
        if not _has_ready_address(around.endpoints):
            problems.append(_NO_TARGETS)
        if not _load_balancer_address(live):
            problems.append(_NO_ADDRESS)
    if around.seconds >= SETTLE_SECONDS and not problems:
        return Verdict(is_done=True, lines=(("info", "Service initialization complete"),))
    lines: list[Line] = [("info", "[1/3] Finding Pods to direct traffic to")]
    if kind == "LoadBalancer" and _NO_TARGETS not in problems:
        lines = [("info", "[2/3] Attempting to allocate IP address to Service")]
    return Verdict(lines=tuple(lines), problems=tuple(problems))


def _has_ready_address(endpoint_slices: tuple[Json, ...]) -> bool:
    return any(
        (endpoint.get("conditions") or {}).get("ready", True)
        for one in endpoint_slices
        for endpoint in one.get("endpoints") or []
    )


def _load_balancer_address(live: Json) -> bool:
    return bool(((live.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def decide_ingress(live: Json, around: Surroundings) -> Verdict:
    """Done when every path has its Service and an address is given."""
    known = {service["metadata"]["name"] for service in around.services}
    missing = [(path, name) for path, name in _targets(live) if name not in known]
    has_address = _load_balancer_address(live)
    if not missing and has_address:
        return Verdict(is_done=True, lines=(("info", "Ingress initialization complete"),))
    problems = ([_NO_ENDPOINT] if missing else []) + ([] if has_address else [_NO_INGRESS_ADDRESS])
    lines: list[Line] = [("info", "[1/3] Finding a matching service for each Ingress path")]
    if around.seconds >= SETTLE_SECONDS:
        lines = [
            ("warning", f'No matching service found for ingress rule: "{path}" -> "{name}"') for path, name in missing
        ]
        if not has_address:
            lines.append(("info", "[2/3] Waiting for update of .status.loadBalancer with hostname/IP"))
    return Verdict(lines=tuple(lines), problems=tuple(problems))


def _targets(live: Json) -> list[tuple[str, str]]:
    """(path, Service name) of every rule that leads to a Service."""
    found = []
    for rule in (live.get("spec") or {}).get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            name = ((path.get("backend") or {}).get("service") or {}).get("name")
            if name:
                found.append((f"{rule.get('host', '')}{path.get('path', '/')}", name))
    return found


def decide_claim(live: Json, around: Surroundings) -> Verdict:
    """Done when bound, or at once where binding waits for the first pod."""
    mode = (around.storage_class or {}).get("volumeBindingMode")
    phase = (live.get("status") or {}).get("phase")
    return Verdict(is_done=phase == "Bound" or mode == "WaitForFirstConsumer")
