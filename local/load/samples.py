"""What the platform is like at one moment of a run, read from what the API server and Prometheus answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from planning.cost.prices import PRICES
from planning.model import GPU_RESOURCE
from planning.nodes.instances import UnknownInstanceType, instance_type

Object = dict[str, Any]


@dataclass(frozen=True)
class Replicas:
    """`wanted`: the autoscaler's last word, else the Deployment's; `ready`: Ready pods."""

    wanted: int
    ready: int
    fewest: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class NodeCounts:
    """Nodes of the cluster, those with GPUs, and what they cost at list prices, US dollars per hour."""

    count: int
    with_gpus: int
    usd_per_hour: float
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gauges:
    """Prometheus' view: requests, and how old the oldest of its samples is, s."""

    waiting: float
    running: float
    age_seconds: float


@dataclass(frozen=True)
class LoadSample:
    """One moment, `seconds` after the start; None where nothing answered."""

    seconds: float
    replicas: Replicas | None
    nodes: NodeCounts | None
    gauges: Gauges | None
    sent: int
    answered: int
    refused: int
    lost: int
    in_flight: int


def replicas_of(deployment: Object | None, autoscalers: Iterable[Object]) -> Replicas | None:
    """From the Deployment (or Rollout) and the HPAs of its namespace (ours or KEDA's, whichever scales it)."""
    if deployment is None:
        return None
    name = deployment["metadata"]["name"]
    spec, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
    ready = int(status.get("readyReplicas", 0))
    for scaler in autoscalers:
        target = scaler["spec"]["scaleTargetRef"]
        if target["kind"] in ("Deployment", "Rollout", "LeaderWorkerSet") and target["name"] == name:
            desired = (scaler.get("status") or {}).get("desiredReplicas", spec)
            low, high = scaler["spec"].get("minReplicas", 1), scaler["spec"]["maxReplicas"]
            # 0: the controller has not looked yet, or KEDA has scaled to zero; the Deployment knows which
            return Replicas(int(desired or spec), ready, int(low), int(high))
    return Replicas(int(spec), ready)


def nodes_of(listed: Iterable[Object]) -> NodeCounts:
    """Counts and prices: on-demand list prices per node and the cluster's own hour; volumes are not in it."""
    count = with_gpus = 0
    usd, unpriced = PRICES["eks-standard"].usd, set()
    for node in listed:
        count += 1
        labels = node["metadata"].get("labels") or {}
        kind = labels.get("node.kubernetes.io/instance-type", "unknown")
        with_gpus += int((node["status"].get("allocatable") or {}).get(GPU_RESOURCE, "0")) > 0
        price = _price(kind)
        if price is None:
            unpriced.add(kind)
        usd += price or 0.0
    return NodeCounts(count, with_gpus, usd, tuple(sorted(unpriced)))


def _price(kind: str) -> float | None:
    try:
        return instance_type(kind).usd_per_hour
    except UnknownInstanceType:
        return None


def gauge_queries(namespace: str, served: str) -> tuple[str, str, str]:
    """PromQL of requests waiting, running, and the age of the oldest sample, s."""
    quoted = served.replace("\\", "\\\\").replace('"', '\\"')
    of_model = f'{{namespace="{namespace}",model_name="{quoted}"}}'
    waiting, running = f"vllm:num_requests_waiting{of_model}", f"vllm:num_requests_running{of_model}"
    return f"sum({waiting})", f"sum({running})", f"time() - min(timestamp({waiting}))"


def number(answer: Mapping[str, Any]) -> float | None:
    """The one number of an instant query's answer; None without a series."""
    result = (answer.get("data") or {}).get("result") or []
    return float(result[0]["value"][1]) if result else None
