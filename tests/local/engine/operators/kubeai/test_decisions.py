"""What the stand-in decides by itself: pods of a rollout, replicas, servers; as KubeAI's own code does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from local.engine.operators.kubeai.autoscaler import Autoscaler
from local.engine.operators.kubeai.balance import choose, prefix_of
from local.engine.operators.kubeai.controller import pod_plan
from tests.components.rendered import kubeai_system


def pod(name: str, hashed: str = "new", ready: bool = True, created: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": name, "labels": {"pod-hash": hashed}, "creationTimestamp": created},
        "spec": {"nodeName": "n"},
        "status": {"conditions": [condition]},
    }


def names(pods: list[dict[str, Any]]) -> list[str]:
    return [each["metadata"]["name"] for each in pods]


def test_pods_come_and_go_with_the_replicas_the_youngest_that_are_not_ready_first() -> None:
    assert pod_plan([], "new", 2, 0) == (2, [])
    old, young = pod("old"), pod("young", created="2026-02-01T00:00:00Z")
    assert names(pod_plan([old, young], "new", 1, 0)[1]) == ["young"]
    assert names(pod_plan([old, young, pod("slow", ready=False)], "new", 2, 0)[1]) == ["slow"]


def test_a_rollout_with_a_surge_takes_the_old_pod_when_the_new_one_is_ready() -> None:
    old = pod("old", "before")
    assert pod_plan([old], "new", 1, 1) == (1, [])
    assert pod_plan([old, pod("new", ready=False)], "new", 1, 1) == (0, [])
    create, taken = pod_plan([old, pod("new")], "new", 1, 1)
    assert (create, names(taken)) == (0, ["old"])


def test_a_rollout_without_room_takes_the_old_pod_first() -> None:
    create, taken = pod_plan([pod("old", "before")], "new", 1, 0)
    assert (create, names(taken)) == (1, ["old"])


def test_an_old_pod_that_drains_counts_so_that_the_new_one_is_taken_again_until_it_is_gone() -> None:
    """As its own code does (calculatePodPlan counts pods that are being deleted): docs/backends/kubeai.md says it."""
    create, taken = pod_plan([pod("draining", "before"), pod("new", ready=False)], "new", 1, 0)
    assert "new" in names(taken)
    assert create == 1


def test_replicas_follow_the_mean_of_the_window_and_leave_only_after_the_delay() -> None:
    system = replace(kubeai_system(), interval_seconds=10.0, window_seconds=30.0)
    scaler = Autoscaler(system)
    spec = {"minReplicas": 0, "maxReplicas": 3, "targetRequests": 10, "scaleDownDelaySeconds": 20, "replicas": 1}
    assert [scaler.look("chat", spec, 60) for _ in range(3)] == [2, 3, 3], "means 20, 40, 60 of 10 each, 3 at most"
    spec["replicas"] = 3
    looks = [scaler.look("chat", spec, 0) for _ in range(6)]
    assert looks[:2] == [None, None]
    assert looks[-1] == 0
    assert scaler.look("fixed", {**spec, "autoscalingDisabled": True}, 99) is None


def test_requests_that_begin_alike_stay_together_until_their_server_is_too_full() -> None:
    servers, idle = ["a:8000", "b:8000", "c:8000"], Counter[str]()
    first = choose(servers, idle, "PrefixHash", "You are a poet")
    assert first is not None
    assert {choose(servers, idle, "PrefixHash", "You are a poet") for _ in range(5)} == {first}
    assert len({choose(servers, idle, "PrefixHash", f"prefix {number}") for number in range(40)}) == 3
    assert choose(servers, Counter({first: 9}), "PrefixHash", "You are a poet") != first
    assert choose(servers, Counter({"a:8000": 2, "b:8000": 1}), "LeastLoad", "") == "c:8000"
    assert choose([], idle, "PrefixHash", "x") is None


def test_the_prefix_is_the_first_user_message_not_the_system_prompt() -> None:
    body = {"messages": [{"role": "system", "content": "same"}, {"role": "user", "content": "hello world"}]}
    assert prefix_of(body, 5) == "hello"
    parts = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]}]
    }
    assert prefix_of(parts, 3) == "abc"
    assert prefix_of({"prompt": "once upon"}, 4) == "once"
