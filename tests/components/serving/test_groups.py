"""Replicas on several nodes: the LeaderWorkerSet, its network and budget, and how a worker leaves."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from components.serving import leave_with_leader
from components.serving.manifests.group import leader_worker_set
from tests.components.plans import FIXED_MODEL, GROUP_MODEL, KEDA_MODEL, OPEN_MODEL
from tests.components.rendered import of_model

TEMPLATES = ("leaderTemplate", "workerTemplate")


def spec(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = leader_worker_set(replace(GROUP_MODEL, **changes), "vllm-model")["spec"]
    return made


def container(template: str) -> dict[str, Any]:
    (found,) = spec()["leaderWorkerTemplate"][template]["spec"]["containers"]
    return dict(found)


def test_a_group_lives_and_dies_as_one_and_groups_change_one_after_another() -> None:
    made = spec()
    template = made["leaderWorkerTemplate"]
    assert (template["size"], template["restartPolicy"]) == (2, "RecreateGroupOnPodRestart")
    assert made["startupPolicy"] == "LeaderCreated"
    assert made["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert "replicas" not in made
    assert spec(autoscaling=FIXED_MODEL.autoscaling)["replicas"] == 2


def test_only_the_leader_is_probed_and_answers() -> None:
    leader, worker = container("leaderTemplate"), container("workerTemplate")
    assert {"startupProbe", "readinessProbe", "livenessProbe", "ports"} <= leader.keys()
    assert not worker.keys() & {"startupProbe", "readinessProbe", "livenessProbe", "ports"}
    assert "--headless" in worker["args"]
    assert "--headless" not in leader["args"]
    assert worker["args"][: len(GROUP_MODEL.args)] == leader["args"][: len(GROUP_MODEL.args)] == list(GROUP_MODEL.args)
    for each in (leader, worker):
        assert each["env"][0] == {"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
        assert each["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_pods_of_a_group_are_not_spread_and_both_download() -> None:
    for template in TEMPLATES:
        pod = spec()["leaderWorkerTemplate"][template]["spec"]
        assert not pod.keys() & {"affinity", "topologySpreadConstraints"}
        assert [each["name"] for each in pod["initContainers"]] == ["download"]


def test_autoscalers_move_groups() -> None:
    for scaling, what in ((GROUP_MODEL.autoscaling, "hpa"), (KEDA_MODEL.autoscaling, "scaled-object")):
        made = of_model(replace(GROUP_MODEL, autoscaling=scaling))
        assert made[what]["spec"]["scaleTargetRef"] == {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "name": "grouped-group",
        }


@pytest.mark.parametrize(("replicas", "pods"), [(1, 1), (2, 3), (3, 5)])
def test_a_budget_of_replicas_lets_one_pod_more_go_than_groups_that_are_away_have(replicas: int, pods: int) -> None:
    """Of two pods a group: one eviction ends both; with both away a budget of `pods` leaves one more to go, or none."""
    budget = of_model(replace(GROUP_MODEL, max_unavailable=replicas))["pdb"]["spec"]
    assert budget["maxUnavailable"] == pods
    assert budget["selector"]["matchLabels"] == {"leaderworkerset.sigs.k8s.io/name": "grouped-group"}
    away = 0
    for _ in range(replicas):
        assert away < pods
        away += 2
    assert away >= pods


def test_pods_of_a_group_reach_each_other_and_names_and_other_models_reach_none() -> None:
    policy = of_model(GROUP_MODEL)["network-policy"]["spec"]
    own = {"podSelector": {"matchLabels": {"leaderworkerset.sigs.k8s.io/name": "grouped-group"}}}
    ports = [{"protocol": "TCP", "port": 1024, "endPort": 65535}]
    assert {"from": [own], "ports": ports} in policy["ingress"]
    assert {"to": [own], "ports": ports} in policy["egress"]
    assert any({"protocol": "UDP", "port": 53} in rule["ports"] for rule in policy["egress"])
    alone = of_model(OPEN_MODEL)["network-policy"]["spec"]
    assert all("endPort" not in port for rule in (*alone["ingress"], *alone["egress"]) for port in rule["ports"])


class Leader:
    """Something that holds a port open, as a leader's engine does."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def ask(self, seconds: float) -> str:
        return json.dumps({"port": self.port, "seconds": seconds})


def test_a_worker_stays_while_its_leaders_engine_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWS_LEADER_ADDRESS", "127.0.0.1")
    monkeypatch.setattr(leave_with_leader, "PAUSE_SECONDS", 0.01)
    leader = Leader()
    ended: list[int] = []
    waiting = Thread(target=lambda: ended.append(leave_with_leader.main(leader.ask(60))), daemon=True)
    waiting.start()
    leader.server.accept()[0].close()
    leader.server.accept()[0].close()
    assert ended == []
    leader.server.close()
    waiting.join(timeout=30)
    assert ended == [0]


def test_a_worker_stays_no_longer_than_it_is_told_and_not_without_a_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_with_leader, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("LWS_LEADER_ADDRESS", "127.0.0.1")
    leader, began = Leader(), time.monotonic()
    assert leave_with_leader.main(leader.ask(0.05)) == 0
    assert time.monotonic() - began >= 0.05
    monkeypatch.setenv("LWS_LEADER_ADDRESS", "no-such-leader.invalid")
    assert leave_with_leader.main(leader.ask(3600)) == 0
    monkeypatch.delenv("LWS_LEADER_ADDRESS")
    assert leave_with_leader.main(leader.ask(3600)) == 0
