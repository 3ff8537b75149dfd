"""A client of the one address, and the Secrets that its owner makes by hand: of certificates, and of keys."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import Any, Self

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.e2e.authorities import Authority

HOST = "llm.example.com"
CERTIFICATE = {"kind": "secret", "name": "own-tls"}
"""Of the gateway's settings: what `with_certificate` makes."""


def put_secret(core: Any, namespace: str, name: str, data: dict[str, bytes], kind: str = "Opaque") -> None:
    """Makes it, or leaves the one that is there."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    body = client.V1Secret(metadata=client.V1ObjectMeta(name=name), type=kind, data=encoded)
    try:
        core.create_namespaced_secret(namespace, body)
    except ApiException as error:
        if error.status != 409:
            raise


@dataclass(frozen=True)
class Answer:
    """Status, headers and text of one answer."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Gateway:
    """Where it listens on this machine, and who signed its certificate."""

    port: int
    authority: str

    @classmethod
    def with_certificate(cls, core: Any, port: int) -> Self:
        """Puts the Secret of `CERTIFICATE` into the gateway's namespace, signed by an authority of the test's own."""
        authority = Authority("the gateway's")
        public, private = authority.issue(HOST)
        secret = {"tls.crt": public, "tls.key": private}
        put_secret(core, "gateway", CERTIFICATE["name"], secret, "kubernetes.io/tls")
        return cls(port, authority.pem.decode())

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority)

    def ask(
        self,
        path: str,
        key: str | None = None,
        body: Any = None,
        model: str | None = None,
        raw: bytes | None = None,
        more_headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request over a connection of its own, with the host's name in TLS and in HTTP."""
        headers = {"Host": HOST, "Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {key}"} if key is not None else {}
        headers |= {"x-model": model} if model is not None else {}
        headers |= more_headers or {}
        payload = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        connection = _Named("127.0.0.1", self.port, context=self.tls, timeout=60)
        try:
            connection.request("POST" if payload is not None else "GET", path, payload, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()

    def chat(
        self,
        model: str,
        key: str | None,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """A short question to a model that its body names."""
        question = [{"role": "user", "content": 'say {"model": "none"}'}]
        body = {"messages": question, "max_tokens": 8, **more, "model": model}
        return self.ask(path, key, body, more_headers=headers)


class _Named(HTTPSConnection):
    """Connects to an address and says another name."""

    def connect(self) -> None:
        import socket

        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=HOST)  # type: ignore[attr-defined]


def plain_http(port: int) -> int | None:
    """Status of a request without TLS; None where the connection is closed without a word."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
