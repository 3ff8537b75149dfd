"""The real vLLM behind the real Envoy Gateway and Envoy: pods that are deleted, drained, scaled and killed under load.

Needs both: `make engine`, `python -m local tools gateway`; without one of them: skipped. ROUNDS=3 in the environment:
pods leave three times over.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from local.commands.completion import MODEL_SERVERS
from local.control_plane.cluster import is_ready
from local.host.paths import platform_paths
from local.vllm_cpu.environment import installed
from tests.e2e import cluster as e2e
from tests.e2e.cluster import drain, eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.gateway_client import CERTIFICATE, HOST, Gateway, put_secret
from tests.e2e.gateway_load import lost, streams_of_clients, whole_answers_of_clients
from tests.e2e.loading import REPORTS, changed_stack

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed(platform_paths()) is None, reason="vLLM is not installed; run: make engine"),
]

KEY, MODEL = "sk-everybody-4711", "qwen"
REPLICAS, ROUNDS = 2, int(os.environ.get("ROUNDS", "1"))
CLIENTS = 6
"""Each asks when it has its answer: as much as the servers can take, of whatever else the machine does."""
TOKENS = (50, 200, 1000)
"""Of an answer, in turn: the longest go on when SIGTERM comes."""
PRE_STOP_SECONDS, SHUTDOWN_SECONDS = 5, 300
LIMIT_SECONDS = 550
# A server loads beside those that answer, on this machine's cores.
PATIENCE_SECONDS = 900
RUNNING = re.compile(r"^vllm:num_requests_running\{[^}]*\} (\S+)$", re.M)


def _real_servers(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["gateway"] = {
        "kind": "gatewayApi",
        "host": HOST,
        "certificate": CERTIFICATE,
        "authentication": {"kind": "apiKeys", "secret": "api-keys"},
    }
    short = {"preStopSeconds": PRE_STOP_SECONDS, "shutdownTimeoutSeconds": SHUTDOWN_SECONDS}
    model |= {"servedName": "chat", "maxModelLen": 2048, "maxNumSeqs": 8, "drain": short}
    model["autoscaling"] = {"kind": "none", "minReplicas": REPLICAS}


class Cluster(e2e.Cluster):
    """Servers of the model, and the address in front of them."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.gateway = Gateway.with_certificate(self.core, platform.ports["envoy-https"])
        self._log = platform.processes.log_file("engine")

    def ready(self) -> list[Any]:
        """Those that are Ready and stay."""
        return [pod for pod in self.servers() if is_ready(pod)]

    def there(self) -> list[str]:
        """Names of all, also of those that leave."""
        pods = self.core.list_namespaced_pod("models", label_selector=MODEL_SERVERS).items
        return [pod.metadata.name for pod in pods]

    def settled(self, replicas: int) -> None:
        """Waits for so many Ready ones, and until no other is there, also none that leaves."""

        def holds() -> bool:
            return len(self.ready()) == len(self.there()) == replicas

        began = time.monotonic()
        eventually(f"{replicas} Ready and no other", holds, self.told, PATIENCE_SECONDS)
        print(f"{replicas} Ready and no other after {time.monotonic() - began:.0f} s", flush=True)

    def busy(self, pod: Any) -> bool:
        """Whether its engine answers requests now."""
        return any(float(value) > 0 for value in RUNNING.findall(self.metrics(pod.metadata.name)))

    def a_busy_one(self) -> Any:
        """A Ready server that answers requests now: something is to be lost there."""
        return eventually("a busy server", lambda: next((pod for pod in self.ready() if self.busy(pod)), None))

    def told(self) -> Counter[str]:
        """What the kubelet of the platform said of the ends of pods so far."""
        ends = r"INFO (?:preStop: exit code .*|SIGTERM|vllm ended with .*)|WARNING the grace period is over.*"
        return Counter(re.findall(ends, self._log.read_text()))


@pytest.fixture(scope="module")
def cluster(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    skip_unless_built("gateway")
    for above in (platform.paths.state, *platform.paths.state.parents[:3]):
        above.chmod(0o755)  # pytest's folders are its user's only, and servers are another one
    file = changed_stack(tmp_path_factory.mktemp("gateway"), _real_servers)
    platform.run("up", "--engine", "vllm", "--stack-file", str(file))
    made = Cluster(platform)
    put_secret(made.core, "gateway", "api-keys", {"alice": KEY.encode()})
    made.settled(REPLICAS)
    eventually("answered", lambda: made.gateway.chat("chat", KEY).status == 200)
    yield made
    platform.run("down", "--stack", "local")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_pods_that_are_deleted_drained_and_scaled_lose_no_stream(cluster: Cluster, number: int) -> None:
    before = cluster.told()

    def meanwhile() -> None:
        time.sleep(5)
        cluster.scale(MODEL, REPLICAS + 1)
        cluster.settled(REPLICAS + 1)
        eventually("all busy", lambda: all(map(cluster.busy, cluster.ready())))
        cluster.scale(MODEL, REPLICAS)
        time.sleep(1)
        cluster.settled(REPLICAS)
        cluster.core.delete_namespaced_pod(cluster.a_busy_one().metadata.name, "models")
        time.sleep(1)
        cluster.settled(REPLICAS)
        leaves = cluster.a_busy_one()
        drain(cluster.core, leaves.spec.node_name, cluster.servers())
        eventually("drained", lambda: leaves.metadata.name not in cluster.there(), cluster.there, PATIENCE_SECONDS)
        cluster.core.patch_node(leaves.spec.node_name, {"spec": {"unschedulable": False}})

    cluster.settled(REPLICAS)
    results = asyncio.run(streams_of_clients(cluster.gateway, KEY, CLIENTS, meanwhile, TOKENS, LIMIT_SECONDS))
    print(f"{len(results)} streams while three pods left")
    assert lost(f"real-gateway-streams-{number}", results) == []
    told = cluster.told() - before
    assert told == {"INFO preStop: exit code 0: all taken": 3, "INFO SIGTERM": 3, "INFO vllm ended with exit code 0": 3}


def test_of_a_killed_pod_every_whole_answer_comes_from_another(cluster: Cluster) -> None:
    def meanwhile() -> None:
        time.sleep(5)
        name = cluster.a_busy_one().metadata.name
        cluster.core.delete_namespaced_pod(name, "models", grace_period_seconds=0)
        time.sleep(1)
        cluster.settled(REPLICAS)

    cluster.settled(REPLICAS)
    answers = asyncio.run(whole_answers_of_clients(cluster.gateway, KEY, CLIENTS, meanwhile, tokens=400))
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "real-gateway-killed.json").write_text(json.dumps(Counter(answers), indent=2))
    print(f"{len(answers)} answers while one of two pods was killed")
    assert set(answers) == {"answered"}
