"""What the stand-in decides by itself: pods of a rollout, replicas, servers; as KubeAI's own code does."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from local.engine.operators.kubeai.autoscaler import Autoscaler, seeds_of
from local.engine.operators.kubeai.balance import EndpointGroup, prefix_of
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


def group(*servers: str, replication: int = 256) -> EndpointGroup:
    made = EndpointGroup(replication)
    made.reconcile({server: f"10.0.0.{number}:8000" for number, server in enumerate(servers)})
    return made


def name_of(made: EndpointGroup, balancing: dict[str, Any], prefix: str) -> str | None:
    chosen = made.choose(balancing, prefix)
    return next((name for name, each in made.endpoints.items() if each is chosen), None)


BY_PREFIX = {"strategy": "PrefixHash", "prefixHash": {"meanLoadFactor": 125}}
BY_LOAD = {"strategy": "LeastLoad", "prefixHash": {}}


def test_requests_that_begin_alike_stay_together_until_their_server_is_too_full() -> None:
    servers = group("a", "b", "c")
    first = name_of(servers, BY_PREFIX, "You are a poet")
    assert first is not None
    assert {name_of(servers, BY_PREFIX, "You are a poet") for _ in range(5)} == {first}
    assert {name_of(servers, BY_PREFIX, f"prefix {number}") for number in range(40)} == {"a", "b", "c"}
    with ExitStack() as busy:
        for _ in range(2):
            busy.enter_context(servers.taken(servers.endpoints[first]))
        # 2 in flight there, and a mean of (2 + 1) / 3 with the new one: 1.25 is the bound.
        second = name_of(servers, BY_PREFIX, "You are a poet")
        assert second != first
        assert name_of(servers, {**BY_PREFIX, "prefixHash": {"meanLoadFactor": 200}}, "You are a poet") == first
    assert name_of(servers, BY_PREFIX, "You are a poet") == first, "they are answered"
    assert name_of(group(), BY_PREFIX, "x") is None


def test_a_server_with_one_request_still_takes_another_that_begins_alike() -> None:
    """chwblLoadOK: its load is counted without the new request, the mean with it: 1 ≤ (1 + 1) / 2 × 1.25."""
    servers = group("a", "b")
    first = name_of(servers, BY_PREFIX, "You are a poet")
    assert first is not None
    with servers.taken(servers.endpoints[first]):
        assert name_of(servers, BY_PREFIX, "You are a poet") == first


def test_a_new_server_takes_a_part_of_the_beginnings_and_one_that_goes_gives_them_back() -> None:
    servers, prefixes = group("a", "b"), [f"prefix {number}" for number in range(60)]
    before = [name_of(servers, BY_PREFIX, prefix) for prefix in prefixes]
    servers.reconcile({"a": "1", "b": "2", "c": "3"})
    between = [name_of(servers, BY_PREFIX, prefix) for prefix in prefixes]
    assert {now for was, now in zip(before, between, strict=True) if now != was} == {"c"}
    servers.reconcile({"a": "1", "b": "2"})
    assert [name_of(servers, BY_PREFIX, prefix) for prefix in prefixes] == before


def test_the_least_loaded_server_is_asked() -> None:
    servers = group("a", "b", "c")
    with servers.taken(servers.endpoints["a"]), servers.taken(servers.endpoints["b"]):
        assert name_of(servers, BY_LOAD, "") == "c"
    assert {name_of(servers, BY_LOAD, "") for _ in range(60)} == {"a", "b", "c"}, "any, where all are idle"


def test_a_new_leader_begins_with_the_means_that_the_last_one_kept() -> None:
    """autoscaler.go, New and saveTotalModelState."""
    system = replace(kubeai_system(), interval_seconds=10.0, window_seconds=30.0)
    spec = {"minReplicas": 0, "maxReplicas": 9, "targetRequests": 10, "scaleDownDelaySeconds": 0, "replicas": 3}
    before = Autoscaler(system)
    for _ in range(3):
        before.look("chat", spec, 30)
    kept = {"data": {"models": before.state()}}
    assert seeds_of(kept) == {"chat": 30.0}
    assert Autoscaler(system, seeds_of(kept)).look("chat", spec, 0) == 2, "20 of 10: the window remembers"
    assert Autoscaler(system).look("chat", spec, 0) == 0
    assert seeds_of({}) == {}


def test_the_prefix_is_the_first_user_message_not_the_system_prompt() -> None:
    body = {"messages": [{"role": "system", "content": "same"}, {"role": "user", "content": "hello world"}]}
    assert prefix_of(body, 5) == "hello"
    parts = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]}]
    }
    assert prefix_of(parts, 3) == "abc"
    assert prefix_of({"prompt": "once upon"}, 4) == "once"
    assert prefix_of({"prompt": ["once upon", "a time"]}, 4) == "once"
    assert prefix_of({"prompt": [1, 2]}, 4) == "", "token ids have none"
    assert prefix_of({"messages": [{"role": "system", "content": "x"}]}, 4) == ""
