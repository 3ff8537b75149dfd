"""A plain Envoy that asks an endpoint picker, in the place of a gateway that serves InferencePools.

Envoy Gateway does not (only with Envoy AI Gateway's extension server, planning/facts/inference_gateways.csv), and of
the others none is in a registry here. What it does is what the Inference Extension asks of a data plane (its proposal
004-endpoint-picker-protocol, v1.4.0): headers and body to the picker by ext_proc, the
request to the address that comes back in x-gateway-destination-endpoint. One step more: Lua asks the platform which
port of this machine stands for that address.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.host.ports import is_free
from local.host.probes import http_ready
from tests.e2e.conftest import Platform

DESTINATION = "x-gateway-destination-endpoint"
LUA = """
function envoy_on_request(handle)
  local chosen = handle:headers():get("%(header)s")
  if chosen == nil then
    handle:respond({[":status"] = "503"}, "the picker named no server")
    return
  end
  local _, body = handle:httpCall("platform", {[":method"] = "GET", [":authority"] = "platform",
    [":path"] = "/listening?address=" .. chosen}, "", 5000)
  local port = string.match(body or "", '"port": (%%d+)')
  handle:headers():replace("%(header)s", "127.0.0.1:" .. (port or "1"))
end
""" % {"header": DESTINATION}  # noqa: UP031 - Lua's braces
EXTENSIONS = "type.googleapis.com/envoy.extensions.filters.http"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def _cluster(name: str, port: int, **more: Any) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    load = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "connect_timeout": "2s", "load_assignment": load, **more}


def _picker(port: int) -> dict[str, Any]:
    """gRPC over TLS with a certificate that the picker makes itself."""
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    tls = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}
    return _cluster(
        "picker",
        port,
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": tls},
    )


def _filters() -> list[dict[str, Any]]:
    mode = {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_trailer_mode": "SEND",
    }
    external = {
        "@type": f"{EXTENSIONS}.ext_proc.v3.ExternalProcessor",
        "grpc_service": {"envoy_grpc": {"cluster_name": "picker"}, "timeout": "10s"},
        "message_timeout": "10s",
        "processing_mode": mode,
    }
    lua = {"@type": f"{EXTENSIONS}.lua.v3.Lua", "default_source_code": {"inline_string": LUA}}
    router = {"@type": f"{EXTENSIONS}.router.v3.Router"}
    named = {"ext_proc": external, "lua": lua, "router": router}
    return [{"name": f"envoy.filters.http.{name}", "typed_config": found} for name, found in named.items()]


def bootstrap(model: str, port: int, admin: int, picker: int, platform: int) -> dict[str, Any]:
    """Envoy's configuration: /<model>/v1 to the server that the picker names."""
    route = {
        "match": {"prefix": f"/{model}/v1"},
        "route": {"cluster": "servers", "prefix_rewrite": "/v1", "timeout": "120s"},
    }
    manager = {
        "@type": f"type.googleapis.com/{MANAGER}",
        "stat_prefix": "picker",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": _filters(),
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    here = {"address": "127.0.0.1"}
    servers = {
        "name": "servers",
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "2s",
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": DESTINATION},
    }
    return {
        "admin": {"address": {"socket_address": {**here, "port_value": admin}}},
        "static_resources": {
            "listeners": [
                {"name": "in", "address": {"socket_address": {**here, "port_value": port}}, "filter_chains": [chain]}
            ],
            "clusters": [_picker(picker), servers, _cluster("platform", platform)],
        },
    }


@contextmanager
def envoy_in_front(platform: Platform, model: str, platform_port: int, folder: Path) -> Iterator[str]:
    """The address of /<model>/v1 through a running Envoy."""
    port, admin = (next(number for number in range(first, first + 90) if is_free(number)) for first in (19610, 19710))
    config = bootstrap(model, port, admin, platform.ports["picker-grpc"], platform_port)
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [str(platform.paths.tools_bin / "envoy"), "-c", str(file), "--disable-hot-restart", "-l", "warning"]
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        ready = http_ready(f"http://127.0.0.1:{admin}/ready")
        for _ in range(100):
            if ready() or process.poll() is not None:
                break
            time.sleep(0.2)
        assert ready(), (folder / "envoy.log").read_text()
        yield f"http://127.0.0.1:{port}/{model}"
    finally:
        process.terminate()
        process.wait(10)
