"""The real Envoy Gateway and Envoy with objects out of a file, without a cluster: what the stack renders, and a server.

Envoy Gateway's own standalone mode (provider `Custom`, resources from files, Envoy as a process of this machine).
What differs from a cluster: routes may come from every namespace (files bring namespaces without labels), and lead to
an address of this machine (a `Backend`) where a model's Service is (files bring none).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from components.cluster.gateway import manifests
from components.cluster.gateway.by_model import by_model
from components.cluster.gateway.routes import route
from components.manifest import Manifest
from local.host.paths import platform_paths
from local.vllm_cpu.server import free_port
from planning.model import GatewayPlan, ServedModel
from planning.versions.pins import PROXY_IMAGE

XDS_PORT = 18000  # internal/xds/bootstrap, DefaultXdsServerPort
_VERSION = PROXY_IMAGE.rpartition("-v")[2]


class Answering(ThreadingHTTPServer):
    """A server of OpenAI's paths that says which model was asked for; `asked`: how many requests came through."""

    daemon_threads = True

    @property
    def handler(self) -> type[BaseHTTPRequestHandler]:
        return Answers

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.handler)
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(BaseHTTPRequestHandler):
    """Answers one request after it has said that it came."""

    server: Answering

    def do_POST(self) -> None:
        self.server.asked += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = [{"model": body["model"], "choices": [{"delta": {"content": word}}]} for word in ("a", "b", "c")]
        text = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + "data: [DONE]\n\n"
        seen = {name: self.headers.get_all(name) for name in (manifests.CLIENT_HEADER, "Authorization")}
        whole = {"model": body["model"], "seen": seen}
        content = (text if body.get("stream") else json.dumps(whole)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class StandaloneGateway:
    """Both programs, with what `serve` was last given. `port`: of the HTTPS listener on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.server = folder, Answering()
        self.port, ready, xds, admin = (free_port() for _ in range(4))
        self._objects = folder / "objects"
        self._objects.mkdir()
        data = folder / "data" / "envoy-versions" / _VERSION / "bin"
        data.mkdir(parents=True)
        tools = platform_paths().tools_bin
        # Its place in the files of the library that starts Envoy, which else downloads one; and two gateways of one
        # machine do not share the port of the control plane, nor the memory of hot restart.
        wrapper = data / "envoy"
        replaced = f'for a; do b+=("${{a//port_value: {XDS_PORT}/port_value: {xds}}}"); done'
        wrapper.write_text(f'#!/bin/bash\nb=()\n{replaced}\nexec {tools / "envoy"} "${{b[@]}}" --disable-hot-restart\n')
        wrapper.chmod(0o755)
        self._config = folder / "envoy-gateway.yaml"
        self._config.write_text(yaml.safe_dump(self._settings(admin)))
        self._environment = {
            **os.environ,
            "LOCAL_XDS_ADDRESS": f"127.0.0.1:{xds}",
            "LOCAL_LISTENERS": f"443={self.port},10443={self.port},19003={ready}",
        }
        self._log = folder / "envoy-gateway.log"
        self._process: subprocess.Popen[bytes] | None = None
        # Its probes would listen on all interfaces (internal/provider/file/file.go, 8081); it runs without them, too.
        self._taken = socket.socket()
        with contextlib.suppress(OSError):
            self._taken.bind(("0.0.0.0", 8081))

    def serve(self, plan: GatewayPlan, models: Iterable[ServedModel], beside: Iterable[Manifest]) -> None:
        """The objects of this plan in the place of what was there; `beside`: what their owner makes by hand."""
        port = self.server.server_address[1]
        names = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in _namespaces(plan)]
        objects = [*names, manifests.gateway_class(), _any_namespace(manifests.gateway(plan)), *beside]
        objects += [
            manifests.client_policy(plan),
            manifests.backend_policy(plan),
            _on_this_machine(manifests.proxy(plan)),
        ]
        objects += [*manifests.key_server(plan).values(), *by_model(plan).values()]
        if plan.authentication.kind in ("apiKeys", "jwt"):
            objects.append(manifests.security_policy(plan))
        for model in models:
            objects += [_to_backends(route(model, plan)), _backend(model, int(port))]
        (self._objects / "all.yaml").write_text(yaml.safe_dump_all(objects))
        if self._process is None:
            program = str(platform_paths().tools_bin / "envoy-gateway")
            certificates = [program, "certgen", "--local", "--config-home", str(self._folder / "config")]
            subprocess.run(certificates, env=self._environment, check=True, capture_output=True)
            command = [program, "server", "--config-path", str(self._config)]
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )

    @property
    def log(self) -> str:
        """The end of what both said."""
        return self._log.read_text(errors="replace")[-6000:]

    def close(self) -> None:
        """Ends both; the group is this one's alone."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._taken.close()
        self.server.shutdown()
        self.server.server_close()

    def _settings(self, admin: int) -> Mapping[str, Any]:
        places = {f"{name}Home": str(self._folder / name) for name in ("config", "data", "state")}
        custom = {
            "resource": {"type": "File", "file": {"paths": [str(self._objects)]}},
            "infrastructure": {"type": "Host", "host": {**places, "runtimeDir": str(self._folder / "run")}},
        }
        return {
            "apiVersion": manifests.ENVOY,
            "kind": "EnvoyGateway",
            "gateway": {"controllerName": manifests.CONTROLLER},
            "provider": {"type": "Custom", "custom": custom},
            "admin": {"address": {"host": "127.0.0.1", "port": admin}},
            "telemetry": {"metrics": {"prometheus": {"disable": True}}},
            "extensionApis": {"enableLua": True, "enableBackend": True},
        }


def _namespaces(plan: GatewayPlan) -> list[str]:
    return sorted({plan.namespace, *plan.model_namespaces})


def _any_namespace(gateway: Manifest) -> Manifest:
    (listener,) = gateway["spec"]["listeners"]
    listener["allowedRoutes"] = {"namespaces": {"from": "All"}}
    return gateway


def _on_this_machine(proxy: Manifest) -> Manifest:
    proxy["spec"]["provider"] = {"type": "Host", "host": {"envoyVersion": _VERSION}}
    return proxy


def _to_backends(made: Manifest) -> Manifest:
    for rule in made["spec"]["rules"]:
        for reference in rule["backendRefs"]:
            reference |= {"group": "gateway.envoyproxy.io", "kind": "Backend"}
    return made


def _backend(model: ServedModel, port: int) -> Manifest:
    endpoint = {"ip": {"address": "127.0.0.1", "port": port}}
    return manifests.gateway_object(manifests.ENVOY, "Backend", model.name, model.namespace, {"endpoints": [endpoint]})
