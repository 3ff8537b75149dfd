"""What is made of a run: counts, percentiles, curves, money, words, a picture."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.load.arrivals import Arrival
from local.load.client import RequestOutcome, RequestResult
from local.load.command import recorded
from local.load.options import Options
from local.load.picture import draw
from local.load.samples import Gauges, LoadSample, NodeCounts, Replicas, gauge_queries, nodes_of, number, replicas_of
from local.load.show import closing_words, display, figures
from local.load.summary import curve, spent_usd, spike_to_ready, summarize
from local.load.target import LoadTarget
from planning.cost.prices import PRICES
from planning.nodes.instances import instance_type

ASKED = Arrival(1.0, 10, 5)
NODES = NodeCounts(4, 2, 3.6)


def sample(seconds: float, wanted: int = 1, ready: int = 1, waiting: float = 0.0) -> LoadSample:
    return LoadSample(seconds, Replicas(wanted, ready, 1, 4), NODES, Gauges(waiting, 2.0, 3.2), 9, 5, 3, 1, 0)


RESULTS = [
    RequestResult(ASKED, 1.0, RequestOutcome.ANSWERED, 1.5, 3.0),
    RequestResult(ASKED, 2.0, RequestOutcome.ANSWERED, 3.5, 6.0),
    RequestResult(ASKED, 2.5, RequestOutcome.REFUSED, why="503: no endpoint"),
    RequestResult(ASKED, 3.0, RequestOutcome.LOST, 3.2, why="cut"),
    RequestResult(ASKED, 3.0, RequestOutcome.UNSENT, why="bound"),
]
SAMPLES = [sample(0), sample(10, 4, 1, 12), sample(30, 4, 3), sample(40, 4, 4), sample(50, 1, 1)]


def test_every_request_is_counted_once() -> None:
    summary = summarize(RESULTS, SAMPLES, 5.0, beyond=7)
    assert (summary.requests, summary.answered, summary.refused, summary.lost, summary.not_sent) == (4, 2, 1, 1, 8)
    assert dict(summary.reasons) == {"refused: 503: no endpoint": 1, "lost: cut": 1, "unsent: bound": 1}
    assert summary.end_to_end_seconds["p50"] == pytest.approx(3.0)
    assert summary.ttft_seconds["p50"] == pytest.approx(0.5), "of all that had a first token"
    assert summary.most_queue == 12


def test_a_curve_holds_only_changes() -> None:
    assert curve([(0, 1), (1, 1), (2, 3), (3, 3), (4, 1)]) == ((0, 1), (2, 3), (4, 1))
    assert curve([]) == ()


def test_the_wait_from_the_spike_is_told_for_every_number_of_replicas() -> None:
    ready = ((0.0, 1), (30.0, 3), (40.0, 4), (50.0, 1))
    assert spike_to_ready(ready, 5.0) == {2: 25.0, 3: 25.0, 4: 35.0}
    assert spike_to_ready(ready, None) == {}
    assert spike_to_ready(((0.0, 1),), 5.0) == {}


def test_money_is_each_moments_price_until_the_next() -> None:
    assert spent_usd([sample(0), replace(sample(1800), nodes=NodeCounts(5, 3, 7.2)), sample(3600)]) == pytest.approx(
        5.4
    )
    assert spent_usd([replace(sample(0), nodes=None)]) is None


def _deployment(replicas: int, ready: int | None) -> dict[str, Any]:
    status = {} if ready is None else {"readyReplicas": ready}
    return {"metadata": {"name": "qwen"}, "spec": {"replicas": replicas}, "status": status}


def _autoscaler(name: str, desired: int | None) -> dict[str, Any]:
    status = {} if desired is None else {"desiredReplicas": desired}
    target = {"kind": "Deployment", "name": name}
    return {"spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4}, "status": status}


def test_wanted_is_the_autoscalers_word_and_without_one_the_deployments() -> None:
    others = _autoscaler("llama", 3)
    assert replicas_of(_deployment(1, 1), [others, _autoscaler("qwen", 4)]) == Replicas(4, 1, 1, 4)
    assert replicas_of(_deployment(2, None), [others]) == Replicas(2, 0)
    assert replicas_of(_deployment(2, 1), [_autoscaler("qwen", None)]) == Replicas(2, 1, 1, 4)
    assert replicas_of(None, []) is None


def test_nodes_are_priced_by_the_catalogue_and_an_unknown_type_is_named() -> None:
    def node(kind: str, gpus: str | None = None) -> dict[str, Any]:
        allocatable = {} if gpus is None else {"nvidia.com/gpu": gpus}
        return {
            "metadata": {"labels": {"node.kubernetes.io/instance-type": kind}},
            "status": {"allocatable": allocatable},
        }

    price = instance_type("g6.2xlarge").usd_per_hour
    assert price is not None
    counts = nodes_of([node("g6.2xlarge", "1"), node("g6.2xlarge", "0"), node("x9.huge")])
    assert (counts.count, counts.with_gpus, counts.unpriced) == (3, 1, ("x9.huge",))
    assert counts.usd_per_hour == pytest.approx(2 * price + PRICES["eks-standard"].usd)


def test_prometheus_is_asked_for_this_model_only() -> None:
    waiting, _, age = gauge_queries("models", 'a"b')
    assert waiting == 'sum(vllm:num_requests_waiting{namespace="models",model_name="a\\"b"})'
    assert "timestamp" in age
    assert number({"data": {"result": [{"value": [1, "7"]}]}}) == 7
    assert number({"data": {"result": []}}) is None


def test_a_pipe_gets_plain_lines_every_five_seconds() -> None:
    out = io.StringIO()
    with display(Console(file=out, width=80), "burst", RESULTS, 60) as show:
        for second in range(12):
            show(sample(second))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    for part in (
        "queue 0 (3 s old)", "running 2", "TTFT p50/p95 0.50", "replicas wanted/ready 1 / 1 (of 1-4)",
        "nodes 4 (2 with GPUs)", "$ per hour 3.60", "sent 9", "done 5", "refused, may retry 3", "lost 1",
    ):  # fmt: skip
        assert part in lines[0]
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_a_table() -> None:
    out = io.StringIO()
    with display(Console(file=out, width=80, force_terminal=True), "burst on qwen", RESULTS, 60) as show:
        show(sample(1, 4, 2))
    assert "burst on qwen" in out.getvalue()
    assert "4 / 2 (of 1-4)" in out.getvalue()


def test_what_nothing_answered_for_is_a_dash() -> None:
    blind = LoadSample(1.0, None, None, None, 0, 0, 0, 0, 0)
    shown = dict(figures(blind, [], 60))
    assert {shown[name] for name in ("queue", "running", "TTFT p50/p95", "replicas wanted/ready", "nodes")} == {"-"}


def test_the_closing_words_tell_outcomes_latencies_replicas_and_money() -> None:
    said = "\n".join(closing_words(summarize(RESULTS, SAMPLES, 5.0, 0)))
    for part in (
        "4 requests in 50 s: 2 full answers, 1 refused with leave to retry, 1 lost; 1 not sent",
        "1 × lost: cut",
        "replicas ready: 1 at 0 s, 3 at 30 s, 4 at 40 s, 1 at 50 s",
        "2 ready after 25 s, 3 ready after 25 s, 4 ready after 35 s",
        "3.60 $ per hour, 0.0500 $ for the run",
    ):
        assert part in said
    assert closing_words(summarize([], [], None, 0)) == [
        "0 requests in 0 s: 0 full answers, 0 refused with leave to retry, 0 lost"
    ]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_drawn_also_of_an_empty_run(tmp_path: Path, suffix: str) -> None:
    draw(tmp_path / f"run{suffix}", "burst", RESULTS, SAMPLES)
    draw(tmp_path / f"empty{suffix}", "burst", [], [])
    full, empty = (tmp_path / f"{name}{suffix}" for name in ("run", "empty"))
    assert full.read_bytes()[:4] in (b"\x89PNG", b"<?xm")
    assert full.stat().st_size > empty.stat().st_size


def test_the_recorded_run_is_enough_to_simulate_it_again() -> None:
    target = LoadTarget("models", "qwen", "http://127.0.0.1:1", "Qwen", 8192)
    document = json.loads(
        json.dumps(recorded(Options(out=Path("x.svg")), target, RESULTS, SAMPLES, summarize(RESULTS, SAMPLES, 5.0, 0)))
    )
    assert document["requests"][0] == {
        "arrival": 1.0, "input_tokens": 10, "output_tokens": 5, "sent": 1.0, "outcome": "answered",
        "first_token": 1.5, "done": 3.0, "why": "",
    }  # fmt: skip
    assert document["samples"][1]["replicas"] == {"wanted": 4, "ready": 1, "fewest": 1, "most": 4}
