"""`python -m local.engine --kubeconfig K --directory D`: the simulated vLLM engines and the Service router.

Writes into D: services.json (addresses of Services), ports.json (so that they stay), admin.json (the admin port),
pods/NAMESPACE/POD.log (one log per engine). Logs to stderr. Ends on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from local.engine.admin import admin_handler
from local.engine.described import StackFiles
from local.engine.fleet import EngineFleet
from local.engine.groups import Groups
from local.engine.kube import KubeApi
from local.engine.operators.doors import proxies
from local.engine.operators.ray.door import Ray
from local.engine.pod_ports import PodPorts
from local.engine.pods import PodView
from local.engine.ports import HOST, PortBook, write_json
from local.engine.router import Router
from local.engine.shapes import planned_shape
from local.vllm_cpu.environment import Environment
from local.vllm_cpu.real_fleet import RealFleet

DEFAULT_PORTS = (18000, 18999)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _say(line: str) -> None:
    print(f"{_stamp()} {line}", file=sys.stderr, flush=True)


def pod_log(directory: Path) -> Callable[[PodView], Callable[[str], None]]:
    """Logs of engines: one file per pod, opened for each line because there may be thousands of pods."""

    def log_of(pod: PodView) -> Callable[[str], None]:
        file = directory / "pods" / pod.namespace / f"{pod.name}.log"

        def log(line: str) -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as out:
                out.write(f"{_stamp()} {line}\n")
            _say(f"{pod.namespace}/{pod.name} {line.splitlines()[0]}")

        return log

    return log_of


def port_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST-LAST within 1024-65535")
    return int(first), int(last)


async def _after(listed: list[asyncio.Event], run: Callable[[], Awaitable[None]]) -> None:
    """Starts once everything is known: a list of addresses written earlier would lack some after a restart."""
    for event in listed:
        await event.wait()
    await run()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _fleet(
    api: KubeApi, directory: Path, speed: float, stacks: Path, environment: Path | None, names_port: int | None
) -> EngineFleet | RealFleet:
    if environment is not None:
        return RealFleet(api, Environment(environment), directory / "processes", pod_log(directory), names_port)
    return EngineFleet(
        api, pod_log(directory), partial(planned_shape, described=StackFiles(stacks).architecture), speed
    )


async def serve(
    kubeconfig: Path,
    directory: Path,
    ports: tuple[int, int],
    speed: float,
    stacks: Path,
    environment: Path | None,
    cold_start_seconds: float,
    names_port: int | None,
) -> None:
    """Runs until a signal. `stacks`: folder of stack files. Raises OSError when no port of the range is free."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with KubeApi(kubeconfig) as api:
        fleet = _fleet(api, directory, speed, stacks, environment, names_port)
        pod_ports = PodPorts(fleet, directory, _say)
        before = proxies(fleet, api, pod_ports, _say) if isinstance(fleet, EngineFleet) else []
        router = Router(fleet, directory, (ports[0] + 1, ports[1]), _say, before)
        ray = Ray(fleet, api, directory, cold_start_seconds, _say) if isinstance(fleet, EngineFleet) else None
        groups = Groups(fleet, api, cold_start_seconds, _say) if isinstance(fleet, EngineFleet) else None

        def on_pod(event: str, item: dict[str, object]) -> None:
            fleet.on_pod(event, item)
            if ray is not None:
                ray.on_pod(event, item)
            for kind in before:
                kind.on_pod(event, item)
            router.pods_changed()

        # the first port of the range is tried first for admin, so that it is the same on most machines
        admin = admin_handler(fleet, router.exposition, pod_ports, ray)
        opened, port = await PortBook(directory / "admin-port.json", ports[0], ports[1]).listen("admin", admin)
        write_json(directory / "admin.json", {"port": port, "url": f"http://{HOST}:{port}", "pid": os.getpid()})
        what = "(simulated) engines" if environment is None else "real servers"
        _say(f"INFO {what} of pods are at http://{HOST}:{port}/pods/NAMESPACE/POD/PATH")
        followed = (
            ("/api/v1/pods", on_pod),
            ("/api/v1/services", router.on_service),
            ("/apis/discovery.k8s.io/v1/endpointslices", router.on_slice),
        )
        listed = [asyncio.Event() for _ in followed]
        tasks = [
            asyncio.create_task(api.follow(path, on_event, _say, event))
            for (path, on_event), event in zip(followed, listed, strict=True)
        ]
        rounds = [router.run, *(part.run for part in (ray, groups) if part is not None)]
        tasks += [asyncio.create_task(_after(listed, run)) for run in rounds]
        stopped = asyncio.create_task(_wait(stop))
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(fleet, RealFleet):
            await fleet.close()
        opened.close()
        await router.close()
        await admin.shutdown(timeout=1)
        for task in done - {stopped}:
            task.result()  # a watcher never ends by itself: show why it did


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.engine", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where addresses and logs are written")
    parser.add_argument("--port-range", type=port_range, default=DEFAULT_PORTS, metavar="FIRST-LAST")
    parser.add_argument(
        "--cold-start-seconds",
        type=float,
        default=0.0,
        help="until a replica of Ray's, or of several pods, has loaded its model",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than the estimate (default 1)")
    parser.add_argument(
        "--stack-files", type=Path, default=Path(), metavar="FOLDER", help="Pulumi.*.yaml that may describe models"
    )
    parser.add_argument(
        "--vllm", type=Path, metavar="FOLDER", help="run the real vLLM of this environment (`make engine`)"
    )
    parser.add_argument("--names-port", type=int, help="of the proxy by which real servers dial Services by name")
    parsed = parser.parse_args()
    if parsed.speed <= 0:
        parser.error("--speed has to be above 0")
    parsed.directory.mkdir(parents=True, exist_ok=True)
    asyncio.run(
        serve(
            parsed.kubeconfig, parsed.directory, parsed.port_range, parsed.speed, parsed.stack_files, parsed.vllm,
            parsed.cold_start_seconds, parsed.names_port,
        )
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
