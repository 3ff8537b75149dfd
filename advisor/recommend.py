"""`python -m planning recommend`: the instance types that carry a load within SLO, by cost, and why others do not."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from advisor import option_types, sharing
from advisor.start_checks import checked
from planning.architectures.shape import Architecture
from planning.architectures.table import architecture
from planning.cost.spot import spot_share
from planning.memory.engine import EngineConfig
from planning.memory.fit import fit
from planning.model import Severity, ThroughputPlan
from planning.nodes.ami import family_trouble
from planning.nodes.instances import AMPERE, Gpu, InstanceType, instance_types
from planning.scaling.replica import RANGE_FACTOR, Load, rates_at, throughput
from planning.throughput.roofline import Rates, Traffic
from planning.throughput.serving_rates import replica_rates
from planning.throughput.slo_load import Promise
from planning.units import HOURS_PER_MONTH

_TENSOR_PARALLEL_SIZES = (1, 2, 4, 8)
# A cold start's lead does not change how many replicas a steady load needs.
COLD_START_SECONDS = 300.0
MOST_REPLICAS = 1_000_000


@dataclass(frozen=True)
class Offer:
    """What carries the load: replicas of that many GPUs (or of one share of a GPU), packed on nodes of one type.

    Rates per replica are those at the edge of the SLO; `throughput` has the saturated and idle ones. Spot is the range
    seen for the family (planning/facts/spot.csv), the other amounts are on-demand prices.
    """

    instance: str
    gpu: str
    tensor_parallel: int
    gpu_memory_utilization: float
    replicas: int
    nodes: int
    usd_per_hour: float
    usd_per_month: float
    usd_per_million_tokens: float
    requests_per_second_per_replica: float
    output_tokens_per_second_per_replica: float
    time_per_output_token_s: float
    concurrency: float
    limited_by: str
    spot_usd_per_hour_low: float
    spot_usd_per_hour_high: float
    throughput: ThroughputPlan


@dataclass(frozen=True)
class Requirements:
    """The load, and how it is to be served."""

    requests_per_second: float
    traffic: Traffic
    engine: EngineConfig
    ttft_seconds: float
    tpot_seconds: float
    share: float = Promise.share
    gpu_sharing: sharing.WantedShare = sharing.WHOLE


@dataclass(frozen=True)
class _Replica:
    """Its rates, and those at the edge of the SLO."""

    plan: ThroughputPlan
    at_slo: Rates


# By what it is made of; a string says why there is none.
_Replicas = dict[tuple[EngineConfig, Gpu], _Replica | str]


def add_to(commands: Any) -> None:
    """Registers the command with argparse."""
    parser = commands.add_parser("recommend", help="instances for a load, by cost", description=__doc__)
    parser.add_argument("model", help="Hugging Face id")
    parser.add_argument("--max-model-len", type=option_types.tokens, required=True)
    parser.add_argument("--requests-per-second", type=option_types.number(0, 1e6, above=True), required=True)
    parser.add_argument("--input-tokens", type=option_types.mean_tokens, required=True, help="mean")
    parser.add_argument("--output-tokens", type=option_types.mean_tokens, required=True, help="mean")
    parser.add_argument("--quantization", type=option_types.quantization, default="none")
    parser.add_argument("--kv-cache-dtype", default="auto", choices=option_types.KV_CACHE_DTYPES)
    parser.add_argument("--slo-ttft", type=option_types.seconds_above_zero, default=2.0, metavar="S")
    parser.add_argument("--slo-tpot", type=option_types.seconds_above_zero, default=0.1, metavar="S")
    parser.add_argument(
        "--slo-share", type=option_types.share, default=Promise.share, metavar="SHARE", help="that must hold both"
    )
    sharing.add_to(parser)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers 0 where something carries the load, else 1; raises LookupError or ValueError on wrong input."""
    if arguments.input_tokens + arguments.output_tokens > arguments.max_model_len:
        raise ValueError("--max-model-len is shorter than the mean request")
    model = architecture(arguments.model)
    engine = EngineConfig(
        arguments.max_model_len, quantization=arguments.quantization, kv_cache_dtype=arguments.kv_cache_dtype
    )
    traffic = Traffic(arguments.input_tokens, arguments.output_tokens)
    slo = (arguments.slo_ttft, arguments.slo_tpot, arguments.slo_share)
    requirements = Requirements(arguments.requests_per_second, traffic, engine, *slo, sharing.wanted(arguments))
    offers, refused = recommend(model, requirements)
    if arguments.json:
        rows = [asdict(offer) for offer in offers]
        others = [{"instance": name, "reason": reason} for name, reason in refused.items()]
        about = {"model": model.model_id, "gpu_sharing": requirements.gpu_sharing.setting}
        print(json.dumps({**about, "instances": rows, "others": others}, indent=2))
    else:
        _print_table(model, requirements, offers, refused)
    return 0 if offers else 1


def recommend(model: Architecture, requirements: Requirements) -> tuple[list[Offer], dict[str, str]]:
    """Offers by cost, and the reason by instance type for the others."""
    offers: list[Offer] = []
    refused: dict[str, str] = {}
    replicas: _Replicas = {}
    for instance in instance_types().values():
        if instance.gpu is None:
            continue
        offers_or_reason = _offers(model, requirements, instance, replicas)
        if isinstance(offers_or_reason, str):
            refused[instance.name] = offers_or_reason
        else:
            offers.append(offers_or_reason)
    return sorted(offers, key=lambda offer: (offer.usd_per_hour, offer.instance)), refused


def _offers(
    model: Architecture, requirements: Requirements, instance: InstanceType, replicas: _Replicas
) -> Offer | str:
    """The cheapest group size on this type, or why there is none."""
    if instance.usd_per_hour is None:
        return "no price in the table"
    if family_trouble(instance) is not None:
        return "no EKS GPU image for this family"
    assert instance.gpu is not None
    if instance.gpu.compute_capability < AMPERE and model.native_dtype == "bfloat16":
        return f"{instance.gpu.name} has no bfloat16"
    try:
        plan, part = requirements.gpu_sharing.on(instance.gpu)
    except sharing.NoSuchShare as missing:
        return missing.reason
    best: Offer | None = None
    reason = ""
    for size in _TENSOR_PARALLEL_SIZES if plan.kind == "none" else (1,):
        if size > instance.gpu_count:
            continue
        utilization = sharing.utilization_together(plan, requirements.engine.gpu_memory_utilization)
        engine = replace(requirements.engine, tensor_parallel=size, gpu_memory_utilization=utilization)
        engine = sharing.as_started(plan, engine, instance.gpu)
        if (engine, part) not in replicas:
            trouble = _trouble(model, engine, instance.gpu)
            replicas[engine, part] = trouble or _replica(model, requirements, engine, part)
        of_each = replicas[engine, part]
        per_node = instance.gpu_count * plan.pods_per_gpu // size
        offer = (
            of_each if isinstance(of_each, str) else _priced(instance, engine, part, of_each, per_node, requirements)
        )
        if isinstance(offer, str):
            reason = offer
        elif best is None or (offer.usd_per_hour, offer.tensor_parallel) < (best.usd_per_hour, best.tensor_parallel):
            best = offer
    return best or reason


def _trouble(model: Architecture, engine: EngineConfig, gpu: Gpu) -> str | None:
    """Why vLLM does not start like this whatever the memory: the stack file's own checks."""
    said = checked(model, engine, None, gpu).all()
    return next((finding.text for finding in said if finding.severity is Severity.ERROR), None)


def _replica(model: Architecture, requirements: Requirements, engine: EngineConfig, gpu: Gpu) -> _Replica | str:
    """One replica within the SLO, or why there is none; on every instance type with that GPU it is the same."""
    size = engine.tensor_parallel
    memory = fit(model, engine, gpu.usable_memory_bytes, gpu)
    if not memory.fits:
        return f"{size} × {gpu.name}: {memory.reasons[0]}"
    rates = replica_rates(model, engine, gpu, requirements.traffic, memory.kv_cache_tokens)
    promise = Promise(requirements.ttft_seconds, requirements.tpot_seconds, requirements.share)
    load = Load(requirements.requests_per_second, COLD_START_SECONDS, 1, MOST_REPLICAS)
    plan = throughput(rates, promise, load)
    if plan.slo_share_alone < requirements.share:
        return f"{size} × {gpu.name}: {_too_slow(plan, requirements)}"
    return _Replica(plan, rates_at(rates, plan.slo_requests_per_second))


def _too_slow(plan: ThroughputPlan, requirements: Requirements) -> str:
    if plan.idle_time_per_output_token_seconds > requirements.tpot_seconds:
        step_ms = plan.idle_time_per_output_token_seconds * 1000
        return f"{step_ms:.0f} ms per token even alone, SLO {requirements.tpot_seconds * 1000:.0f} ms"
    if plan.idle_time_to_first_token_seconds > requirements.ttft_seconds:
        first = plan.idle_time_to_first_token_seconds
        return f"{first:.1f} s to the first token of a mean prompt, SLO {requirements.ttft_seconds:g} s"
    return f"{plan.slo_share_alone:.1%} of requests in SLO even alone, {requirements.share:.1%} are wanted"


def _priced(
    instance: InstanceType, engine: EngineConfig, gpu: Gpu, replica: _Replica, per_node: int, requirements: Requirements
) -> Offer:
    """As many of the replicas as the load needs; `gpu` is one share where GPUs are divided."""
    plan, at_slo = replica.plan, replica.at_slo
    assert instance.usd_per_hour is not None
    assert plan.replicas_needed is not None
    replicas = plan.replicas_needed
    nodes = ceil(replicas / per_node)
    usd, spot = nodes * instance.usd_per_hour, spot_share(instance.name)
    tokens = (
        requirements.requests_per_second
        * 3600
        * (requirements.traffic.input_tokens + requirements.traffic.output_tokens)
    )
    return Offer(
        instance=instance.name,
        gpu=gpu.name,
        tensor_parallel=engine.tensor_parallel,
        gpu_memory_utilization=engine.gpu_memory_utilization,
        replicas=replicas,
        nodes=nodes,
        usd_per_hour=round(usd, 4),
        usd_per_month=round(usd * HOURS_PER_MONTH, 2),
        usd_per_million_tokens=round(usd / tokens * 1e6, 4),
        requests_per_second_per_replica=plan.slo_requests_per_second,
        output_tokens_per_second_per_replica=round(at_slo.output_tokens_per_second, 1),
        time_per_output_token_s=round(at_slo.time_per_output_token_seconds, 4),
        concurrency=round(at_slo.concurrency, 1),
        limited_by=at_slo.limited_by,
        spot_usd_per_hour_low=round(usd * spot.low, 4),
        spot_usd_per_hour_high=round(usd * spot.high, 4),
        throughput=plan,
    )


def _print_table(model: Architecture, requirements: Requirements, offers: list[Offer], refused: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=132)
    console.print(
        f"[bold]{model.model_id}[/]: {requirements.requests_per_second:g} requests/s of "
        f"{requirements.traffic.input_tokens:g} + {requirements.traffic.output_tokens:g} tokens, "
        f"{requirements.share:.1%} within {requirements.ttft_seconds:g} s to the first token and "
        f"{requirements.tpot_seconds * 1000:g} ms per token; "
        f"rates to a factor {RANGE_FACTOR:g}"
    )
    table = Table(header_style="bold")
    for heading in (
        "instance",
        "GPUs",
        "replicas",
        "nodes",
        "USD/h",
        "USD/month",
        "spot USD/h",
        "USD/M tokens",
        "req/s each",
        "ms/token",
    ):
        table.add_column(heading, justify="left" if heading in ("instance", "GPUs") else "right")
    for offer in offers:
        table.add_row(
            offer.instance,
            f"{offer.tensor_parallel} × {offer.gpu}",
            str(offer.replicas),
            str(offer.nodes),
            f"{offer.usd_per_hour:.2f}",
            f"{offer.usd_per_month:,.0f}",
            f"{offer.spot_usd_per_hour_low:.2f}–{offer.spot_usd_per_hour_high:.2f}",
            f"{offer.usd_per_million_tokens:.3f}",
            f"{offer.requests_per_second_per_replica:.2f}",
            f"{offer.time_per_output_token_s * 1000:.0f}",
        )
    console.print(table)
    for name, reason in refused.items():
        console.print(f"  {name}: {reason}")
