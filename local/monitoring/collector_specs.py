"""How the OpenTelemetry Collector is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.host.probes import http_ready
from local.host.processes import ProcessSpec
from local.monitoring import rewrites
from local.monitoring.container_environment import container_environment
from local.monitoring.mounts import Files
from local.monitoring.place import HOST, Place, Wanted
from local.monitoring.programs import Program, program_of

Object = Mapping[str, Any]

CONFIG = "/conf/relay.yaml"


def collector(place: Place, program: Program, pod: Object, arguments: list[str], files: Files) -> Wanted:
    """The collector with the release's configuration; the Service that takes its spans is reached by the pod network,
    whichever protocol the stack names."""
    known = program_of(pod)
    assert known is not None
    config, own = files.get(CONFIG), place.folder(program.name) / "relay.yaml"
    if config is None:
        raise LookupError(f"{CONFIG} is in none of the pod's volumes")
    environment = {**container_environment(pod, known[1]), **place.cluster_names, **place.grpc_names}
    health = place.ports["collector-health"]
    text = rewrites.collector_config(config.decode(), place.ports["collector-otlp"], health)
    command = (place.binary(program.name), f"--config={own}", *arguments)
    ready = http_ready(f"http://{HOST}:{health}/")
    spec = ProcessSpec(program.name, command, ready, environment=environment, content=(own,))
    return Wanted(spec, {own: text.encode()})
