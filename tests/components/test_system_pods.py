"""What the plan counts on the system nodes is what our values ask for: of every row whose source is a component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from components.cluster.cluster_autoscaler import cluster_autoscaler_values
from components.cluster.external_secrets import external_secrets_values
from components.cluster.karpenter.controller import karpenter_values
from components.cluster.load_balancers import load_balancer_controller_values
from components.cluster.prometheus_stack import prometheus_stack_values
from planning.cluster.karpenter import MOST_REPLICAS
from planning.facts import rows
from planning.nodes.quantity import mib, millicores
from tests.components.plans import CLUSTER_AUTOSCALER, EXTERNAL_SECRETS, KARPENTER, LOAD_BALANCER_CONTROLLER, MONITORING

OURS = {row["name"]: row for row in rows("system_pods.csv") if row["source"].startswith("components/")}
# Pod -> the part of the release's values that holds its `resources`.
ASKED: Mapping[str, Callable[[], Any]] = {
    "prometheus": lambda: prometheus_stack_values(MONITORING)["prometheus"]["prometheusSpec"],
    "cluster-autoscaler": lambda: cluster_autoscaler_values(CLUSTER_AUTOSCALER),
    "karpenter": lambda: karpenter_values(KARPENTER, "queue")["controller"],
    "external-secrets": lambda: external_secrets_values(EXTERNAL_SECRETS),
    "aws-load-balancer-controller": lambda: load_balancer_controller_values(LOAD_BALANCER_CONTROLLER, "vpc-0a"),
}


@pytest.mark.parametrize("pod", OURS)
def test_a_pod_asks_for_what_the_plan_counts(pod: str) -> None:
    asked, row = ASKED[pod]()["resources"]["requests"], OURS[pod]
    assert (millicores(asked["cpu"]), mib(asked["memory"])) == (int(row["cpu_millicores"]), int(row["memory_mib"]))


def test_karpenter_is_counted_as_often_as_it_may_stand() -> None:
    assert (int(OURS["karpenter"]["pods"]), OURS["karpenter"]["when"]) == (MOST_REPLICAS, "karpenter")
