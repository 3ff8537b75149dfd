"""The real Envoy with the configuration that the stack's proxies behind an Ingress read, without a cluster.

What differs from a cluster: ports of this machine, servers of the test for which every name of a Service
stands, and the file of an authority where a ConfigMap is mounted.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

from components.cluster.entry.envoy import CA_FILE, CA_PATH, KEYS, READY, REQUESTS, bootstrap
from local.host.paths import platform_paths
from local.vllm_cpu.server import free_port
from planning.model import EntryPlan
from tests.e2e.gateway_client import Answer

ADDRESS = "127.0.0.1"


class Names(ThreadingUDPServer):
    """A name server for which every name is this machine. `asked`: the names."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        super().__init__((ADDRESS, 0), _NameAnswer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def as_envoy_reads_it(self) -> dict[str, Any]:
        here = {"socket_address": {"address": ADDRESS, "port_value": self.server_address[1]}}
        kind = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
        return {"name": "envoy.network.dns_resolver.cares", "typed_config": {"@type": kind, "resolvers": [here]}}


class _NameAnswer(BaseRequestHandler):
    server: Names

    def handle(self) -> None:
        """RFC 1035, 4.1: header, the question again, and one A record for who asks for one."""
        question, connection = self.request
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += length + 1
        self.server.asked.add(".".join(labels))
        address = struct.unpack(">H", question[at + 1 : at + 3]) == (1,)
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, int(address), 0, 0)
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(ADDRESS)
        connection.sendto(head + question[12 : at + 5] + (record if address else b""), self.client_address)


class StandaloneEnvoy:
    """One proxy. `port`: where it takes requests; `ready`: where it says whether it does."""

    def __init__(
        self, plan: EntryPlan, servers: Mapping[str, int], folder: Path, authority: bytes | None = None
    ) -> None:
        self.plan, self.port, self.ready, self.names = plan, free_port(), free_port(), Names()
        text = json.dumps(self._on_this_machine(bootstrap(plan), servers))
        if authority is not None:
            (folder / CA_FILE).write_bytes(authority)
            text = text.replace(f"{CA_PATH}/{CA_FILE}", str(folder / CA_FILE))
        config = folder / "envoy.json"
        config.write_text(text)
        self._log = folder / "envoy.log"
        program = platform_paths().tools_bin / "envoy"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-c", config, "--disable-hot-restart", "--log-level", "warning"],
                stderr=log,
                env={**os.environ, "ENVOY_UID": "0"},
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def is_ready(self) -> bool:
        """Whether it answers the probe."""
        assert self._process.poll() is None, self.log
        try:
            connection = HTTPConnection(ADDRESS, self.ready, timeout=5)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def ask(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, host: str | None = None
    ) -> Answer:
        """One request, as an Ingress controller hands it on."""
        payload = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        told = {"Host": host or self.plan.gateway.host, "X-Forwarded-For": "203.0.113.7", **(headers or {})}
        connection = HTTPConnection(ADDRESS, self.port, timeout=60)
        try:
            connection.request("POST" if payload is not None else "GET", path, payload, told)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()

    def chat(self, model: str, path: str = "/v1/chat/completions", token: str | None = None, **more: Any) -> Answer:
        """A short question to a model that its body names."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        body = {"messages": [{"role": "user", "content": 'say {"model": "none"}'}], **more, "model": model}
        return self.ask(path, body, headers)

    def close(self) -> None:
        self.names.shutdown()
        self.names.server_close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)

    def _on_this_machine(self, config: dict[str, Any], servers: Mapping[str, int]) -> dict[str, Any]:
        config = copy.deepcopy(config)
        for listener in config["static_resources"]["listeners"]:
            address = listener["address"]["socket_address"]
            address |= {
                "address": ADDRESS,
                "port_value": {REQUESTS: self.port, READY: self.ready}[address["port_value"]],
            }
        for cluster in config["static_resources"]["clusters"]:
            (endpoints,) = cluster["load_assignment"]["endpoints"]
            (endpoint,) = endpoints["lb_endpoints"]
            if cluster["name"] != KEYS:
                endpoint["endpoint"]["address"]["socket_address"]["port_value"] = servers[cluster["name"]]
                cluster["typed_dns_resolver_config"] = self.names.as_envoy_reads_it
        return config
