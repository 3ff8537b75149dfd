"""When an object counts as ready, and what is said until then: decisions over live objects."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from local.providers.kubernetes.awaiting import loop
from local.providers.kubernetes.awaiting.custom import custom_awaiter
from local.providers.kubernetes.awaiting.network_storage import decide_claim, decide_ingress, decide_service
from local.providers.kubernetes.awaiting.verdict import Surroundings, Verdict
from local.providers.kubernetes.awaiting.workloads import (
    decide_daemon_set,
    decide_deployment,
    decide_job,
    decide_pod,
    decide_stateful_set,
)
from local.providers.rpc import ProviderError
from tests.local.providers.kubernetes.scripted import ScriptedCluster, not_found

NOW = Surroundings()


def live(spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "d", "generation": 1, **metadata},
        "spec": spec,
        "status": {"observedGeneration": 1, **status},
    }


def conditions(**statuses: str) -> list[dict[str, str]]:
    """conditions(Available="True/Reason") with message "said" """
    return [
        {"type": kind, "status": text.partition("/")[0], "reason": text.partition("/")[2], "message": "said"}
        for kind, text in statuses.items()
    ]


def counts(number: int) -> dict[str, int]:
    return {"replicas": number, "updatedReplicas": number, "availableReplicas": number}


def test_a_deployment_is_ready_when_all_replicas_are_new_and_available() -> None:
    status = {**counts(2), "conditions": conditions(Available="True/M", Progressing="True/NewReplicaSetAvailable")}
    assert decide_deployment(live({"replicas": 2}, status), NOW) == Verdict(
        is_done=True, lines=(("info", "Deployment initialization complete"),)
    )


def test_a_deployment_whose_controller_has_not_seen_the_change_is_not_ready() -> None:
    status = {**counts(2), "conditions": conditions(Available="True/M", Progressing="True/NewReplicaSetAvailable")}
    assert not decide_deployment(live({"replicas": 2}, status, generation=2), NOW).is_done


def test_an_unavailable_deployment_says_why_and_how_many() -> None:
    status = {"updatedReplicas": 1, "conditions": conditions(Available="False/MinimumReplicasUnavailable")}
    verdict = decide_deployment(live({"replicas": 1}, status), NOW)
    assert verdict.lines == (
        ("warning", "[MinimumReplicasUnavailable] said"),
        ("info", "Waiting for app ReplicaSet to be available (0/1 Pods available)"),
    )
    assert verdict.problems == ("Minimum number of live Pods was not attained",)


def test_a_stuck_rollout_with_old_pods_alive_says_so() -> None:
    status = {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}
    verdict = decide_deployment(live({"replicas": 1}, status), Surroundings(is_update=True))
    assert verdict.problems == ("Minimum number of Pods to consider the application live was not attained",)


def test_an_exceeded_deadline_is_shown_and_waited_on() -> None:
    status = {"conditions": conditions(Available="False/A", Progressing="False/ProgressDeadlineExceeded")}
    verdict = decide_deployment(live({"replicas": 1}, status), NOW)
    assert not verdict.failure
    assert "[ProgressDeadlineExceeded] said" in verdict.problems


def test_zero_replicas_are_ready_with_a_warning() -> None:
    verdict = decide_deployment(live({"replicas": 0}, {}), NOW)
    assert verdict.is_done
    assert verdict.lines == (("warning", 'Replicas scaled to 0 for Deployment "x"'),)


def test_a_bad_image_is_told_after_ten_seconds_and_not_before() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "nginx:1"'}
    pod = {
        "metadata": {"name": "x-1", "namespace": "d"},
        "status": {"containerStatuses": [{"name": "c", "ready": False, "state": {"waiting": waiting}}]},
    }
    text = '[Pod d/x-1]: containers with unready status: [c][ImagePullBackOff] Back-off pulling image "nginx:1"'
    early, late = (Surroundings(seconds=seconds, pods=(pod,)) for seconds in (9.9, 10.0))
    assert text not in decide_deployment(live({}, {}), early).problems
    assert decide_deployment(live({}, {}), late).problems[-1] == text


def test_a_stateful_set_waits_for_ready_pods_of_the_newest_revision() -> None:
    spec = {"replicas": 2}
    some = decide_stateful_set(live(spec, {"readyReplicas": 1}), NOW)
    assert some.lines == (("info", "[1/2] Waiting for StatefulSet to create Pods (1/2 Pods ready)"),)
    assert some.problems == ("1 out of 2 replicas succeeded readiness checks",)
    old = {"readyReplicas": 2, "currentRevision": "a", "updateRevision": "b"}
    assert not decide_stateful_set(live(spec, old), NOW).is_done
    assert decide_stateful_set(live(spec, {**old, "currentRevision": "b"}), NOW).is_done


def test_a_daemon_set_waits_for_every_node_it_should_run_on() -> None:
    status = {"desiredNumberScheduled": 2, "numberAvailable": 1, "updatedNumberScheduled": 2}
    assert decide_daemon_set(live({}, status), NOW).problems == ("Available: 1/2",)
    assert decide_daemon_set(live({}, {**status, "numberAvailable": 2}), NOW).lines == (
        ("info", "All replicas scheduled as expected. Replicas: 2"),
    )


def test_a_job_waits_to_start_then_to_succeed_and_fails_at_once() -> None:
    assert decide_job(live({}, {}), NOW).lines == (("info", 'Waiting for Job "d/x" to start'),)
    running = decide_job(live({}, {"startTime": "t", "active": 1}), NOW)
    assert running.lines == (("info", 'Waiting for Job "d/x" to succeed (Active: 1 | Succeeded: 0 | Failed: 0)'),)
    failed = decide_job(live({}, {"conditions": conditions(Failed="True/DeadlineExceeded")}), NOW)
    assert failed.failure == ("Resource 'x' was created but failed to initialize", "[DeadlineExceeded] said")
    assert decide_job(live({}, {"conditions": conditions(Complete="True/")}), NOW).is_done


def test_an_unschedulable_pod_says_what_the_scheduler_said() -> None:
    verdict = decide_pod(live({}, {"conditions": conditions(PodScheduled="False/Unschedulable")}), NOW)
    assert verdict.problems == ("[Unschedulable] said",)
    assert decide_pod(live({}, {"conditions": conditions(Ready="True/")}), NOW).is_done


@pytest.mark.parametrize(
    "spec",
    [{"clusterIP": "None", "selector": {"a": "b"}}, {"type": "ExternalName", "selector": {"a": "b"}}, {}],
)
def test_a_service_that_directs_no_traffic_itself_is_ready_at_once(spec: dict[str, Any]) -> None:
    assert decide_service(live(spec, {}), NOW).is_done


def test_a_cluster_service_is_ready_after_ten_seconds_with_or_without_pods() -> None:
    service = live({"selector": {"a": "b"}}, {})
    assert decide_service(service, Surroundings(seconds=9.9)).lines == (
        ("info", "[1/3] Finding Pods to direct traffic to"),
    )
    assert decide_service(service, Surroundings(seconds=10.0)).is_done


def test_a_load_balancer_needs_an_address_and_ready_pods() -> None:
    service = live({"type": "LoadBalancer", "selector": {"a": "b"}}, {})
    lacking = decide_service(service, Surroundings(seconds=600.0))
    assert len(lacking.problems) == 2
    assert "was not allocated an IP address" in lacking.problems[1]
    ready = Surroundings(seconds=10.0, endpoints=({"endpoints": [{"conditions": {"ready": True}}]},))
    addressed = live(service["spec"], {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}})
    assert decide_service(addressed, ready).is_done


def test_an_ingress_names_the_path_whose_service_is_missing() -> None:
    rule = {"http": {"paths": [{"path": "/", "backend": {"service": {"name": "zz"}}}]}}
    verdict = decide_ingress(live({"rules": [rule]}, {}), Surroundings(seconds=10.0))
    assert ("warning", 'No matching service found for ingress rule: "/" -> "zz"') in verdict.lines
    assert len(verdict.problems) == 2


def test_a_claim_is_ready_when_bound_or_when_binding_waits_for_a_pod() -> None:
    assert not decide_claim(live({}, {"phase": "Pending"}), NOW).is_done
    assert decide_claim(live({}, {"phase": "Bound"}), NOW).is_done
    late = Surroundings(storage_class={"volumeBindingMode": "WaitForFirstConsumer"})
    assert decide_claim(live({}, {"phase": "Pending"}), late).is_done


def test_wait_for_reads_paths_and_conditions_and_needs_all_of_a_list() -> None:
    obj = {"spec": {"a": 1, "l": [{"b": "x"}]}, "status": {"conditions": conditions(Ready="False/")}}
    assert custom_awaiter("jsonpath={.spec.a}=1").decide(obj, NOW).lines == (("info", "Found {.spec.a}=1"),)
    assert custom_awaiter("jsonpath={.spec.l[0].b}=x").decide(obj, NOW).is_done
    ready = custom_awaiter("condition=Ready").decide(obj, NOW)
    assert ready.lines == (("info", "Resource has condition Ready=False (want True)"),)
    both = custom_awaiter('["jsonpath={.spec.a}=1", "condition=Ready"]').decide(obj, NOW)
    assert not both.is_done


def test_a_wait_for_of_another_kind_is_refused() -> None:
    with pytest.raises(ProviderError, match='expected a "jsonpath=" or "condition=" prefix, got "bogus"'):
        custom_awaiter("bogus")


@pytest.mark.parametrize(
    ("annotations", "custom_timeout", "expected"),
    [({}, 0, 600.0), ({"pulumi.com/timeoutSeconds": "7"}, 0, 7.0), ({"pulumi.com/timeoutSeconds": "7"}, 3, 3)],
)
def test_the_time_limit_is_the_users_before_the_kinds(
    annotations: dict[str, str], custom_timeout: float, expected: float
) -> None:
    inputs = {"metadata": {"annotations": annotations}}
    assert loop.limit_seconds(inputs, custom_timeout, 600.0) == expected


def test_a_wait_ends_at_its_limit_with_all_problems() -> None:
    stuck = live({"replicas": 1}, {})
    cluster = ScriptedCluster(lambda *_: stuck)
    waiter = loop.Waiter(cluster, threading.Event())
    lines: list[Any] = []
    with pytest.raises(loop.AwaitFailed) as caught:
        waiter.until_ready(stuck, stuck, lines.append, is_update=False, timeout_seconds=0.2)
    assert caught.value.reasons == (
        "'x' timed out waiting to be Ready",
        "Minimum number of live Pods was not attained",
    )
    assert lines.count(("info", "Waiting for app ReplicaSet to be available (0/1 Pods available)")) == 1


def test_a_cancelled_wait_ends_at_once() -> None:
    stuck = live({"replicas": 1}, {})
    cancelled = threading.Event()
    cancelled.set()
    waiter = loop.Waiter(ScriptedCluster(lambda *_: stuck), cancelled)
    with pytest.raises(loop.AwaitFailed, match="cancelled"):
        waiter.until_ready(stuck, stuck, lambda line: None, is_update=False, timeout_seconds=0)


def test_skip_await_asks_nothing() -> None:
    obj = live({"replicas": 1}, {}, annotations={"pulumi.com/skipAwait": "true"})
    cluster = ScriptedCluster(lambda *_: obj)
    lines: list[Any] = []
    assert (
        loop.Waiter(cluster, threading.Event()).until_ready(obj, obj, lines.append, is_update=False, timeout_seconds=0)
        is obj
    )
    assert lines == [("info", "Skipping await logic")]
    assert cluster.asked == []


def test_a_deletion_that_hangs_names_the_finalizers() -> None:
    obj = live({}, {}, uid="u", finalizers=["ex.io/f"])
    lines: list[Any] = []
    with pytest.raises(loop.AwaitFailed, match="timed out waiting for the condition"):
        loop.Waiter(ScriptedCluster(lambda *_: obj), threading.Event()).until_gone(obj, 0.0, lines.append)
    assert ("warning", "finalizers might be preventing deletion (ex.io/f)") in lines


def test_a_deletion_is_over_when_the_object_is_gone_or_another_one() -> None:
    def gone(*_: Any) -> Any:
        raise not_found("x")

    obj = live({}, {}, uid="u")
    loop.Waiter(ScriptedCluster(gone), threading.Event()).until_gone(obj, 5.0, lambda line: None)
    other = live({}, {}, uid="another")
    loop.Waiter(ScriptedCluster(lambda *_: other), threading.Event()).until_gone(obj, 5.0, lambda line: None)
