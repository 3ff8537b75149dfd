"""From nothing to a completion and back, in the order in which a user would do it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from local.commands.completion import ask, models, service_url
from local.commands.status import memory_mib
from local.control_plane.certificates import Pki
from local.control_plane.servers import etcd_pki
from local.host.probes import answers
from local.stacks.stack_files import stack_file
from tests.conftest import REPO
from tests.e2e.conftest import Platform
from tests.e2e.inventory import Inventory

pytestmark = pytest.mark.e2e

CANARY = "canary-8c1f2e6b"


def changes(output: str) -> int:
    """The count of changes in the closing words of `up` or `down --stack`, which come from the engine's summary."""
    match = re.search(r"^pulumi: (\d+) changes?\b", output, re.MULTILINE)
    assert match, output
    return int(match[1])


def checkout_status() -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=REPO, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def before(platform: Platform) -> Inventory:
    """What was there before any stack."""
    return Inventory.settled(platform)


@pytest.fixture(scope="module")
def first_up(platform: Platform, before: Inventory) -> str:
    status = checkout_status()
    output = platform.run("up")
    assert checkout_status() == status, "make up wrote into the checkout"
    return output


def test_etcd_answers_nobody_without_its_own_certificate(platform: Platform, first_up: str) -> None:
    pki, port = Pki(platform.paths.pki), platform.ports["etcd"]
    own, authority = etcd_pki(pki), pki.certificate("ca")
    assert answers(f"https://127.0.0.1:{port}/health", authority, (own.certificate("tls"), own.key("tls")))
    assert not answers(f"http://127.0.0.1:{port}/health")
    assert not answers(f"https://127.0.0.1:{port}/health", authority)
    assert not answers(f"https://127.0.0.1:{port}/health", authority, (pki.certificate("admin"), pki.key("admin")))


def test_up_ends_with_a_completion_from_the_models_service(platform: Platform, first_up: str) -> None:
    assert changes(first_up) > 50
    assert re.search(r"^\S+ at http://127\.0\.0\.1:\d+/v1 says:$", first_up, re.MULTILINE)
    assert "simulated" in first_up
    for model in models(platform.paths):
        assert model.ready
        assert ask(service_url(platform.paths, model), "hello").text


def test_up_again_changes_nothing_and_starts_nothing(platform: Platform, first_up: str) -> None:
    start = time.monotonic()
    output = platform.run("up")
    assert changes(output) == 0
    assert "started: nothing, all lives" in output
    print(f"second up: {time.monotonic() - start:.1f} s")


def test_a_refresh_finds_no_drift(platform: Platform, first_up: str) -> None:
    """What controllers wrote meanwhile (replicas, status, defaults) is nobody's change."""
    assert platform.stack("local").up(refresh=True).changes == 0


def test_status_shows_processes_nodes_pods_services_and_outputs(platform: Platform, first_up: str) -> None:
    output = platform.run("status")
    for text in ("kube-apiserver", "alive", "g6.2xlarge", "vllm", "http://127.0.0.1:", "stack local:", "usdPerHour"):
        assert text in output
    assert "dead" not in output


def test_nodes_have_gpus_because_the_device_plugin_runs(platform: Platform, first_up: str) -> None:
    assert "now has 1 nvidia.com/gpu" in platform.processes.log_file("nodes").read_text()


def test_all_of_it_needs_at_most_three_gibibytes(platform: Platform, first_up: str) -> None:
    used_mib = sum(memory_mib(record) for record in platform.processes.records())
    print(f"platform memory: {used_mib:.0f} MiB")
    assert used_mib <= 3 * 1024


def test_everything_listens_on_loopback_only(platform: Platform, first_up: str) -> None:
    for record in platform.processes.records():
        process = record.process()
        assert process is not None
        listening = [c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) <= {"127.0.0.1"}, record.name


def test_a_changed_setting_is_a_minimal_update(platform: Platform, first_up: str, tmp_path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load((REPO / "Pulumi.local.yaml").read_text())
    model = content["config"]["vllm-on-eks:models"][0]
    # Of the HPA alone. One replica more would need a third node, which the alerts' and the policy's figures count with.
    slower = {"windowSeconds": 30, "pods": 1, "periodSeconds": 60}
    model["autoscaling"] = {**model.get("autoscaling", {}), "scaleUp": slower}
    changed = tmp_path / "Pulumi.local.yaml"
    changed.write_text(yaml.safe_dump(content))
    assert changes(platform.run("up", "--stack-file", str(changed))) == 1
    assert changes(platform.run("up")) == 1


def test_a_wrong_setting_ends_before_anything_is_registered(platform: Platform, first_up: str, tmp_path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load((REPO / "Pulumi.local.yaml").read_text())
    content["config"]["vllm-on-eks:models"][0]["maxModelLenn"] = 1
    content["config"]["vllm-on-eks:nodePools"][0]["instanceTypes"] = ["g6.2xlarg"]
    wrong = tmp_path / "Pulumi.local.yaml"
    wrong.write_text(yaml.safe_dump(content))
    resources = platform.stack("local").resource_count()
    output = platform.run("up", "--stack-file", str(wrong), check=False)
    assert "maxModelLenn" in output
    assert "maxModelLen" in output
    assert "g6.2xlarge" in output
    assert "Traceback" not in output
    assert platform.stack("local").resource_count() == resources


def test_a_killed_process_is_started_again_by_the_next_up(platform: Platform, first_up: str) -> None:
    record = platform.processes.record("engine")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    output = platform.run("up")
    assert "started: engine" in output
    assert changes(output) == 0


def test_a_second_stack_beside_it_is_refused(platform: Platform, first_up: str) -> None:
    output = platform.run("up", "--stack", "dev", check=False)
    assert "python -m local down --stack local" in output


def test_destroy_leaves_nothing(platform: Platform, first_up: str, before: Inventory) -> None:
    assert changes(platform.run("down", "--stack", "local")) > 50
    assert_nothing_left(platform, "local", before)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_other_stacks_come_up_here_too_and_keep_their_secrets(
    platform: Platform, before: Inventory, stack: str
) -> None:
    prepared = platform.stack(stack)
    prepared.prepare()
    config = yaml.safe_load(stack_file(platform.paths, stack).read_text())["config"]
    secrets = [key for key, value in config.items() if isinstance(value, dict) and "secure" in value]
    assert "vllm-on-eks:grafanaPassword" in secrets
    for key in secrets:
        prepared.set_secret(key, f"{CANARY}-{key}")
    output = platform.run("up", "--stack", stack)
    assert CANARY not in output
    assert "says:" in output
    assert files_with(platform.paths.state, CANARY) == []
    assert changes(platform.run("up", "--stack", stack)) == 0
    platform.run("down", "--stack", stack)
    assert_nothing_left(platform, stack, before)


def test_a_killed_up_is_taken_up_by_the_next_one(platform: Platform, before: Inventory) -> None:
    running = subprocess.Popen([sys.executable, "-m", "local", "up"], cwd=REPO, stdout=subprocess.DEVNULL)
    kill_pulumi_while_it_creates("kubernetes:helm.sh/v3:Release", platform, running)
    assert running.wait(timeout=60) != 0
    output = platform.run("up")
    assert "looking for what it had begun" in output
    assert "says:" in output
    assert changes(platform.run("up")) == 0


def test_a_lost_aws_endpoint_makes_up_begin_anew(platform: Platform, before: Inventory) -> None:
    """Its state is in memory only. Last of all: a new endpoint has another default VPC than `before` knows."""
    platform.run("up")
    record = platform.processes.record("aws")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    output = platform.run("up")
    assert "beginning again with an empty platform" in output
    assert "says:" in output
    platform.run("down", "--stack", "local")


def kill_pulumi_while_it_creates(kind: str, platform: Platform, running: subprocess.Popen[bytes]) -> None:
    """Waits until the state says that such a resource is being created, then ends the CLI as a power cut would."""
    state = platform.stack("local").state_file
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        latest = json.loads(state.read_text())["checkpoint"]["latest"] if state.exists() else None
        pending = (latest or {}).get("pending_operations") or []
        if any(operation["resource"]["type"] == kind for operation in pending):
            break
        time.sleep(0.1)
    (pulumi,) = (child for child in psutil.Process(running.pid).children() if child.name() == "pulumi")
    hosts = pulumi.children(recursive=True)
    pulumi.kill()
    for host in psutil.wait_procs(hosts, timeout=10)[1]:
        host.kill()  # the language host does not notice that nobody asks it any more


def files_with(folder: Path, text: str) -> list[str]:
    """Files that hold the text; not etcd's, where a Kubernetes Secret is as readable as in any cluster's store."""
    completed = subprocess.run(
        ["grep", "-rlaF", "--exclude-dir=etcd", text, str(folder)], capture_output=True, text=True, check=False
    )
    assert completed.returncode < 2, completed.stderr
    return completed.stdout.splitlines()


def assert_nothing_left(platform: Platform, stack: str, before: Inventory) -> None:
    before.assert_nothing_more(platform)
    assert platform.stack(stack).resource_count() == 0
