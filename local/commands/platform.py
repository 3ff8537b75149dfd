"""The platform's processes in the order of their dependence, started or found again."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.build.chart_table import DEFINITIONS, MODULE_CHARTS
from local.control_plane import servers as control_plane
from local.control_plane.certificates import Pki, ensure_pki
from local.host import ports
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.probes import http_ready
from local.host.processes import Processes, ProcessSpec
from local.nodes.kwok import kwok
from local.stacks.environment import env_script, platform_environment
from local.stacks.stack_files import charts_folder

# Process -> names of its ports; a process keeps its ports while it lives.
PORT_OWNERS = {
    "etcd-peer": "etcd",
    "pod-network-connect": "pod-network",
    "pod-network-names": "pod-network",
    "keda-operator-metrics": "keda-operator",
    "keda-operator-health": "keda-operator",
    "keda-adapter-metrics": "keda-adapter",
    "external-secrets-metrics": "external-secrets",
    "karpenter-metrics": "karpenter-controller",
    "karpenter-health": "karpenter-controller",
    "kserve-webhook": "kserve-controller",
    "kserve-metrics": "kserve-controller",
    "kserve-health": "kserve-controller",
    "rollouts-metrics": "rollouts-controller",
    "rollouts-health": "rollouts-controller",
    "lws-webhook": "lws-controller",
    "lws-metrics": "lws-controller",
    "lws-health": "lws-controller",
    "collector-otlp": "otel-collector",
    "collector-health": "otel-collector",
    "picker-grpc": "endpoint-picker",
    "picker-health": "endpoint-picker",
    "picker-metrics": "endpoint-picker",
    "kuberay-metrics": "kuberay-operator",
    "kuberay-health": "kuberay-operator",
    "envoy-gateway-xds": "envoy-gateway",
    "envoy-gateway-health": "envoy-gateway",
    "envoy-gateway-admin": "envoy-gateway",
    "envoy-admin": "envoy",
    "envoy-stats": "envoy",
    "envoy-ready": "envoy",
    "envoy-https": "envoy",
}
# What all others need, and what that needs. The AWS endpoint takes as long as both and needs neither.
FIRST = (("etcd", "aws"), ("kube-apiserver",))
# Starts again what was stopped: it goes before the programs that it keeps.
SUPERVISOR = "supervisor"


# Set: the platform's account has the quotas of a new one, otherwise enough for all.
NEW_ACCOUNT = "VLLM_ON_EKS_NEW_ACCOUNT"
NODE_BOOT_SECONDS = 3.0
"""Of a node that the simulated cluster-autoscaler asked for; on EC2 it is minutes."""
# Process of ours -> what of local/ it runs and reads: a change of it restarts the process.
CODE = {
    "aws": ("aws_endpoint/**/*.py", "aws_endpoint/**/*.csv"),
    "nodes": ("nodes/*.py", "control_plane/cluster.py", "aws_endpoint/contract/update_config.py"),
    "engine": ("engine/**/*.py", "vllm_cpu/*.py", "host/*.py"),
    "pod-network": ("monitoring/*.py", "control_plane/*.py", "engine/*.py", "host/*.py"),
    SUPERVISOR: ("monitoring/*.py", "control_plane/*.py", "engine/kube.py", "engine/ports.py", "host/*.py"),
}


@dataclass(frozen=True)
class Started:
    """What `start` found and did."""

    ports: Mapping[str, int]
    new: tuple[str, ...]
    """Processes that were started now; the others lived."""


def start(
    paths: Paths,
    cold_start_seconds: float,
    node_boot_seconds: float = NODE_BOOT_SECONDS,
    vllm: Path | None = None,
) -> Started:
    """Brings every process up; raises ProcessFailed naming the first that does not come up."""
    processes = Processes(paths)
    chosen = ports.choose(
        paths.run / "ports.json",
        lambda name: processes.is_alive(PORT_OWNERS.get(name, name)),
        ports.Reservations(paths.cache),
    )
    pki = ensure_pki(paths.pki)
    control_plane.write_kubeconfigs(paths, pki, chosen)
    assemble_charts(paths)
    every_process = list(specs(paths, pki, chosen, cold_start_seconds, node_boot_seconds, vllm))
    new: list[str] = []
    for wave in waves(every_process):
        new += processes.ensure_all(wave)
    paths.env_file.write_text(env_script(paths, chosen))
    return Started(chosen, tuple(new))


def empty(paths: Paths) -> None:
    """Stops everything and forgets cluster, cloud and stacks; ports, certificates and logs stay."""
    stop_all(Processes(paths))
    for name in ("etcd", "pulumi", "stacks", "programs"):
        shutil.rmtree(paths.state / name, ignore_errors=True)


def waves(processes: Sequence[ProcessSpec]) -> list[list[ProcessSpec]]:
    """Processes that may start together: each wave needs the ones before it."""
    first = [[spec for spec in processes if spec.name in names] for names in FIRST]
    started = {name for names in FIRST for name in names}
    return [*first, [spec for spec in processes if spec.name not in started]]


def stop_all(processes: Processes) -> list[str]:
    """Stops every process; names of those that lived."""
    return processes.stop_all(first=(SUPERVISOR,))


def specs(
    paths: Paths,
    pki: Pki,
    chosen: Mapping[str, int],
    cold_start_seconds: float,
    node_boot_seconds: float = NODE_BOOT_SECONDS,
    vllm: Path | None = None,
) -> Iterator[ProcessSpec]:
    """Every process, each after those it needs."""
    yield control_plane.etcd(paths, pki, chosen)
    yield control_plane.kube_apiserver(paths, pki, chosen)
    yield control_plane.kube_controller_manager(paths, pki, chosen)
    yield control_plane.kube_scheduler(paths, chosen)
    yield kwok(paths, chosen, cold_start_seconds, real_engine=vllm is not None)
    yield aws_endpoint(paths, pki, chosen)
    yield node_watcher(paths, chosen, node_boot_seconds)
    yield engine(paths, chosen, cold_start_seconds, vllm)
    yield pod_network(paths, chosen)
    yield supervisor(paths, chosen)


def aws_endpoint(paths: Paths, pki: Pki, chosen: Mapping[str, int]) -> ProcessSpec:
    """moto with our extension; every EKS cluster it makes is the local API server."""
    url = f"http://127.0.0.1:{chosen['aws']}"
    # `faults` puts a proxy in front of the API server.
    endpoint = os.environ.get("VLLM_ON_EKS_CLUSTER_ENDPOINT") or control_plane.server_url(chosen)
    arguments = ("--port", str(chosen["aws"]), "--cluster-endpoint", endpoint,
                 "--cluster-ca-file", str(pki.certificate("ca")),
                 *(["--new-account"] if os.environ.get(NEW_ACCOUNT) else []))  # fmt: skip
    command = _python("local.aws_endpoint", *arguments)
    # Its state is in memory: after a restart `up` begins with an empty platform (why_begin_anew).
    return ProcessSpec("aws", command, http_ready(f"{url}/moto-api/"), content=_own_code(paths, "aws"))


def node_watcher(paths: Paths, chosen: Mapping[str, int], boot_seconds: float) -> ProcessSpec:
    """Makes nodes follow node groups, and node groups follow pods."""
    ready = paths.run / "nodes.ready"
    options = ("--kubeconfig", str(paths.kubeconfig), "--ready-file", str(ready))
    command = _python("local.nodes.watcher", *options, "--node-boot-seconds", f"{boot_seconds:g}")
    return _with_own_code(paths, chosen, "nodes", command, ready)


def engine(paths: Paths, chosen: Mapping[str, int], cold_start_seconds: float, vllm: Path | None = None) -> ProcessSpec:
    """The router that stands for kube-proxy, and the vLLM of every model pod: simulated, or real processes.

    `vllm`: the environment that `make engine` made; None: simulated. The cold start is that of Ray's replicas: those of
    other pods are KWOK's (kwok.py).
    """
    folder = paths.services_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--kubeconfig", str(paths.kubeconfig), "--directory", str(folder),
               "--cold-start-seconds", f"{cold_start_seconds:g}")  # fmt: skip
    real = ("--vllm", str(vllm), "--names-port", str(chosen["pod-network-names"])) if vllm is not None else ()
    command = _python("local.engine", *options, "--stack-files", str(paths.state / "stacks"), *real)
    return _with_own_code(paths, chosen, "engine", command, paths.services_file)


def pod_network(paths: Paths, chosen: Mapping[str, int]) -> ProcessSpec:
    """The ways to pods and Services, and the simulated exporters."""
    ready = paths.run / "pod-network.ready"
    command = _python("local.monitoring.pod_network", "--ready-file", str(ready))
    return _with_own_code(paths, chosen, "pod-network", command, ready)


def supervisor(paths: Paths, chosen: Mapping[str, int]) -> ProcessSpec:
    """Runs the real programs (monitoring, KEDA, Karpenter, the gateway and others) while their pods are Ready."""
    ready = paths.run / "supervisor.ready"
    command = _python("local.monitoring.supervisor", "--ready-file", str(ready))
    return _with_own_code(paths, chosen, SUPERVISOR, command, ready)


def servers_folder(paths: Paths) -> Path:
    """Folders of the processes of pods whose server really runs."""
    return paths.services_file.parent / "processes"


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _with_own_code(
    paths: Paths, chosen: Mapping[str, int], name: str, command: tuple[str, ...], ready_file: Path
) -> ProcessSpec:
    """A process of ours that is restarted when its code changed; it is ready when it has written `ready_file`."""
    environment = platform_environment(paths, chosen)
    environment.pop("PATH")  # differs between shells and would restart it for nothing
    return ProcessSpec(
        name, command, ready_file.exists, environment, content=_own_code(paths, name), writes_when_ready=(ready_file,)
    )


def _own_code(paths: Paths, name: str) -> tuple[Path, ...]:
    return tuple(path for pattern in CODE[name] for path in sorted((paths.repo / "local").glob(pattern)))


def assemble_charts(paths: Paths) -> None:
    """`.local/charts`: our stand-in charts, the real CRDs in the one that brings them, and vendors' own charts."""
    target, unfinished = charts_folder(paths), paths.state / "charts.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for chart in sorted((paths.repo / "local" / "charts").glob("*/Chart.yaml")):
        shutil.copytree(chart.parent, unfinished / chart.parent.name)
    for row in DEFINITIONS:
        definitions, chart = paths.tools / "definitions" / row.chart, unfinished / row.chart
        if definitions.exists() and chart.exists():
            shutil.copytree(definitions, chart / row.into, dirs_exist_ok=True)
    for row_of_module in MODULE_CHARTS:
        if (own := paths.tools / "charts" / row_of_module.chart).exists():
            shutil.copytree(own, unfinished / row_of_module.chart)
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
