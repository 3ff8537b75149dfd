"""The platform's processes in the order of their dependence, started or found again."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import control_plane, ports
from local.certificates import Pki, ensure_pki
from local.environment import env_script, platform_environment
from local.errors import PlatformError
from local.kwok import kwok
from local.paths import Paths
from local.probes import http_ready
from local.processes import Processes, ProcessSpec

PROMETHEUS_CHART = "kube-prometheus-stack"
# Process -> names of its ports; a process keeps its ports while it lives.
PORT_OWNERS = {"etcd-peer": "etcd"}


@dataclass(frozen=True)
class Started:
    """What `start` found and did."""

    ports: Mapping[str, int]
    new: tuple[str, ...]
    """Processes that were started now; the others lived."""


def start(paths: Paths, cold_start_seconds: float) -> Started:
    """Brings every process up; raises ProcessFailed naming the first that does not come up."""
    processes = Processes(paths)
    chosen = ports.choose(paths.run / "ports.json", lambda name: processes.is_alive(PORT_OWNERS.get(name, name)))
    pki = ensure_pki(paths.pki)
    control_plane.write_kubeconfigs(paths, pki, chosen)
    assemble_charts(paths)
    new = [spec.name for spec in specs(paths, pki, chosen, cold_start_seconds) if processes.ensure(spec)]
    paths.env_file.write_text(env_script(paths, chosen))
    return Started(chosen, tuple(new))


def empty(paths: Paths) -> None:
    """Stops everything and forgets cluster, cloud and stacks; ports, certificates and logs stay."""
    Processes(paths).stop_all()
    for name in ("etcd", "pulumi", "stacks"):
        shutil.rmtree(paths.state / name, ignore_errors=True)


def specs(paths: Paths, pki: Pki, chosen: Mapping[str, int], cold_start_seconds: float) -> Iterator[ProcessSpec]:
    """Every process, each after those it needs."""
    yield control_plane.etcd(paths, chosen)
    yield control_plane.kube_apiserver(paths, pki, chosen)
    yield control_plane.kube_controller_manager(paths, pki, chosen)
    yield control_plane.kube_scheduler(paths, chosen)
    yield kwok(paths, chosen, cold_start_seconds)
    yield aws_endpoint(paths, pki, chosen)
    yield node_watcher(paths, chosen)
    yield engine(paths, chosen)


def aws_endpoint(paths: Paths, pki: Pki, chosen: Mapping[str, int]) -> ProcessSpec:
    """moto with our extension; every EKS cluster it makes is the local API server."""
    url = f"http://127.0.0.1:{chosen['aws']}"
    arguments = ("--port", str(chosen["aws"]), "--cluster-endpoint", control_plane.server_url(chosen),
                 "--cluster-ca-file", str(pki.certificate("ca")))  # fmt: skip
    # Its state is in memory: it is not restarted for a change of its code, `make down` does that.
    return ProcessSpec("aws", _python("local.aws_endpoint", *arguments), http_ready(f"{url}/moto-api/"))


def node_watcher(paths: Paths, chosen: Mapping[str, int]) -> ProcessSpec:
    """Makes nodes follow node groups."""
    ready = paths.run / "nodes.ready"
    command = _python("local.nodes", "--kubeconfig", str(paths.kubeconfig), "--ready-file", str(ready))
    return _with_own_code(paths, chosen, "nodes", command, ready)


def engine(paths: Paths, chosen: Mapping[str, int]) -> ProcessSpec:
    """The simulated vLLM of every Ready model pod, and the router that stands for kube-proxy."""
    folder = paths.services_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    command = _python("local.engine", "--kubeconfig", str(paths.kubeconfig), "--directory", str(folder))
    return _with_own_code(paths, chosen, "engine", command, paths.services_file)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _with_own_code(
    paths: Paths, chosen: Mapping[str, int], name: str, command: tuple[str, ...], ready_file: Path
) -> ProcessSpec:
    """A process of ours that is restarted when its code changed; it is ready when it has written `ready_file`."""
    folder = paths.repo / "local"
    code = sorted((folder / name).glob("*.py")) or [
        folder / f"{module}.py"
        for module in ("nodes", "node_groups", "node_rendering", "capacity", "gpu_features", "volumes", "cluster")
    ]
    environment = platform_environment(paths, chosen)
    environment.pop("PATH")  # differs between shells and would restart it for nothing
    return ProcessSpec(
        name, command, ready_file.exists, environment, content=tuple(code), writes_when_ready=(ready_file,)
    )


def assemble_charts(paths: Paths) -> None:
    """`.local/charts`: our stand-in charts, with the real CRDs in the chart that brings them."""
    target, unfinished = paths.state / "charts", paths.state / "charts.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for chart in sorted((paths.repo / "local" / "charts").glob("*/Chart.yaml")):
        shutil.copytree(chart.parent, unfinished / chart.parent.name)
    prometheus = unfinished / PROMETHEUS_CHART
    if prometheus.exists():
        shutil.copytree(paths.tools / "crds", prometheus / "crds", dirs_exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


@contextmanager
def exclusively(paths: Paths) -> Iterator[None]:
    """One `up` or `down` at a time on a platform."""
    paths.run.mkdir(parents=True, exist_ok=True)
    file = paths.run / "lock"
    with file.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise PlatformError(
                f"another up or down works on {paths.state} (process {held.read().strip() or 'unknown'})"
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield
