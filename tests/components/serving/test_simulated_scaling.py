"""What `simulate --stack` simulates is what is rendered, in every stack there is and for every kind of metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.serving.manifests.pod_monitor import pod_monitor
from components.serving.manifests.scaling import horizontal_pod_autoscaler, recording_rules, scaled_object
from planning.backends.table import OURS, backends
from planning.model import ScalerKind, ServedModel, StackPlan
from planning.plan import plan
from planning.scaling.metric_table import pods_selector, service_selector
from settings.demand import TrafficShape
from settings.read import read
from simulation.hpa import HpaSpec, Rules
from simulation.own_scaling import not_simulated, own_scaler, own_spec
from simulation.scalers import HpaScaler, KedaScaler
from simulation.signals import DemandRule, Recorded
from tests.planning.stacks import model as asked
from tests.planning.stacks import planned

REPO = Path(__file__).resolve().parents[3]
STACKS = sorted(REPO.glob("Pulumi.*.yaml"))
KINDS = ("demand", "queueDepth", "inFlight", "running", "kvCacheUsage", "timeToFirstToken", "tokensPerSecond")
MONITORED = {"monitoring": {"scrapeIntervalSeconds": 30}}


def from_file(path: Path) -> StackPlan:
    name = path.name.split(".")[1]
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    sections = {key.removeprefix("vllm-on-eks:"): value for key, value in config.items()}
    plain = {key: value for key, value in sections.items() if not (isinstance(value, dict) and "secure" in value)}
    loaded = read(plain, name)
    assert loaded.settings is not None, loaded.problems
    return plan(loaded.settings, name)


POOLS = [{"name": "l4", "instanceTypes": ["g6.xlarge"], "maxNodes": 8}]
SYSTEM = {"minNodes": 3, "instanceTypes": ["m7i.xlarge"]}
GATEWAY = {"kind": "gatewayApi", "host": "llm.example.com", "certificate": {"kind": "secret", "name": "tls"}}

INFERENCE = {"name": "inference", "namespace": "gateways", "controller": "agentgateway"}


def scaled(kind: str, **scaling: Any) -> ServedModel:
    written = {"kind": kind, "minReplicas": 1, "maxReplicas": 4, **scaling}
    return planned(models=[asked(autoscaling=written)], nodePools=POOLS, **MONITORED).models[0]


def scaled_otherwise() -> list[ServedModel]:
    """By shape of traffic, as versions of one name, and by backends whose replicas are ours."""
    models = []
    for kind in ("hpa", "keda"):
        written = {"kind": kind, "minReplicas": 1, "maxReplicas": 3}
        shapes = [
            asked(autoscaling=written, traffic={"requestsPerSecond": 2, "shape": shape.value}) for shape in TrafficShape
        ]
        models += [planned(models=[each], nodePools=POOLS, **MONITORED).models[0] for each in shapes]
        halves = [{"model": "chat", "weight": 90}, {"model": "next", "weight": 10}]
        versions = [asked(autoscaling=written, versions=halves), asked(name="next", autoscaling=written)]
        models += planned(models=versions, nodePools=POOLS, gateway=GATEWAY, systemNodes=SYSTEM).models
        for backend in (row.name for row in backends().values() if row.rendered and row.scaler == OURS):
            one = [asked(backend=backend, autoscaling=written)]
            models += planned(models=one, nodePools=POOLS, systemNodes=SYSTEM, llmD={"gateway": INFERENCE}).models
    return models


def every_model() -> list[ServedModel]:
    served_models = [model for path in STACKS for model in from_file(path).models]
    served_models += [*(scaled(kind) for kind in ("hpa", "keda")), *scaled_otherwise()]
    for kind in ("hpa", "keda"):
        for metric in KINDS:
            target = 0.7123456789 if metric == "kvCacheUsage" else 31.4159265
            written = {"kind": metric} if metric == "demand" else {"kind": metric, "target": target}
            served_models.append(scaled(kind, metrics=[written]))
        rules = {"windowSeconds": 45, "pods": 3, "percent": 40, "periodSeconds": 90}
        both = [{"kind": "inFlight", "target": 7}, {"kind": "timeToFirstToken", "target": 1.5, "quantile": 0.9}]
        served_models.append(scaled(kind, metrics=both, scaleUp=rules, scaleDown={**rules, "windowSeconds": 2400}))
    return [model for model in served_models if model.autoscaling.kind is not ScalerKind.NONE]


def milli(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else 1000 * int(quantity)


def rules(written: dict[str, Any]) -> tuple[Any, ...]:
    policies = tuple((policy["type"], policy["value"], policy["periodSeconds"]) for policy in written["policies"])
    return written["stabilizationWindowSeconds"], policies, written["selectPolicy"]


def told(simulated: Rules | None) -> tuple[Any, ...]:
    assert simulated is not None
    policies = tuple((policy.kind, policy.value, policy.period_seconds) for policy in simulated.policies)
    return simulated.window_seconds, policies, simulated.select


def rendered_hpa(model: ServedModel) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    """Behaviour with bounds, and (kind, target) of each metric, as the HPA or KEDA's ScaledObject has them."""
    if model.autoscaling.kind is ScalerKind.HPA:
        spec = horizontal_pod_autoscaler(model)["spec"]
        bounds = {**spec["behavior"], "min": spec["minReplicas"], "max": spec["maxReplicas"]}
        metrics = []
        for metric in spec["metrics"]:
            target = (metric.get("pods") or metric["object"])["target"]
            value = milli(target.get("averageValue") or target["value"])
            kind = "pods" if metric["type"] == "Pods" else "external" if "averageValue" in target else "external-value"
            metrics.append((kind, value))
        return bounds, metrics
    spec = scaled_object(model, "http://prometheus")["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    bounds = {**behavior, "min": spec["minReplicaCount"], "max": spec["maxReplicaCount"]}
    kinds = {"AverageValue": "external", "Value": "external-value"}
    triggers = [
        (kinds[trigger["metricType"]], int(float(trigger["metadata"]["threshold"]) * 1000))
        for trigger in spec["triggers"]
    ]
    return bounds, triggers


def check_spec(simulated: HpaSpec, model: ServedModel) -> None:
    bounds, metrics = rendered_hpa(model)
    assert (simulated.min_replicas, simulated.max_replicas) == (max(1, bounds["min"]), bounds["max"])
    assert told(simulated.up) == rules(bounds["scaleUp"])
    assert told(simulated.down) == rules(bounds["scaleDown"])
    assert [(metric.kind, metric.target_milli) for metric in simulated.metrics] == metrics


@pytest.mark.parametrize(
    "model", every_model(), ids=lambda model: f"{model.autoscaling.kind} {[m.kind for m in model.autoscaling.metrics]}"
)
def test_the_simulated_autoscaler_is_the_rendered_one(model: ServedModel) -> None:
    assert not_simulated(model.autoscaling) is None
    scaler = own_scaler(model.autoscaling, 1)
    assert isinstance(scaler, HpaScaler | KedaScaler)
    check_spec(own_spec(model.autoscaling), model)
    assert scaler.spec == own_spec(model.autoscaling)
    if isinstance(scaler, KedaScaler):
        assert scaler.polling_seconds == scaled_object(model, "http://prometheus")["spec"]["pollingInterval"]


@pytest.mark.parametrize(
    "model", every_model(), ids=lambda model: f"{model.autoscaling.kind} {[m.kind for m in model.autoscaling.metrics]}"
)
def test_the_simulated_demand_is_the_recorded_one(model: ServedModel) -> None:
    """Lead, windows and capacity are in the rules' text: the same parameters write the same text."""
    scaler = own_scaler(model.autoscaling, 1)
    assert isinstance(scaler, HpaScaler | KedaScaler)
    query = scaler.queries.get("demand")
    if query is None:
        return
    assert isinstance(query, Recorded)
    assert isinstance(query.query, DemandRule)
    group = recording_rules(model)["spec"]["groups"][0]
    assert group["interval"] == f"{query.every_seconds:g}s"
    recorded = {rule["record"]: rule["expr"] for rule in group["rules"]}
    pods, own = pods_selector(model.namespace, model.name), service_selector(model.namespace, model.name)
    written = query.query.demand.rules(pods, own)
    assert {name: recorded[name] for name in written} == written
    endpoint = pod_monitor(model)["spec"]["podMetricsEndpoints"][0]
    assert endpoint["interval"] == f"{query.query.demand.scrape_seconds}s"


# What a backend that moves replicas itself wants said of its model besides.
THEIRS: dict[str, dict[str, Any]] = {
    "ray": {},
    "kubeai": {"cache": {"kind": "persistentVolume", "storageClass": "efs"}},
}


@pytest.mark.parametrize("backend", THEIRS)
def test_replicas_that_a_backend_moves_itself_are_not_simulated_and_have_no_rules_of_ours(backend: str) -> None:
    written = {"minReplicas": 1, "maxReplicas": 2}
    models = [asked(backend=backend, autoscaling=written, **THEIRS[backend])]
    (served,) = planned(models=models, nodePools=POOLS, systemNodes=SYSTEM, cluster={"storageClasses": ["efs"]}).models
    assert "backend" in str(not_simulated(served.autoscaling))
    with pytest.raises(ValueError, match="backend"):
        own_scaler(served.autoscaling, 1)
    assert (served.autoscaling.recordings, served.autoscaling.demand) == ((), None)


def test_every_stack_file_and_every_kind_was_looked_at() -> None:
    models = every_model()
    rendered = {row.name: row.scaler for row in backends().values() if row.rendered}
    assert {model.backend for model in models} == {name for name, scaler in rendered.items() if scaler == OURS}
    assert THEIRS.keys() == rendered.keys() - {model.backend for model in models}
    assert len(STACKS) >= 3
    assert {metric.kind for model in models for metric in model.autoscaling.metrics} == set(KINDS)
    assert {model.scrape_interval_seconds for model in models} >= {15, 30}
