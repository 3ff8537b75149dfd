"""How the gateway's two programs are started: its control plane, and Envoy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.host.probes import http_ready
from local.host.processes import ProcessSpec
from local.monitoring import rewrites
from local.monitoring.container_environment import container_environment
from local.monitoring.mounts import Files
from local.monitoring.place import HOST, Place, Wanted, rooted
from local.monitoring.programs import Program, program_of

Object = Mapping[str, Any]

# Port of an Envoy listener -> name of the local one (internal/gatewayapi/listener.go: 10,000 above 443; readiness).
ENVOY_LISTENERS = {10443: "envoy-https", 19003: "envoy-ready"}


def envoy_gateway(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """Its configuration and certificates are its pod's; what it tells Envoy is led to this machine as it is built."""
    known = program_of(pod)
    assert known is not None
    config, folder = files.get("/config/envoy-gateway.yaml"), place.folder(program.name)
    if config is None:
        raise LookupError("/config/envoy-gateway.yaml is in none of the pod's volumes")
    listeners = ",".join(f"{port}={place.ports[name]}" for port, name in ENVOY_LISTENERS.items())
    health = f"{HOST}:{place.ports['envoy-gateway-health']}"
    environment = {
        **container_environment(pod, known[1]),
        "KUBECONFIG": str(place.paths.kubeconfig),
        "LOCAL_ROOT": str(folder / "root"),
        "LOCAL_XDS_ADDRESS": f"{HOST}:{place.ports['envoy-gateway-xds']}",
        "LOCAL_HEALTH_ADDRESS": health,
        "LOCAL_LISTENERS": listeners,
        "LOCAL_ENGINE_ADMIN": str(place.paths.run / "engine" / "admin.json"),
    }
    own = folder / "envoy-gateway.yaml"
    text = rewrites.envoy_gateway_config(config.decode(), place.ports["envoy-gateway-admin"])
    written = {own: text.encode(), **rooted(place, program, files)}
    command = (place.binary(program.name), "server", "--config-path", str(own))
    spec = ProcessSpec(
        program.name, command, http_ready(f"http://{health}/readyz"), environment=environment, content=(own,)
    )
    return Wanted(spec, written, folder / "root")


def envoy(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """The proxy with its container's arguments: a flag and its value are two of them, its bootstrap is one of those."""
    known = program_of(pod)
    assert known is not None
    root = place.folder(program.name) / "root"
    variables = container_environment(pod, known[1])
    envoy_arguments = [rewrites.with_variables(arg, variables) for arg in known[1].get("args") or []]
    at = envoy_arguments.index("--config-yaml") + 1 if "--config-yaml" in envoy_arguments else len(envoy_arguments)
    if at >= len(envoy_arguments):
        raise LookupError("the container has no --config-yaml")
    envoy_arguments[at] = rewrites.envoy_bootstrap(envoy_arguments[at], place.ports, root)
    # Hot restart shares memory with every other Envoy of this machine.
    command = (place.binary(program.name), *envoy_arguments, "--disable-hot-restart")
    written = {
        path: rewrites.in_root(content.decode(), ("/certs",), root).encode()
        for path, content in rooted(place, program, files).items()
    }
    ready = http_ready(f"http://{HOST}:{place.ports['envoy-admin']}/server_info")
    return Wanted(ProcessSpec(program.name, command, ready, environment=variables), written, root)
