"""`python -m local.monitoring.pod_network`: the ways to pods and Services that have no network here.

KWOK's pods have addresses without a listener. Four kinds of callers are led to what stands for them:
- Prometheus: GET /pods/NAMESPACE/POD:PORT/path (rewrites.py makes targets of this form);
- programs that name a Service in a URL, or a pod's address: as their HTTP proxy, http://NAME.NAMESPACE.svc:PORT/path;
- programs that speak gRPC to a Service: as their proxy (CONNECT), NAME.NAMESPACE.svc:PORT;
- the API server's aggregation and webhooks: as its egress proxy (CONNECT over TLS), to a Service's cluster address.
A Service leads to a Ready pod that it selects, or nowhere, as with kube-proxy; one of type ExternalName leads to its
name, which may be localhost only: what a test listens with. What answers for a pod: the real program
(programs.py), the simulated engine (local/engine), or a simulated exporter (exporters.py).
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from local.control_plane.certificates import Pki
from local.engine.kube import KubeApi
from local.engine.ports import read_json
from local.host.paths import Paths, platform_paths
from local.host.ports import PortsFile
from local.monitoring.egress import serve_connect, server_context
from local.monitoring.exporters import Exporters
from local.monitoring.running import say, stop_signal, until
from local.monitoring.view import ClusterView, Unreachable, service_of_host

HOST = "127.0.0.1"
HOP_BY_HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "host"}
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=2)


class PodNetwork:
    """The HTTP part: scrapes and calls by a Service's name."""

    def __init__(self, paths: Paths, view: ClusterView, exporters: Exporters, session: aiohttp.ClientSession) -> None:
        self._paths, self._view, self._exporters, self._session = paths, view, exporters, session

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of either kind; what cannot be reached is 502 with the reason."""
        try:
            if request.raw_path.startswith("http://"):
                return await self._by_name(request)
            if request.path == "/healthz":
                return web.Response(text="ok")
            parts = request.path.split("/", 4)
            if len(parts) == 5 and parts[1] == "pods":
                name, _, port = parts[3].partition(":")
                return await self._of_pod(request, parts[2], name, int(port or 0), f"/{parts[4]}")
        except Unreachable as reason:
            return web.Response(status=502, text=f"{reason}\n")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return web.Response(status=502, text=f"{type(error).__name__}: {error}\n")
        return web.Response(status=404, text="paths: /pods/NAMESPACE/POD:PORT/path\n")

    async def _of_pod(
        self, request: web.BaseRequest, namespace: str, name: str, port: int, path: str
    ) -> web.StreamResponse:
        pod = self._view.pod(namespace, name)
        if pod is None:
            raise Unreachable(f"there is no pod {namespace}/{name}")
        local = self._view.program_port(pod, port)
        if local is not None:
            return await self._forward(request, f"http://{HOST}:{local}{path}")
        if self._view.is_ray(pod):
            return await self._of_ray(request, namespace, name, port, path)
        if self._view.is_engine(pod):
            return await self._of_engine(request, namespace, name, port, path)
        text = await self._exporters.text(pod, port, path)
        if text is None:
            raise Unreachable(f"nothing stands for port {port} of pod {namespace}/{name} here")
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _of_engine(
        self, request: web.BaseRequest, namespace: str, name: str, port: int, path: str
    ) -> web.StreamResponse:
        engine = await self._exporters.engine(namespace, name)
        if engine is None or (engine["port"] is not None and port not in (0, engine["port"])):
            raise Unreachable(f"pod {namespace}/{name}: connection refused on port {port}")
        url = read_json(self._paths.run / "engine" / "admin.json", {}).get("url")
        return await self._forward(request, f"{url}/pods/{namespace}/{name}{path}")

    async def _of_ray(
        self, request: web.BaseRequest, namespace: str, name: str, port: int, path: str
    ) -> web.StreamResponse:
        url = read_json(self._paths.run / "engine" / "admin.json", {}).get("url")
        return await self._forward(request, f"{url}/ports/{namespace}/{name}/{port}{path}")

    async def _by_name(self, request: web.BaseRequest) -> web.StreamResponse:
        host, _, rest = request.raw_path.removeprefix("http://").partition("/")
        name, _, number = host.partition(":")
        if (pod := self._view.pod_at(name)) is not None:
            where, path = pod["metadata"], f"/{rest.partition('?')[0]}"
            return await self._of_pod(request, where["namespace"], where["name"], int(number or 80), path)
        namespace, name, port = service_of_host(host)
        if self._view.is_this_machine(namespace, name):
            return await self._forward(request, f"http://{HOST}:{port}/{rest}")
        target = self._view.service_target(namespace, name, port)
        if target is None and (ray := self._view.ray_target(namespace, name, port)) is not None:
            return await self._of_ray(request, namespace, *ray, f"/{rest.partition('?')[0]}")
        if target is None:  # the engine's router stands for the Services of models
            for entry in read_json(self._paths.services_file, []):
                if (entry["namespace"], entry["name"], entry["service_port"]) == (namespace, name, port):
                    return await self._forward(request, f"{entry['url']}/{rest}")
            raise Unreachable(f"Service {namespace}/{name}:{port} has no Ready pod that anything stands for")
        return await self._forward(request, f"http://{HOST}:{target}/{rest}")

    async def _forward(self, request: web.BaseRequest, url: str) -> web.StreamResponse:
        query = request.raw_path.partition("?")[2]
        if query and "?" not in url:
            url = f"{url}?{query}"
        headers = {key: value for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP}
        body = await request.read()
        async with self._session.request(
            request.method, URL(url, encoded=True), data=body or None, headers=headers, allow_redirects=False
        ) as response:
            kept = {k: v for k, v in response.headers.items() if k.lower() not in {*HOP_BY_HOP, "content-encoding"}}
            return web.Response(status=response.status, body=await response.read(), headers=kept)


async def serve(ready_file: Path) -> None:
    """Runs until SIGTERM."""
    stop = stop_signal()
    paths = platform_paths()
    ports = PortsFile(paths.run / "ports.json")
    view = ClusterView(ports)
    async with KubeApi(paths.kubeconfig) as api, aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session:
        exporters = Exporters(paths, view, api, session)
        network = PodNetwork(paths, view, exporters, session)
        http = web.Server(network.answer, handler_cancellation=True, access_log=None)
        opened = await asyncio.get_running_loop().create_server(http, HOST, ports["pod-network"])
        tls = server_context(Pki(paths.pki))
        connect = await serve_connect(view.by_cluster_address, tls, HOST, ports["pod-network-connect"], say)
        names = await serve_connect(view.by_name, None, HOST, ports["pod-network-names"], say)
        followed = (
            ("/api/v1/pods", view.on_pod),
            ("/api/v1/services", view.on_service),
            ("/api/v1/nodes", view.on_node),
        )
        listed = [asyncio.Event() for _ in followed]
        tasks = [
            asyncio.create_task(api.follow(path, on_event, say, event))
            for (path, on_event), event in zip(followed, listed, strict=True)
        ]
        await until(stop, listed, tasks, ready_file)
        for server in (opened, connect, names):
            server.close()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m local.monitoring.pod_network", description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True, help="written when pods and Services are known")
    asyncio.run(serve(parser.parse_args().ready_file))


if __name__ == "__main__":
    main()
