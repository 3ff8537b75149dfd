"""The ways into the cluster by CONNECT: they lead Services to the programs behind them, and nowhere else."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from local.control_plane.certificates import Pki, ensure_pki
from local.monitoring import egress
from local.monitoring.egress import Target, serve_connect, server_context
from local.monitoring.view import ClusterView
from tests.local.monitoring.objects import pod
from tests.local.monitoring.test_view import LABELS, service


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki"))


def named_here(name: str, external: str) -> dict[str, Any]:
    """A Service that is another name."""
    spec = {"type": "ExternalName", "externalName": external}
    return {"metadata": {"namespace": "own", "name": name}, "spec": spec}


def client_context(pki: Pki, certificate: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    if certificate:
        context.load_cert_chain(pki.certificate(certificate), pki.key(certificate))
    return context


async def asked(pki: Pki | None, target: str, certificate: str | None = "front-proxy") -> tuple[bytes, bytes]:
    """Status line of CONNECT `target`, and what comes back through the tunnel for `ping`.

    Without `pki` the plain proxy is asked, which leads names; with it that of the API server, which leads addresses.
    """

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"echo " + await reader.read(100))
        await writer.drain()
        writer.close()

    program = await asyncio.start_server(echo, "127.0.0.1", 0)
    view = ClusterView({"prometheus": program.sockets[0].getsockname()[1]})
    view.on_service("ADDED", service())
    view.on_pod("ADDED", pod("prometheus-0", labels=LABELS, ports=[{"name": "web", "containerPort": 9090}]))
    view.on_service("ADDED", named_here("spans", "localhost"))
    view.on_service("ADDED", named_here("elsewhere", "example.org"))
    target_of: Target = view.by_cluster_address if pki else view.by_name
    proxy = await serve_connect(target_of, server_context(pki) if pki else None, "127.0.0.1", 0, lambda text: None)
    try:
        port = proxy.sockets[0].getsockname()[1]
        tls = client_context(pki, certificate) if pki else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        target = target.replace("PROGRAM", str(program.sockets[0].getsockname()[1]))
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


@pytest.mark.parametrize(
    "target",
    ["prometheus.monitoring.svc:9090", "prometheus.monitoring.svc.cluster.local:9090", "spans.own.svc:PROGRAM"],
)
def test_a_services_name_leads_to_the_program_behind_it_or_to_what_a_test_listens_with(target: str) -> None:
    head, body = asyncio.run(asked(None, target))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"echo ping"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("otlp.example.com:443", b"no name of a Service"),
        ("elsewhere.own.svc:443", b"Service own/elsewhere is example.org, which is not on this machine"),
        ("absent.own.svc:4317", b"there is no Service own/absent"),
        ("127.0.0.1:PROGRAM", b"no name of a Service"),
    ],
)
def test_by_name_nothing_is_sent_to_other_machines(target: str, why: bytes) -> None:
    head, _ = asyncio.run(asked(None, target))
    assert head.startswith(b"HTTP/1.1 502 ")
    assert why in head


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
