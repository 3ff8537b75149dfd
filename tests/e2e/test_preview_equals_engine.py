"""The recorder of the offline preview against the real engine: the same program, the same registrations.

The engine runs `pulumi preview` of a stack that does not exist yet, with the platform's provider stand-ins, and writes
down its gRPC calls (PULUMI_DEBUG_GRPC); of those the program's RegisterResource requests are compared. Two things may
differ, and are unknown to ours: a name that the AWS provider makes up (`node-role-role-1a2b3c4`, other digits each
time), and who runs the program.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.commands.platform import assemble_charts
from local.host.paths import platform_paths
from local.stacks.stack import Stack
from local.stacks.stack_files import EXAMPLES, UNROUTED_ADDRESS, stack_file
from planning.prepare import prepare
from policies.rules import RULES
from preview.changes import differences
from preview.recorder import STACK_TYPE, record_program
from preview.values import UNKNOWN, shown
from tests.conftest import REPO
from tests.e2e.conftest import Platform
from tests.preview.checkout import make_checkout
from tests.program import STACKS

pytestmark = pytest.mark.e2e

ADDON = re.compile(r"v[0-9.]+-eksbuild\.[0-9]+")  # which build EKS has for a Kubernetes version
MADE_UP = re.compile(r"[a-z0-9-]+-[0-9a-f]{7}")
CALLER = "arn:aws:iam::123456789012:role/platform"  # who runs the program: local/aws_endpoint says so, a preview cannot


class Engine:
    """The CLI with a state of its own, beside the platform's."""

    def __init__(self, folder: Path, stack: str, aws_port: int) -> None:
        self.log = folder / f"{stack}.grpc.json"
        platform_paths().state.mkdir(parents=True)
        assemble_charts(platform_paths())
        self._stack = Stack(platform_paths(), {"aws": aws_port}, stack)
        self._stack.prepare()
        self._name = stack
        # What the platform adds to a stack file (its folder of charts), the offline preview has to be given, too.
        self.root = folder / "asked"
        self.root.mkdir()
        shutil.copy(REPO / "Pulumi.yaml", self.root)
        shutil.copy(stack_file(platform_paths(), stack), self.root / f"Pulumi.{stack}.yaml")

    def preview(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulumi preview`, its log of calls written again."""
        self.log.unlink(missing_ok=True)
        environment = {**self._stack._environment, "PULUMI_DEBUG_GRPC": str(self.log)}
        return subprocess.run(
            self._stack.command("preview", "--stack", self._name, "--non-interactive", *arguments),
            env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def registrations(self) -> dict[str, dict[str, Any]]:
        """What the program registered, by URN."""
        by_urn = {}
        for line in self.log.read_text().splitlines():
            call = json.loads(line)
            request = call.get("request") or {}
            ours = call["method"].endswith(".ResourceMonitor/RegisterResource") and "response" in call
            if ours and request["type"] != STACK_TYPE:
                by_urn[call["response"]["urn"]] = {
                    "type": request["type"],
                    "name": request["name"],
                    "parent": request.get("parent", ""),
                    "inputs": shown(request.get("object") or {}),
                }
        return by_urn


@pytest.fixture(scope="module")
def aws_port() -> Iterator[int]:
    """An account with nothing in it: a first preview asks who it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "local.aws_endpoint", "--port", str(port)]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert str(port) in process.stdout.readline()
    yield port
    process.terminate()
    process.wait()


@pytest.fixture
def engine(
    platform: Platform,
    aws_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Engine:
    """Needs the platform's programs, not its processes; the state is the test's own."""
    monkeypatch.setenv("VLLM_ON_EKS_LOCAL_DIR", str(tmp_path / "local"))
    return Engine(tmp_path, request.param, aws_port)


@pytest.mark.parametrize("engine", STACKS, indirect=True)
def test_the_recorder_registers_what_the_engine_registers(engine: Engine) -> None:
    done = engine.preview()
    assert done.returncode == 0, done.stdout + done.stderr
    theirs = engine.registrations()
    asked = prepare(engine.root, engine._name)
    recording = record_program(
        REPO, asked.file.project, engine._name, asked.config, asked.secret_keys, wait_for_providers=True
    )
    ours = {each["urn"]: each for each in recording.resources}
    assert len(ours) > 80
    assert set(ours) == set(theirs)
    different = []
    for urn, other in theirs.items():
        mine = {key: ours[urn][key] for key in other}
        for path, engines, recorders in differences(other, mine):
            asked_of_aws = isinstance(engines, str) and (
                MADE_UP.fullmatch(engines) or engines == CALLER or ADDON.fullmatch(engines)
            )
            if not (recorders == UNKNOWN and asked_of_aws):
                different.append(f"{other['name']} {path}: engine {engines!r}, recorder {recorders!r}")
    assert different == []
    told = record_program(REPO, asked.file.project, engine._name, asked.config, asked.secret_keys)
    for resource in told.resources:
        for path, strict, known in differences(ours[resource["urn"]]["inputs"], resource["inputs"]):
            assert strict == UNKNOWN, f"{resource['name']} {path}: {strict!r} became {known!r}"


@pytest.mark.parametrize("engine", STACKS, indirect=True)
def test_the_policy_pack_runs_in_the_engine_and_says_what_the_offline_preview_says(engine: Engine) -> None:
    done = engine.preview("--policy-pack", "policies")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "vllm-on-eks@v" in done.stdout
    assert told_by_engine(done.stdout) == told_offline(REPO, engine._name)


@pytest.mark.parametrize("engine", ["prod"], indirect=True)
def test_the_engine_refuses_a_stack_that_breaks_a_policy_as_the_offline_preview_does(
    engine: Engine, tmp_path: Path
) -> None:
    content = yaml.safe_load((REPO / "Pulumi.prod.yaml").read_text())
    for pool in content["config"]["vllm-on-eks:nodePools"]:  # the plan itself refuses spot alone and open doors
        del pool["amiReleaseVersion"]
    checkout = make_checkout(tmp_path / "checkout")
    bad = checkout / "Pulumi.prod.yaml"
    for example in EXAMPLES["prod"]:
        content = json.loads(json.dumps(content).replace(example, UNROUTED_ADDRESS))
    bad.write_text(yaml.safe_dump(content))
    engine._stack.prepare(bad)
    done = engine.preview("--policy-pack", "policies")
    assert done.returncode != 0, done.stdout
    told = told_by_engine(done.stdout)
    assert {("error", "ami-pinned", "l4-nodes"), ("error", "ami-pinned", "a10g-nodes")} <= told
    assert told == told_offline(checkout, "prod")


def told_by_engine(output: str) -> set[tuple[str, str, str]]:
    """(severity, rule, resource) of the engine's lines on policies: `- [mandatory]  spot-floor  (type: name)`."""
    violations = re.findall(r"- \[(mandatory|advisory)\]\s+(\S+)\s+\(\S+: (\S+)\)", output)
    return {("error" if level == "mandatory" else "warning", rule, name) for level, rule, name in violations}


def told_offline(root: Path, stack: str) -> set[tuple[str, str, str]]:
    """The same of `python -m preview`, whose findings of the plan are left out: the policies speak of resources."""
    done = subprocess.run(
        [sys.executable, "-m", "preview", stack, "--format", "json"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    ids = {rule.id for rule in RULES}
    findings = [
        finding for finding in json.loads(done.stdout)["findings"] if finding["rule"] in ids and " " in finding["path"]
    ]
    return {(each["severity"], each["rule"], each["path"].split()[-1]) for each in findings}
