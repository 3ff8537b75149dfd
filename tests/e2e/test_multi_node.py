"""The real LeaderWorkerSet controller and chart (0.7.0): groups of two pods on two nodes serve, fall, move, scale, go.

They are taken only for a stack that asks (`python -m local tools lws`); without them: skipped. The engine is simulated:
its leader serves while its worker runs (local/engine/groups.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from local.commands.completion import ask, models, service_url
from tests.e2e.asking import Asked, asking
from tests.e2e.cluster import Cluster as AnyCluster
from tests.e2e.cluster import change_model, drain, eventually, evicted, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.inventory import Inventory
from tests.e2e.loading import changed_stack

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 180
SET = "qwen-group"
GROUP = ("leaderworkerset.x-k8s.io", "v1", "models", "leaderworkersets")
LEADER, WORKER = f"{SET}-0", f"{SET}-0-1"
LEAD_SECONDS = 5
"""Requests go on for so long before something is done to the pods."""
Uids = dict[str, str]


def _grouped(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["monitoring"] = {"enabled": False}
    settings["systemNodes"] = {"minNodes": 3, "maxNodes": 3}
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4, "zones": ["us-east-1a"]}
    model |= {"pipelineParallel": 2, "nodes": 2, "autoscaling": {"kind": "none", "minReplicas": 1}}
    model["drain"] = {"preStopSeconds": 2, "shutdownTimeoutSeconds": 20}


class Cluster(AnyCluster):
    """The stack and its groups."""

    def __init__(self, platform: Platform, file: Path) -> None:
        super().__init__(platform)
        self.file = file
        self.policy = client.PolicyV1Api(self.api)

    def change(self, **changes: Any) -> str:
        change_model(self.file, **changes)
        return self.platform.run("up", "--stack-file", str(self.file))

    def pods(self) -> dict[str, Any]:
        """Name -> pod, of those that stay."""
        listed = self.core.list_namespaced_pod("models", label_selector=f"leaderworkerset.sigs.k8s.io/name={SET}").items
        return {pod.metadata.name: pod for pod in listed if pod.metadata.deletion_timestamp is None}

    def uids(self) -> Uids:
        return {name: pod.metadata.uid for name, pod in self.pods().items()}

    def ready(self) -> set[str]:
        return {
            name
            for name, pod in self.pods().items()
            if any(
                condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or []
            )
        }

    def arguments(self) -> set[str]:
        """`--max-num-seqs` of all pods."""
        arguments = [argument for pod in self.pods().values() for argument in pod.spec.containers[0].args]
        return {argument for argument in arguments if argument.startswith("--max-num-seqs=")}

    def eventually(self, what: str, holds: Callable[[], bool]) -> None:
        def state() -> object:
            phases = {name: pod.status.phase for name, pod in self.pods().items()}
            return phases, sorted(self.ready()), self.custom.get_namespaced_custom_object(*GROUP, SET).get("status")

        eventually(what, holds, state, PATIENCE_SECONDS)

    def until_renewed(self, before: Uids) -> None:
        """Every pod of these groups is another one, and all are Ready."""

        def renewed() -> bool:
            now = self.uids()
            return now.keys() == before.keys() == self.ready() and not set(now.values()) & set(before.values())

        self.eventually("all pods of the group are new and Ready", renewed)

    @property
    def url(self) -> str:
        (model,) = models(self.platform.paths)
        return service_url(self.platform.paths, model)

    @contextmanager
    def requests(self, done: str) -> Iterator[Asked]:
        """Asks while something is `done`, and prints what became of it."""
        url = self.url
        with asking(url, ask(url).model) as asked:
            time.sleep(LEAD_SECONDS)
            yield asked
            time.sleep(LEAD_SECONDS)
        print(
            f"{done}: {dict(asked.answered)} answered, sent again {dict(asked.again)}, lost {asked.lost}, "
            f"longest {asked.longest_seconds:.1f} s"
        )


@pytest.fixture(scope="module")
def before(platform: Platform) -> Inventory:
    """What was there before the stack."""
    skip_unless_built("lws")
    return Inventory.settled(platform)


@pytest.fixture(scope="module")
def cluster(before: Inventory, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    file = changed_stack(tmp_path_factory.mktemp("multi-node"), _grouped)
    platform.run("up", "--stack-file", str(file))
    yield Cluster(platform, file)
    platform.run("down", "--stack", "local")


def test_a_group_of_two_nodes_serves_by_its_leader(cluster: Cluster) -> None:
    platform = cluster.platform
    assert platform.processes.is_alive("lws-controller")
    assert cluster.apps.list_namespaced_deployment("models").items == []
    pods = cluster.pods()
    assert set(pods) == {LEADER, WORKER} == cluster.ready()
    assert len({pod.spec.node_name for pod in pods.values()}) == 2
    leader, worker = pods[LEADER].spec.containers[0], pods[WORKER].spec.containers[0]
    assert "--headless" in worker.args
    written = {variable.name: variable.value for variable in worker.env if variable.value}
    assert written["LWS_LEADER_ADDRESS"] == f"{LEADER}.{SET}.models", "its webhook wrote it"
    assert (written["LWS_WORKER_INDEX"], written["LWS_GROUP_SIZE"]) == ("1", "2")
    assert leader.readiness_probe is not None
    headless = cluster.core.read_namespaced_service(SET, "models").spec
    assert (headless.cluster_ip, headless.publish_not_ready_addresses) == ("None", True)
    slices = client.DiscoveryV1Api(cluster.api).list_namespaced_endpoint_slice(
        "models", label_selector="kubernetes.io/service-name=qwen"
    )
    targets = [point.target_ref.name for one in slices.items for point in one.endpoints or []]
    assert targets == [LEADER]
    (model,) = models(platform.paths)
    assert (model.service, model.wanted, model.available) == ("qwen", 1, 1)
    assert ask(cluster.url).text
    budget = cluster.policy.read_namespaced_pod_disruption_budget("qwen", "models").status
    assert (budget.expected_pods, budget.disruptions_allowed) == (2, 1)
    assert "pulumi: 0 changes" in platform.run("up", "--stack-file", str(cluster.file))


def test_the_controllers_webhooks_refuse_what_it_cannot_serve(cluster: Cluster) -> None:
    webhooks = client.AdmissionregistrationV1Api(cluster.api)
    validating = webhooks.read_validating_webhook_configuration("lws-validating-webhook-configuration").webhooks
    assert [webhook.failure_policy for webhook in validating] == ["Fail", "Fail"]
    assert all(webhook.client_config.ca_bundle for webhook in validating), "the controller wrote its own authority"
    with pytest.raises(client.ApiException, match=r"vleaderworkerset.kb.io.*denied the request.*size"):
        cluster.custom.patch_namespaced_custom_object(
            *GROUP, SET, {"spec": {"leaderWorkerTemplate": {"size": 0}}}, field_manager="test"
        )


def test_a_worker_that_is_deleted_takes_its_group_along_after_the_requests_that_run(cluster: Cluster) -> None:
    before = cluster.uids()
    with cluster.requests("a worker deleted") as asked:
        cluster.core.delete_namespaced_pod(WORKER, "models")
        cluster.until_renewed(before)
    assert asked.lost == []
    assert asked.answered.total() > 10, "or nothing was tried"


def test_a_worker_that_is_killed_ends_what_runs_and_a_new_group_serves(cluster: Cluster) -> None:
    before = cluster.uids()
    with cluster.requests("a worker killed") as asked:
        cluster.core.delete_namespaced_pod(WORKER, "models", grace_period_seconds=0)
        cluster.until_renewed(before)
    assert asked.again or asked.lost, "its engine cannot finish without it"
    logs = cluster.platform.processes.log_file("engine").read_text()
    assert f"models/{LEADER} ERROR (simulated) vLLM ended, exit code 1" in logs
    assert ask(cluster.url).text


def test_a_drained_node_sends_its_whole_group_to_others_and_loses_no_request(cluster: Cluster) -> None:
    before, pods = cluster.uids(), cluster.pods()
    node = pods[WORKER].spec.node_name
    with cluster.requests("a node drained") as asked:
        drain(cluster.core, node, pods.values())
        cluster.until_renewed(before)
    assert asked.lost == []
    assert node not in {pod.spec.node_name for pod in cluster.pods().values()}
    cluster.core.patch_node(node, {"spec": {"unschedulable": None}})


def test_another_replica_is_another_group_and_the_budget_lets_one_group_go_at_a_time(cluster: Cluster) -> None:
    first = cluster.uids()
    cluster.change(autoscaling={"kind": "none", "minReplicas": 2})
    cluster.eventually("two groups", lambda: len(cluster.ready()) == 4)
    pods, both = cluster.pods(), cluster.uids()
    assert set(pods) == {f"{SET}-{group}{worker}" for group in (0, 1) for worker in ("", "-1")}
    assert len({pod.spec.node_name for pod in pods.values()}) == 4
    assert first.items() <= both.items()
    with cluster.requests("a pod of one of two groups evicted") as asked:
        assert evicted(cluster.core, f"{SET}-1-1")
        assert not evicted(cluster.core, WORKER), "the other group stays meanwhile"
        cluster.until_renewed({**both, **dict.fromkeys(first, "")})
    assert first.items() <= cluster.uids().items()
    assert asked.lost == []


def test_a_changed_flag_goes_through_the_groups_one_after_another(cluster: Cluster) -> None:
    before = cluster.uids()
    fewest = 2

    def changed() -> bool:
        nonlocal fewest
        fewest = min(fewest, len(cluster.ready() & {LEADER, f"{SET}-1"}))
        return cluster.arguments() == {"--max-num-seqs=32"} and len(cluster.ready()) == 4

    with cluster.requests("a flag changed, two groups") as asked:
        cluster.change(maxNumSeqs=32)
        cluster.eventually("new groups", changed)
    assert fewest >= 1, "a group serves while another one changes"
    assert not set(before.values()) & set(cluster.uids().values())
    assert asked.lost == []


def test_a_destroy_leaves_no_group_and_no_controller(cluster: Cluster, before: Inventory) -> None:
    cluster.platform.run("down", "--stack", "local")
    assert not cluster.platform.processes.is_alive("lws-controller")
    before.assert_nothing_more(cluster.platform)
