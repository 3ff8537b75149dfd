"""`status` and `logs`: what runs, how it is, and what it wrote."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import psutil

from local.build.provenance import provenance_rows
from local.commands.completion import services
from local.control_plane.cluster import connect
from local.host.errors import PlatformError, last_lines
from local.host.paths import Paths
from local.host.processes import Processes, Record, family_of
from local.stacks.stack import Stack, existing_stacks
from planning.model import GPU_RESOURCE
from planning.units import amount

WEB_PROGRAMS = ("prometheus", "alertmanager")
"""Programs that one may want to ask oneself; their Services have no way in from this machine."""


def status(paths: Paths) -> None:
    """Prints programs, processes, nodes, pods, services and outputs; says so when nothing runs."""
    if programs := provenance_rows(paths):
        print(table(["PROGRAM", "VERSION", "FROM"], programs) + "\n")
    processes = Processes(paths)
    records = processes.records()
    if not records:
        print("nothing runs; start it with: make up")
        return
    print(table(["PROCESS", "PID", "STATE", "MEMORY MIB", "UP"], map(_process_row, records)))
    print(f"memory in all: {sum(memory_mib(record) for record in records):.0f} MiB\n")
    if not processes.is_alive("kube-apiserver"):
        print("kube-apiserver is not alive: no nodes, pods and services; make up starts it again")
        return
    _print_cluster(paths)
    reachable = [[s["namespace"], s["name"], str(s["port"]), s["url"]] for s in services(paths)]
    print(table(["NAMESPACE", "SERVICE", "PORT", "ON THIS MACHINE"], reachable))
    ports = json.loads((paths.run / "ports.json").read_text())
    for name in (web_program for web_program in WEB_PROGRAMS if processes.is_alive(web_program)):
        print(f"{name}: http://127.0.0.1:{ports[name]}")
    for name in existing_stacks(paths):
        stack = Stack(paths, ports, name)
        print(f"\nstack {name}: {amount(stack.resource_count(), 'resource')}")
        for key, value in stack.outputs().items():
            text = value if isinstance(value, str) else json.dumps(value)
            print(f"  {key}: {text if len(text) < 200 else f'({len(text)} characters: pulumi stack output {key})'}")


def memory_mib(record: Record) -> float:
    """Resident memory of a process and what it started, MiB; 0 when it is gone."""
    process = record.process()
    if process is None:
        return 0.0
    try:
        return float(sum(process.memory_info().rss for process in family_of(process))) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _process_row(record: Record) -> list[str]:
    if record.process() is None:
        return [record.name, str(record.pid), "dead", "-", "-"]
    minutes, seconds = divmod(int(time.time() - record.started_at), 60)
    return [record.name, str(record.pid), "alive", f"{memory_mib(record):.0f}", f"{minutes}m{seconds:02d}s"]


def _print_cluster(paths: Paths) -> None:
    core = connect(paths.kubeconfig).core
    nodes = core.list_node().items
    print(table(["NODE", "TYPE", "ZONE", "GROUP", "READY", "GPUS"], map(_node_row, nodes)) + "\n")
    pods = core.list_pod_for_all_namespaces().items
    rows = [
        [p.metadata.namespace, p.metadata.name, p.status.phase, _ready(p.status.conditions), p.spec.node_name or "-"]
        for p in pods
    ]
    print(table(["NAMESPACE", "POD", "PHASE", "READY", "NODE"], rows) + "\n")
    print(_autoscaler_line(pods) + "\n")


def _autoscaler_line(pods: Sequence[Any]) -> str:
    """Who adds and removes nodes here."""
    from local.nodes.autoscaler import DEFAULTS, OWN_NAME, flags_of, own_pod  # with boto3 it takes a second to import

    if (pod := own_pod(pods)) is None:
        return "nodes do not follow pods: no cluster-autoscaler is Ready"
    unneeded = {**DEFAULTS, **flags_of(pod)}["scale-down-unneeded-time"]
    return f"nodes follow pods by a {OWN_NAME} (make logs NAME=nodes); an empty one goes after {unneeded}"


def _node_row(node: Any) -> list[str]:
    labels = node.metadata.labels
    node_status = node.status
    return [
        labels["kubernetes.io/hostname"],
        labels.get("node.kubernetes.io/instance-type", "-"),
        labels.get("topology.kubernetes.io/zone", "-"),
        labels.get("eks.amazonaws.com/nodegroup") or labels.get("karpenter.sh/nodepool", "-"),
        _ready(node_status.conditions),
        node_status.allocatable.get(GPU_RESOURCE, "-"),
    ]


def _ready(conditions: Iterable[Any] | None) -> str:
    statuses = [c.status for c in conditions or [] if c.type == "Ready"]
    return statuses[0] if statuses else "False"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their longest value."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def logs(paths: Paths, name: str | None, follow: bool, count: int = 200) -> None:
    """Prints the end of one log, or of every log; `follow` goes on with one log until interrupted."""
    files = sorted(paths.log.glob("*.log"))
    if not files:
        print("no logs; nothing was started here: make up")
        return
    if name is None:
        for file in files:
            print(f"{file.name}\n{last_lines(file.read_text(errors='replace'), 5)}")
        return
    file = paths.log / f"{name}.log"
    if file not in files:
        raise PlatformError(f"no log {name!r}; logs: {', '.join(file.stem for file in files)}")
    os.execvp("tail", ["tail", "-n", str(count), *(["-f"] if follow else []), str(file)])
