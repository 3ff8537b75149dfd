"""The processes of the platform and what they are given."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from local.commands.completion import RunningModel, ask, service_url
from local.commands.platform import CODE, assemble_charts, specs, stop_all, waves
from local.commands.status import table
from local.control_plane.certificates import Pki, ensure_pki
from local.control_plane.servers import egress_selection
from local.host.errors import PlatformError
from local.host.paths import Paths
from local.host.ports import USUAL
from local.host.processes import Processes, ProcessSpec, Record
from tests.conftest import REPO
from tests.local.places import paths_in
from tests.source import nodes


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    where = paths_in(tmp_path)
    return Paths(REPO, where.state, where.tools, where.cache)


def all_specs(paths: Paths) -> dict[str, ProcessSpec]:
    return {spec.name: spec for spec in specs(paths, ensure_pki(paths.pki), USUAL, 6)}


def test_each_process_comes_after_those_it_needs(paths: Paths) -> None:
    assert list(all_specs(paths)) == [
        "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "aws", "nodes", "engine",
        "pod-network", "supervisor",
    ]  # fmt: skip


def test_processes_start_together_unless_they_need_each_other(paths: Paths) -> None:
    processes = list(all_specs(paths).values())
    names = [[spec.name for spec in wave] for wave in waves(processes)]
    assert names[:2] == [["etcd", "aws"], ["kube-apiserver"]]
    assert sorted(name for wave in names for name in wave) == sorted(spec.name for spec in processes)


def test_etcd_holds_the_secrets_and_asks_for_its_own_certificate_on_both_ports(paths: Paths) -> None:
    """A machine has other users, and they reach 127.0.0.1, too."""
    processes = all_specs(paths)
    flags = dict(part.removeprefix("--").partition("=")[::2] for part in processes["etcd"].command[1:])
    assert all(flags[name].startswith("https://127.0.0.1:") for name in flags if name.endswith("-urls"))
    for side in ("", "peer-"):
        assert f"--{side}client-cert-auth" in processes["etcd"].command
        assert flags[f"{side}cert-allowed-hostname" if side else "client-cert-allowed-hostname"] == "etcd.local"
        assert (Path(flags[f"{side}key-file"]).stat().st_mode & 0o077) == 0
    server = " ".join(processes["kube-apiserver"].command)
    assert "--etcd-servers=https://127.0.0.1:" in server
    assert f"--etcd-keyfile={flags['key-file']}" in server


def test_no_process_is_told_to_listen_beyond_loopback(paths: Paths) -> None:
    for spec in all_specs(paths).values():
        text = " ".join(spec.command)
        assert "0.0.0.0" not in text
        for flag in re.findall(r"--(?:bind-address|listen-\S+-urls|server-address)=\S+", text):
            assert "127.0.0.1" in flag, spec.name
    bound = [name for name, spec in all_specs(paths).items() if "--bind-address=127.0.0.1" in spec.command]
    assert bound == ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]


def test_another_shell_does_not_restart_anything(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: spec.digest() for name, spec in all_specs(paths).items()}
    monkeypatch.setenv("PATH", "/elsewhere:/usr/bin:/bin")
    assert {name: spec.digest() for name, spec in all_specs(paths).items()} == before


def _modules_run(module: str) -> set[str]:
    """Files of local/ that `python -m module` imports, paths in the repository."""
    reached: set[str] = set()
    waiting = [module, f"{module}.__main__"]
    while waiting:
        name = waiting.pop().replace(".", "/")
        path = next((file for file in (f"{name}.py", f"{name}/__init__.py") if (REPO / file).is_file()), None)
        if path is None or path in reached:
            continue
        reached.add(path)
        for node in nodes(REPO / path):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("local."):
                waiting += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return reached


def test_every_process_of_ours_is_restarted_for_a_change_of_what_it_runs(paths: Paths) -> None:
    """A module that a process imports and nobody watches would go on running as it was."""
    ours = {name: spec for name, spec in all_specs(paths).items() if spec.command[0] == sys.executable}
    assert sorted(ours) == sorted(CODE)
    for name, spec in ours.items():
        watched = {path.relative_to(REPO).as_posix() for path in spec.content}
        run = {path for path in _modules_run(spec.command[2]) if (REPO / path).stat().st_size}
        assert len(run) > 5, name
        assert sorted(run - watched) == [], name


def test_a_changed_rule_of_aws_restarts_the_endpoint(paths: Paths) -> None:
    watched = {path.relative_to(REPO).as_posix() for path in all_specs(paths)["aws"].content}
    tables = {path.relative_to(REPO).as_posix() for path in (REPO / "local/aws_endpoint").rglob("*.csv")}
    assert "local/aws_endpoint/contract/rules.csv" in tables
    assert tables <= watched


def test_the_supervisor_is_stopped_before_the_programs_that_it_keeps(paths: Paths) -> None:
    """Otherwise it would start again what was just stopped."""
    stopped: list[str] = []

    class Recorded(Processes):
        def records(self) -> list[Record]:
            return [Record(name, 1, 0.0, "", order) for order, name in enumerate(["etcd", "supervisor", "prometheus"])]

        def stop(self, name: str, grace_seconds: float = 10.0) -> bool:
            stopped.append(name)
            return True

    stop_all(Recorded(paths))
    assert stopped == ["supervisor", "prometheus", "etcd"]


def test_the_api_server_reaches_the_cluster_through_the_pod_network_only(paths: Paths) -> None:
    config = yaml.safe_load(egress_selection(Pki(paths.pki), USUAL))
    (selection,) = config["egressSelections"]
    assert selection["name"] == "cluster"
    assert selection["connection"]["transport"]["tcp"]["url"] == f"https://127.0.0.1:{USUAL['pod-network-connect']}"


def test_charts_come_with_the_real_crds_beside_those_of_vendors(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    for chart in ("kube-prometheus-stack", "gpu-operator"):
        (paths.repo / "local" / "charts" / chart).mkdir(parents=True)
        (paths.repo / "local" / "charts" / chart / "Chart.yaml").write_text(f"name: {chart}\n")
    crds = paths.tools / "definitions" / "kube-prometheus-stack"
    crds.mkdir(parents=True)
    (crds / "podmonitors.yaml").write_text("kind: CustomResourceDefinition\n")
    (paths.tools / "charts" / "lws").mkdir(parents=True)
    (paths.tools / "charts" / "lws" / "Chart.yaml").write_text("name: lws\n")
    for _ in range(2):
        assemble_charts(paths)
        charts = sorted(
            str(path.relative_to(paths.state / "charts")) for path in (paths.state / "charts").rglob("*.yaml")
        )
        assert charts == [
            "gpu-operator/Chart.yaml",
            "kube-prometheus-stack/Chart.yaml",
            "kube-prometheus-stack/crds/podmonitors.yaml",
            "lws/Chart.yaml",
        ]
    assert not (paths.repo / "local" / "charts" / "kube-prometheus-stack" / "crds").exists()


@contextmanager
def http_server(answer: bytes, stream: bytes = b"") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stream if b'"stream": true' in asked else answer)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


WHOLE = b'{"data": [{"id": "qwen"}], "choices": [{"message": {"content": "simulated words"}}]}'
PIECE = b'data: {"choices": [{"delta": {"content": "simulated "}, "finish_reason": null}]}\n\n'
LAST = b'data: {"choices": [{"delta": {"content": "words"}, "finish_reason": "stop"}]}\n\n'
ABORTED = b'data: {"choices": [{"delta": {}, "finish_reason": "abort"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def test_an_answer_is_what_the_model_said_and_comes_as_a_stream_too() -> None:
    with http_server(WHOLE, PIECE + LAST + DONE) as url:
        answer = ask(url)
    assert (answer.model, answer.text) == ("qwen", "simulated words")


@pytest.mark.parametrize("stream", [PIECE + LAST, PIECE + DONE, ABORTED + DONE, DONE, b""])
def test_a_stream_that_is_not_whole_is_no_completion(stream: bytes) -> None:
    with (
        http_server(WHOLE, stream) as url,
        pytest.raises(PlatformError, match=r"no completion from .*: the stream had"),
    ):
        ask(url)


def test_something_else_than_a_completion_names_the_log_to_read() -> None:
    with http_server(b"{}") as url, pytest.raises(PlatformError, match=r"no completion from .*make logs NAME=engine"):
        ask(url)


def test_a_service_without_an_address_is_named(paths: Paths) -> None:
    with pytest.raises(PlatformError, match="no address for Service models/qwen"):
        service_url(paths, RunningModel("models", "qwen", 1, 1, 1, 1), timeout_seconds=0)


@pytest.mark.parametrize(("wanted", "available", "ready"), [(1, 1, True), (2, 1, False), (0, 0, False)])
def test_a_model_is_ready_with_all_its_replicas_and_at_least_one(wanted: int, available: int, ready: bool) -> None:
    assert RunningModel("models", "qwen", wanted, available, wanted, wanted).ready is ready


def test_tables_are_as_wide_as_their_values() -> None:
    assert table(["A", "B"], [["long", "x"]]) == "A     B\nlong  x"
