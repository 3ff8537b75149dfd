"""One model: from its settings and its pool to a ServedModel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from planning.findings import Findings
from planning.model import (
    AutoscalingPlan,
    ColdStartTerm,
    MemoryPlan,
    ServedModel,
    ThroughputPlan,
)
from planning.nodes.growth import node_start
from planning.nodes.pod_resources import PodPlan
from planning.nodes.pools import Pool
from planning.nodes.quantity import mib
from planning.nodes.sharing import told_to_vllm
from planning.scaling.checks import check_metrics
from planning.scaling.choose import ScalingInputs, plan_autoscaling
from planning.scaling.chunk_advice import check_chunk
from planning.scaling.replica import Load, throughput
from planning.serving import cold_start as starting
from planning.serving import environment, probes
from planning.serving.backend_names import backend_names, engine_of, server_pods
from planning.serving.companions import companion_args, companion_repositories
from planning.serving.compiled import with_compiled
from planning.serving.engine_args import engine_args
from planning.serving.files import revision_of
from planning.serving.groups import plan_group
from planning.serving.model_checks import image_pin
from planning.serving.sized import ModelFacts, SizedModel, Surroundings, engine_on
from planning.serving.sources import named_to_vllm, plan_source, way_of
from planning.serving.token import token_plan
from planning.throughput.serving_rates import ServingRates, serving_rates
from planning.throughput.slo_load import Promise
from planning.throughput.traffic_check import check_traffic
from planning.versions import pins, vllm_versions
from settings.models import Model
from settings.shared_files import keeps_compiled


@dataclass(frozen=True)
class PlannedServer:
    """A planned model and its pod's size; `max_surge` is settled when all models are known."""

    path: str
    model: ServedModel
    pod: PodPlan


def plan_model(sized: SizedModel, pool: Pool, around: Surroundings, findings: Findings) -> PlannedServer:
    """A model on its pool, whose nodes are known by now; findings go on where those of its size ended."""
    model, path, asked, memory = sized.model, sized.path, sized.asked, sized.memory
    times = starting.inputs_of(model, pool, sized.size, around.shared_mibps)
    nodes = node_start(pool.settings.kind) if pool.replicas_may_need_nodes else ()
    cold_start_seconds = starting.seconds((*nodes, *starting.cold_start(times)))
    serving_rates = _rates(model, asked, pool, memory)
    scaling = _scaling(model, asked, around, serving_rates, cold_start_seconds, f"{path}.autoscaling", findings)
    rates = _throughput(model, serving_rates, scaling, sum(cold_start_seconds) / 2)
    check_traffic(model, rates, scaling, path, findings)
    check_chunk(model, serving_rates, path, findings)
    served = _assemble(model, pool, around, asked, sized.pod, scaling, memory, times)
    group = plan_group(model, pool, asked.version, asked.drain, starting.pod_seconds(served)[1])
    served = replace(served, group=group)
    if keeps_compiled(model):
        served = with_compiled(served, pool.group.gpu)
    return PlannedServer(path, replace(served, throughput=rates, prometheus=around.prometheus), sized.pod)


def _rates(model: Model, asked: ModelFacts, pool: Pool, memory: MemoryPlan | None) -> ServingRates | None:
    if asked.known is None or memory is None or memory.kv_cache_tokens <= 0:
        return None
    engine = engine_on(model, asked, pool)
    return serving_rates(model, asked.known, engine, pool.share, memory.kv_cache_tokens)


def _scaling(
    model: Model,
    asked: ModelFacts,
    around: Surroundings,
    rates: ServingRates | None,
    cold_start_seconds: tuple[float, float],
    path: str,
    findings: Findings,
) -> AutoscalingPlan:
    check_metrics(model, asked.version, rates is not None, path, findings)
    monitoring = around.monitoring_namespace is not None
    inputs = ScalingInputs(
        model,
        asked.version,
        rates,
        cold_start_seconds,
        around.scrape_interval_seconds,
        monitoring,
        asked.known is not None,
        server_pods(model.backend or around.backend, model),
    )
    return plan_autoscaling(inputs, path, findings)


def _throughput(
    model: Model, serving_rates: ServingRates | None, scaling: AutoscalingPlan, cold_start_seconds: float
) -> ThroughputPlan | None:
    if serving_rates is None:
        return None
    slo, load = model.slo, None
    if model.traffic is not None:
        rate = model.traffic.requests_per_second
        shape = model.traffic.shape.value
        load = Load(rate, cold_start_seconds, scaling.min_replicas, scaling.max_replicas, shape)
    promise = Promise(slo.time_to_first_token_seconds, slo.time_per_output_token_seconds, slo.share)
    return throughput(serving_rates, promise, load)


def _weights(model: Model, asked: ModelFacts, around: Surroundings) -> dict[str, Any]:
    """Where they come from, and what the downloader brings of the Hub."""
    own = (asked.files,) if way_of(model) == "hub" else ()
    source = plan_source(model, asked.files, around.site)
    return {"source": source, "repositories": (*own, *companion_repositories(model))}


def _probes(model: Model, times: starting.ColdStartInputs, nodes: tuple[ColdStartTerm, ...]) -> dict[str, Any]:
    """By what they are called in the plan. A leader loads when the last pod of its group is there, too."""
    terms = starting.load_terms(times) if model.nodes == 1 else (*nodes, *starting.cold_start(times))
    startup = probes.startup(starting.seconds(terms)[1], model.warm_up)
    return {"startup_probe": startup, "readiness_probe": probes.readiness(), "liveness_probe": probes.liveness()}


def _assemble(
    model: Model,
    pool: Pool,
    around: Surroundings,
    asked: ModelFacts,
    pod: PodPlan,
    scaling: AutoscalingPlan,
    memory: MemoryPlan | None,
    times: starting.ColdStartInputs,
) -> ServedModel:
    nodes = node_start(pool.settings.kind) if pool.pods_may_need_nodes else ()
    first = replace(times, compiled=False)  # probe and time-outs are those of the first server, which compiles
    grace, replicas = asked.drain.grace_period_seconds, max(1, scaling.min_replicas)
    download, rollout = starting.deadlines(times, nodes, starting.cold_start(first), grace, replicas)
    return ServedModel(
        name=model.name,
        namespace=model.namespace,
        model_id=model.model_id,
        revision=revision_of(model),
        served_name=model.answers_to,
        image=pins.image_reference(image_pin(model, engine_of(model.backend or around.backend)), around.mirror),
        vllm_version=vllm_versions.text(asked.version),
        args=engine_args(
            told_to_vllm(model, pool.sharing),
            asked.version,
            asked.weights,
            asked.drain.shutdown_timeout_seconds,
            named_to_vllm(model, times.network_gbps, mib(pod.server.memory)),
            tuple(companion_args(model, asked.version)),
        ),
        env=environment.plain(model),
        secret_env=environment.from_secrets(model),
        pool=pool.settings.name,
        node_selector=pool.node_selector,
        resources=pod.server,
        download_resources=pod.download,
        **_probes(model, first, nodes),
        drain=asked.drain,
        warm_up=model.warm_up,
        token=token_plan(model),
        cache=pod.cache,
        **_weights(model, asked, around),
        autoscaling=scaling,
        max_unavailable=model.disruption_budget.max_unavailable,
        client_namespaces=tuple(dict.fromkeys(model.client_namespaces)),
        monitoring_namespace=around.monitoring_namespace,
        scrape_interval_seconds=around.scrape_interval_seconds,
        rollout_timeout_seconds=rollout,
        download_timeout_seconds=download,
        memory=memory,
        cold_start=starting.cold_start(times),
        taints=pool.group.taints,
        node_start=nodes,
        way_in=around.way_in,
        pull_secrets=around.pull_secrets,
        chat_template=model.chat_template,
        replicas_may_need_nodes=pool.replicas_may_need_nodes,
        **backend_names(model.backend or around.backend, model),
    )
