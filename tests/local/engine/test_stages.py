"""The KWOK Stages of the engines reach KWOK, and win over the general ones."""

from __future__ import annotations

from local.engine.operators.kubeai.pod import SERVER
from local.engine.pods import CONTAINERS
from local.nodes.kwok import stages


def test_kwok_leaves_draining_engines_alone_until_their_grace_period_is_over() -> None:
    specs = {stage["metadata"]["name"]: stage["spec"] for stage in stages(6)}
    general, ours = specs["pod-delete"], specs["engine-delete"]
    assert ours["weight"] > general.get("weight", 0)
    assert ours["delay"] == {"durationFrom": {"expressionFrom": ".metadata.deletionTimestamp"}}
    assert {"key": ".spec.containers.[].name", "operator": "In", "values": [*CONTAINERS, SERVER]} in ours["selector"][
        "matchExpressions"
    ]


def test_a_crashed_engine_has_a_stage_that_drops_the_queued_readiness() -> None:
    crashed = next(stage["spec"] for stage in stages(6) if stage["metadata"]["name"] == "engine-crashed")
    reasons = [e["values"] for e in crashed["selector"]["matchExpressions"] if "waiting.reason" in e["key"]]
    assert reasons == [["CrashLoopBackOff"]]
