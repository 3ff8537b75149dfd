"""`python -m planning simulate`: what an autoscaling policy would have done, on a trace or a generated profile."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor import option_types
from planning.units import amount

if TYPE_CHECKING:
    from simulation.compare import Case
    from simulation.outcome import Outcome

COLUMNS = (
    "slo_attainment",
    "ttft_p50_s",
    "ttft_p95_s",
    "ttft_p99_s",
    "e2e_p99_s",
    "gpu_hours",
    "usd",
    "scale_events",
    "rejected",
    "lost",
)


def add_to(commands: Any) -> None:
    """Registers the command with argparse; numpy and numba are imported only when it runs."""
    parser = commands.add_parser("simulate", help="autoscaling policies on a trace", description=__doc__)
    what = parser.add_argument_group("what serves")
    what.add_argument("--stack", help="a stack file's model, dev for Pulumi.dev.yaml")
    what.add_argument("--model", help="Hugging Face id; with --stack: the name of one of its models")
    what.add_argument("--instance", help="EC2 type, for example g6e.xlarge")
    what.add_argument("--max-model-len", type=option_types.tokens, default=8192)
    what.add_argument("--max-num-seqs", type=option_types.sequences)
    what.add_argument("--max-num-batched-tokens", type=option_types.tokens)
    what.add_argument("--quantization", type=option_types.quantization, default="none")
    what.add_argument("--kv-cache-dtype", default="auto", choices=option_types.KV_CACHE_DTYPES)
    what.add_argument("--tensor-parallel", type=option_types.gpus, default=1)
    load = parser.add_argument_group("load, one of them; with --stack default: the traffic that the model declares")
    load.add_argument("--trace", type=Path, help="Azure LLM inference CSV or Mooncake JSON lines")
    load.add_argument("--profile", help="poisson:RATE, burst:BASE,PEAK[,EVERY_S,LENGTH_S], diurnal:MEAN[,DAYS]")
    shape = parser.add_argument_group("shape of a profile")
    duration = option_types.number(1, option_types.LONGEST_SECONDS)
    shape.add_argument("--duration", type=duration, help="seconds; default an hour, a day or the days named")
    shape.add_argument(
        "--input-tokens", type=option_types.mean_tokens, help="mean; default 1155, or what the stack declares"
    )
    shape.add_argument(
        "--output-tokens", type=option_types.mean_tokens, help="mean; default 211, or what the stack declares"
    )
    scaling = parser.add_argument_group("scaling")
    scaling.add_argument(
        "--policy", action="append", metavar="NAME", help="once or more; stack: the stack's own; default: all"
    )
    scaling.add_argument(
        "--oracle",
        action="store_true",
        help="search the cheapest plan with hindsight too (10 to 130 s for a week): the column ÷ oracle",
    )
    replicas = option_types.whole(1, option_types.MOST_REPLICAS)
    scaling.add_argument("--min-replicas", type=option_types.whole(0, option_types.MOST_REPLICAS))
    scaling.add_argument("--max-replicas", type=replicas, help="default: what the busiest five minutes need")
    scaling.add_argument("--start-replicas", type=replicas, help="ready at the start; default: what comes first needs")
    scaling.add_argument(
        "--cold-start", type=option_types.seconds, metavar="S", help="mean seconds ± 1/8; default: the plan's terms"
    )
    probability = option_types.number(0, 1, below=True)
    scaling.add_argument(
        "--launch-failure", type=probability, default=0.0, metavar="P", help="probability that a launch finds no node"
    )
    scaling.add_argument("--scrape-interval", type=option_types.number(1, 300), metavar="S")
    above = option_types.seconds_above_zero
    parser.add_argument("--slo-ttft", type=above, metavar="S", help="to the first token; default 2, or the stack's")
    parser.add_argument("--slo-tpot", type=above, metavar="S", help="between the others; default 0.1, or the stack's")
    parser.add_argument("--seed", type=option_types.whole(0, 2**63 - 1), default=0)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answers 0; raises LookupError, ValueError or OSError on wrong input."""
    if absent := [name for name in ("numba", "numpy") if find_spec(name) is None]:
        raise LookupError(f"simulate needs {' and '.join(absent)}: pip install -r requirements-simulate.txt")
    from advisor.simulate_inputs import load, setting
    from simulation.compare import ORACLE, Bounds, case, run
    from simulation.own_scaling import OWN_POLICY
    from simulation.policies import POLICIES, policy

    names = [name for policy_text in arguments.policy or () for name in policy_text.split(",")]
    for name in names:
        if name != OWN_POLICY:
            policy(name)
    served = setting(arguments)
    if OWN_POLICY in names and served.own is None:
        raise ValueError(f"policy {OWN_POLICY}: {served.own_reason or 'name a stack file with --stack'}")
    if served.own_reason is not None:
        print(f"the stack's own autoscaling is left out: {served.own_reason}", file=sys.stderr)
    with_oracle = arguments.oracle or ORACLE in names
    usual = [name for name in POLICIES if with_oracle or name != ORACLE]
    names = names or [*([OWN_POLICY] if served.own is not None else []), *usual]
    if with_oracle and ORACLE not in names:
        names.append(ORACLE)
    comes = load(arguments, served)
    bounds = Bounds(
        arguments.min_replicas if arguments.min_replicas is not None else served.min_replicas,
        arguments.max_replicas if arguments.max_replicas is not None else served.max_replicas,
        arguments.start_replicas,
    )
    if bounds.most is not None and bounds.fewest > bounds.most:
        raise ValueError(f"--min-replicas {bounds.fewest} is more than --max-replicas {bounds.most}")
    if bounds.most is not None and (bounds.start or 1) > bounds.most:
        raise ValueError(f"--start-replicas {bounds.start} is more than --max-replicas {bounds.most}")
    compared = replace(case(served.setting, comes.start, bounds, with_oracle=with_oracle), own=served.own)
    _announce_compilation()  # after all that can be refused: wrong input does not wait for it
    outcomes = run(compared, names)
    if arguments.json:
        print(json.dumps(as_json(arguments, served.title, comes.name, compared, outcomes), indent=2))
    else:
        _print_table(served.title, comes.name, compared, outcomes)
    return 0


def _announce_compilation() -> None:
    try:
        from simulation.compiled import is_compiled
    except ModuleNotFoundError as missing:
        raise ValueError(f"simulate needs {missing.name}: make setup") from None
    if not is_compiled():
        print("compiling the engine model, once (about ten seconds)", file=sys.stderr)


def as_json(
    arguments: argparse.Namespace, title: str, load: str, case: Case, outcomes: list[Outcome]
) -> dict[str, Any]:
    """The documented keys: seconds, hours, US dollars; shares between 0 and 1."""
    capacity, setting_given, slo = case.given.capacity, case.given, case.setting.slo
    return {
        "serving": title,
        "load": load,
        "requests": case.survey.requests,
        "seconds": round(case.survey.seconds, 3),
        "mean_input_tokens": round(case.survey.mean_input_tokens, 1),
        "mean_output_tokens": round(case.survey.mean_output_tokens, 1),
        "seed": arguments.seed,
        "slo": {"ttft_s": slo.ttft_seconds, "tpot_s": slo.tpot_seconds, "share": slo.share},
        "min_replicas": setting_given.min_replicas,
        "max_replicas": setting_given.max_replicas,
        "start_replicas": setting_given.start_replicas,
        "cold_start_s": round(setting_given.cold_start_seconds, 1),
        "replica": {
            "concurrency": round(capacity.concurrency, 1),
            "prompt_tokens_per_s": round(capacity.prompt_tokens_per_second, 1),
            "output_tokens_per_s": round(capacity.output_tokens_per_second, 1),
            "requests_per_s_in_slo": round(capacity.requests_per_second, 4),
        },
        "oracle_bound_gpu_hours": None if case.oracle is None else round(case.oracle.bound_gpu_hours, 4),
        "policies": [_row(outcome, _oracle_hours(outcomes)) for outcome in outcomes],
    }


def _oracle_hours(outcomes: list[Outcome]) -> float | None:
    """The oracle's GPU-hours, if it was among the policies asked for."""
    return next((outcome.gpu_hours for outcome in outcomes if outcome.name == "oracle"), None)


def _row(outcome: Outcome, oracle_hours: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {"name": outcome.name}
    for key in COLUMNS:
        value = getattr(outcome, key)
        row[key] = round(value, 6) if isinstance(value, float) else value
    row["gpu_hours_to_oracle"] = round(outcome.gpu_hours / oracle_hours, 4) if oracle_hours else None
    row["booting_gpu_hours"] = round(outcome.booting_gpu_hours, 4)
    row["usd_per_million_tokens"] = _rounded(outcome.usd_per_million_tokens)
    row["mean_replicas"] = round(outcome.mean_replicas, 3)
    row["most_replicas"] = outcome.most_replicas
    row["most_waiting"] = outcome.most_queue
    return row


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _print_table(title: str, load: str, case: Case, outcomes: list[Outcome]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=132)
    seen, scaling_given, oracle_hours, slo = case.survey, case.given, _oracle_hours(outcomes), case.setting.slo
    console.print(
        f"[bold]{title}[/]: {load}, {amount(seen.requests, 'request')} in {seen.seconds / 3600:.2f} h, simulated"
    )
    console.print(
        f"{seen.mean_input_tokens:.0f} tokens in, {seen.mean_output_tokens:.0f} out; SLO: first token ≤ "
        f"{slo.ttft_seconds:g} s, then ≤ {slo.tpot_seconds * 1000:g} ms; {scaling_given.min_replicas} to "
        f"{amount(scaling_given.max_replicas, 'replica')}, cold start {scaling_given.cold_start_seconds:.0f} s"
    )
    table = Table(header_style="bold")
    headings = ("policy", "SLO %", "TTFT p50", "p95", "p99 s", "E2E p99", "GPU-h", "÷ oracle", "USD", "moves")
    for heading in (*headings, "refused", "lost"):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for outcome in outcomes:
        latencies = (outcome.ttft_p50_s, outcome.ttft_p95_s, outcome.ttft_p99_s, outcome.e2e_p99_s)
        table.add_row(
            outcome.name,
            f"{outcome.slo_attainment * 100:.2f}",
            *("–" if value is None else f"{value:.2f}" for value in latencies),
            f"{outcome.gpu_hours:.2f}",
            f"{outcome.gpu_hours / oracle_hours:.2f}" if oracle_hours else "–",
            "–" if outcome.usd is None else f"{outcome.usd:.2f}",
            *(str(count) for count in (outcome.scale_events, outcome.rejected, outcome.lost)),
        )
    console.print(table)
