"""A cluster that EKS upgraded by itself, and one that is asked to skip a minor."""

from __future__ import annotations

from typing import cast

import pytest

from local.aws_endpoint.contract.account import NEWER, Account
from preflight.account import AwsAccount
from preflight.model import Answer, Verdict
from preflight.questions.upgrade import QUESTIONS
from tests.local.aws_endpoint.land import land
from tests.preflight.accounts import own, planned

REACHED = {"endpointAccess": "publicAndPrivate", "publicAccessCidrs": ["54.0.0.10/32"]}


def told(there: str, written: str) -> Answer:
    with land(Account(zones=NEWER)) as here:
        here.cluster(name="vllm-on-eks-dev", version=there)
        plan = planned(own("dev", cluster={**REACHED, "version": written}))
        (answer,) = QUESTIONS[0].ask(plan, AwsAccount("us-east-1"))
    return answer


def test_a_cluster_that_eks_upgraded_is_told_with_the_one_line_to_change() -> None:
    answer = told("1.35", "1.34")
    assert (answer.path, answer.verdict) == ("cluster.version", Verdict.ERROR)
    assert "write version: '1.35'" in answer.text


def test_one_minor_at_a_time() -> None:
    assert "write version: '1.34' first" in told("1.33", "1.35").text


@pytest.mark.parametrize(("there", "written"), [("1.34", "1.35"), ("1.35", "1.35")])
def test_the_next_minor_and_the_same_are_fine(there: str, written: str) -> None:
    assert told(there, written).verdict is Verdict.OK


def test_a_group_whose_kubelets_are_too_old_for_the_new_control_plane_is_named() -> None:
    class Aws:
        """Answers what a cluster of 1.34 with two groups of somebody else's says."""

        region = "us-east-1"

        def call(self, service: str, operation: str, **given: object) -> dict[str, object]:
            if operation == "describe_cluster":
                return {"cluster": {"version": "1.34", "tags": {}}}
            return {"nodegroup": {"version": {"old": "1.31", "near": "1.32"}[str(given["nodegroupName"])]}}

        def pages(self, *_: object, **__: object) -> list[str]:
            return ["near", "old"]

    plan = planned(own("dev", cluster={**REACHED, "version": "1.35"}))
    fine, wrong = QUESTIONS[0].ask(plan, cast("AwsAccount", Aws()))
    assert fine.verdict is Verdict.OK
    assert (wrong.path, wrong.verdict) == ("cluster.version", Verdict.ERROR)
    assert "node group old: kubelet 1.31 is 4 minors older than the control plane's 1.35; at most 3 work" in wrong.text
    assert "update old first" in wrong.text
