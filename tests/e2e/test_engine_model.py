"""Our engine models against the real vLLM's scheduler, same arrivals and step costs: `make e2e ENGINE=vllm`.

Virtual time on both sides, so a busy machine changes nothing. What is not compared here is how long a real step takes:
docs/throughput-model.md holds that against public measurements.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.host.paths import platform_paths
from local.vllm_cpu import tiny_model
from local.vllm_cpu.environment import Environment, installed
from planning.throughput.burst import burst
from planning.throughput.roofline import Traffic
from planning.throughput.serving_rates import ServingRates
from simulation.engine_limits import PICOSECONDS, EngineModel
from simulation.fleet import Fleet
from simulation.traces import Requests
from tests.simulation.engines import engine, requests

pytestmark = pytest.mark.vllm

DRIVER = Path(__file__).with_name("real_scheduler.py")
TINY = {
    "repo_id": "acme/tiny",
    "revision": "0" * 40,
    "model_type": "llama",
    "kind": "LlamaForCausalLM",
    "max_model_len": 8192,
}
# Arrivals over time: a calm replica, a busy one, one beyond what it can, small steps, hardly any cache.
OVER_TIME: dict[str, tuple[EngineModel, Requests]] = {
    "calm": (engine("l4"), requests(60, 0.2, 1, 500, 100)),
    "busy": (engine("l4"), requests(120, 0.6, 1, 500, 100)),
    "too much": (engine("l4"), requests(120, 3, 2, 800, 150)),
    "a small batch": (engine("l4", max_num_seqs=5), requests(80, 2, 2, 500, 100)),
    "small steps": (engine("l4", max_num_batched_tokens=512), requests(120, 0.7, 4, 1155, 100)),
    "hardly any cache": (engine("l4", kv_blocks=600), requests(100, 3, 2, 500, 200)),
    "first chunks are enough": (
        engine("l4", kv_blocks=600, max_num_batched_tokens=256, admits_whole_prompts=False),
        requests(60, 3, 2, 500, 200),
    ),
}
# Bursts, with what a preempted request finds again in the prefix cache.
BURSTS: dict[str, tuple[EngineModel, list[tuple[int, int]]]] = {
    "equal": (engine("l4"), [(500, 60)] * 48),
    "mixed": (engine("l4"), [(50 + 37 * n % 900, 1 + 53 * n % 150) for n in range(80)]),
    "short of cache": (engine("l4", kv_blocks=500), [(200 + 37 * n % 600, 50 + 53 * n % 200) for n in range(60)]),
}


def job(model: EngineModel, arrivals: Sequence[tuple[float, int, int]], caches_prefixes: bool) -> dict[str, Any]:
    costs = model.costs
    return {
        "limits": {
            "max_model_len": model.max_model_len,
            "caches_prefixes": caches_prefixes,
            "max_num_seqs": model.max_num_seqs,
            "max_num_batched_tokens": model.max_num_batched_tokens,
            "admits_whole_prompts": model.admits_whole_prompts,
            "kv_blocks": model.kv_blocks,
        },
        "costs": {
            "linear_seconds": [float(linear_p) / PICOSECONDS for linear_p in model.linear_ps],
            "sequence": costs.sequence_seconds,
            "cached_token": costs.cached_token_seconds,
            "pair": costs.attention_pair_seconds,
        },
        "requests": arrivals,
    }


def over_time(load: Requests) -> list[tuple[float, int, int]]:
    columns = (load.arrivals_ps / PICOSECONDS, load.inputs, load.outputs)
    return [(float(at), int(inputs), int(outputs)) for at, inputs, outputs in zip(*columns, strict=True)]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What vLLM's scheduler did with each case; one process, since importing vLLM takes longer than all cases."""
    environment: Environment | None = installed(platform_paths())
    if environment is None:
        pytest.skip("vLLM is not installed; run: make engine")
    hub = tmp_path_factory.mktemp("hub")
    made = [str(environment.python), tiny_model.__file__, str(hub), json.dumps(TINY)]
    folder = subprocess.run(made, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    jobs = [job(model, over_time(load), caches_prefixes=False) for model, load in OVER_TIME.values()]
    for model, lengths in BURSTS.values():
        jobs.append(job(model, [(0.0, inputs, outputs) for inputs, outputs in lengths], caches_prefixes=True))
    quiet = os.environ | {"VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [str(environment.python), str(DRIVER), folder],
        input=json.dumps(jobs), capture_output=True, text=True, env=quiet, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip((*OVER_TIME, *BURSTS), json.loads(done.stdout.splitlines()[-1]), strict=True))


def ours(model: EngineModel, load: Requests) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """First tokens and ends by request, seconds, in the order of their arrivals; and preemptions."""
    from simulation import kernel

    fleet = Fleet(model)
    place, count = fleet.start(0), load.inputs.size
    fleet.send(load.arrivals_ps, load.inputs, load.outputs, np.zeros(count), (0, count), np.array([place]))
    ended = fleet.run_until(10**18)
    order = np.argsort(ended.arrival, kind="stable")
    preempted = int(fleet.replicas[place][kernel.PREEMPTED])
    return ended.first_token[order] / PICOSECONDS, ended.done[order] / PICOSECONDS, preempted


def waiting(arrivals: np.ndarray[Any, Any], first: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Requests without a first token at a hundred moments."""
    moments = np.linspace(0, float(first.max()), 100)
    return np.array([((arrivals <= at) & (first > at)).sum() for at in moments])


@pytest.mark.parametrize("name", OVER_TIME)
def test_first_tokens_ends_and_queue_are_within_ten_percent_of_the_real_scheduler(
    real: dict[str, Any], name: str
) -> None:
    model, load = OVER_TIME[name]
    arrivals = load.arrivals_ps / PICOSECONDS
    first, done, preempted = ours(model, load)
    theirs_first, theirs_done = np.array(real[name]["first"]), np.array(real[name]["done"])
    for share in (0.5, 0.9, 0.99):
        mine, true = (np.quantile(each - arrivals, share) for each in (first, theirs_first))
        assert mine == pytest.approx(true, rel=0.1), f"first token, {share:.0%}"
        mine, true = (np.quantile(each - arrivals, share) for each in (done, theirs_done))
        assert mine == pytest.approx(true, rel=0.1), f"end, {share:.0%}"
    mine_queue, true_queue = waiting(arrivals, first), waiting(arrivals, theirs_first)
    assert np.abs(mine_queue - true_queue).mean() <= 0.1 * max(1.0, float(true_queue.mean()))
    assert (preempted > 0) is (real[name]["preempted"] > 0)


@pytest.mark.parametrize("name", BURSTS)
def test_a_burst_takes_as_long_as_with_the_real_scheduler_and_its_prefix_cache(real: dict[str, Any], name: str) -> None:
    model, lengths = BURSTS[name]
    rates = ServingRates(
        costs=model.costs,
        traffic=Traffic(500, 100),
        kv_cache_tokens=model.kv_blocks * 16,
        max_num_seqs=model.max_num_seqs,
        most_concurrent=1,
        max_num_batched_tokens=model.max_num_batched_tokens,
        declared=True,
        admits_whole_prompts=model.admits_whole_prompts,
    )
    mine = burst(rates, lengths)
    assert mine.seconds == pytest.approx(max(real[name]["done"]), rel=0.1)
    mean = float(np.mean(real[name]["first"]))
    assert mine.mean_time_to_first_token_seconds - model.frontend_seconds == pytest.approx(mean, rel=0.1)
    if name == "short of cache":
        assert mine.preempted > 0
        assert real[name]["preempted"] > 0
        forgetful = burst(replace(rates, caches_prefixes=False), lengths)
        assert abs(mine.seconds - max(real[name]["done"])) <= abs(forgetful.seconds - max(real[name]["done"]))
