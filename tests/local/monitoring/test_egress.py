"""The API server's way into the cluster: a CONNECT proxy that leads Services to the programs behind them."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from local.control_plane.certificates import Pki, ensure_pki
from local.monitoring import egress
from local.monitoring.egress import serve_connect
from local.monitoring.view import ClusterView
from tests.local.monitoring.objects import pod
from tests.local.monitoring.test_view import LABELS, service


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki"))


def client_context(pki: Pki, certificate: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    if certificate:
        context.load_cert_chain(pki.certificate(certificate), pki.key(certificate))
    return context


async def asked(pki: Pki, target: str, certificate: str | None = "front-proxy") -> tuple[bytes, bytes]:
    """Status line of CONNECT `target`, and what comes back through the tunnel for `ping`."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"echo " + await reader.read(100))
        await writer.drain()
        writer.close()

    program = await asyncio.start_server(echo, "127.0.0.1", 0)
    view = ClusterView({"prometheus": program.sockets[0].getsockname()[1]})
    view.on_service("ADDED", service())
    view.on_pod("ADDED", pod("prometheus-0", labels=LABELS, ports=[{"name": "web", "containerPort": 9090}]))
    proxy = await serve_connect(view, pki, "127.0.0.1", 0, lambda text: None)
    try:
        port = proxy.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(pki, certificate))
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = b""
        if b" 200 " in head:
            writer.write(b"ping")
            body = await reader.read(100)
        writer.close()
        return head, body
    finally:
        proxy.close()
        program.close()


def test_a_services_address_leads_to_the_program_behind_it(pki: Pki) -> None:
    head, body = asyncio.run(asked(pki, "10.100.0.7:9090"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"echo ping"


@pytest.mark.parametrize("target", ["10.100.0.8:9090", "10.100.0.7:80", "127.0.0.1:22"])
def test_anything_else_is_refused_with_the_reason(pki: Pki, target: str) -> None:
    """Nothing of this machine can be reached through it."""
    head, _ = asyncio.run(asked(pki, target))
    assert head.startswith(b"HTTP/1.1 502 ")


def test_only_the_api_server_may_connect(pki: Pki) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        asyncio.run(asked(pki, "10.100.0.7:9090", certificate=None))


def test_a_program_that_is_still_starting_is_waited_for() -> None:
    """In a cluster a pod is Ready when it listens; here its program starts when the pod is Ready."""

    async def late() -> bytes:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"late")
            writer.close()

        held = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = held.sockets[0].getsockname()[1]
        held.close()
        await held.wait_closed()
        opening = asyncio.create_task(egress.open_program("127.0.0.1", port))
        await asyncio.sleep(0.3)
        assert not opening.done()
        started = await asyncio.start_server(answer, "127.0.0.1", port)
        reader, writer = await opening
        said = await reader.read(10)
        writer.close()
        started.close()
        return said

    assert asyncio.run(late()) == b"late"
