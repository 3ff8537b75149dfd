"""Speed of the simulator: a day at 10 requests/s, and its ratio to the plain engine on the same requests.

`python -m bench.simulator` prints both. The plain engine (`bench/engine_reference.py`) is run on a part of the day, one
replica's share of it, and on the same part the compiled one; their results are compared before their times.
"""

from __future__ import annotations

import time

import numpy as np

from bench.engine_reference import ReferenceReplica, ReferenceRequest
from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import gpu
from simulation.compare import Bounds, case, run
from simulation.engine_limits import EngineModel, engine_model
from simulation.fleet import Fleet
from simulation.policies import policy
from simulation.profiles import Lengths, generate, profile
from simulation.supply import Supply, fixed_cold_start
from simulation.traces import Requests
from simulation.world import Setting, World

FAR = 10**17
MODEL, CARD = "meta-llama/Llama-3.1-8B-Instruct", "l40s"
PART_REQUESTS = 9_000


def load() -> list[Requests]:
    """One hour at 2.5 requests/s: a quarter of the load, on one replica."""
    return list(generate(profile("poisson:2.5", PART_REQUESTS / 2.5), Lengths(), 1))


def compiled_seconds(model: EngineModel, chunks: list[Requests]) -> tuple[float, list[tuple[int, int, int]]]:
    """Time and (arrival, first token, end) of every request in the compiled engine."""
    began = time.perf_counter()
    fleet = Fleet(model)
    place = fleet.start(0)
    for chunk in chunks:
        count = chunk.inputs.size
        fleet.send(
            chunk.arrivals_ps, chunk.inputs, chunk.outputs, np.zeros(count), (0, count), np.array([place], np.int64)
        )
    finished = fleet.run_until(FAR)
    took = time.perf_counter() - began
    return took, sorted(
        zip(finished.arrival.tolist(), finished.first_token.tolist(), finished.done.tolist(), strict=True)
    )


def plain_seconds(model: EngineModel, chunks: list[Requests]) -> tuple[float, list[tuple[int, int, int]]]:
    """The same with one step after the other."""
    began = time.perf_counter()
    replica = ReferenceReplica(model)
    for chunk in chunks:
        columns = zip(chunk.arrivals_ps.tolist(), chunk.inputs.tolist(), chunk.outputs.tolist(), strict=True)
        replica.waiting.extend(ReferenceRequest(number, *column) for number, column in enumerate(columns))
    replica.run_until(FAR)
    took = time.perf_counter() - began
    return took, sorted((request.arrival, request.first_token, request.done) for request in replica.finished)


def day_seconds(setting: Setting) -> tuple[float, float, int]:
    """A day at 10 requests/s under the default policy, drawing included: wall and CPU seconds."""
    compared = case(
        setting, lambda: generate(profile("poisson:10", 3600), Lengths(), 1), Bounds(1, 8), with_oracle=False
    )
    began, began_cpu = time.perf_counter(), time.process_time()
    outcome = World(setting, policy("default")(compared.given)).run(
        generate(profile("poisson:10", 86_400), Lengths(), 1)
    )
    return time.perf_counter() - began, time.process_time() - began_cpu, outcome.requests


def main() -> None:
    """Prints the two figures."""
    model = engine_model(architecture(MODEL), EngineConfig(8192), gpu(CARD))
    setting = Setting(model, Supply(fixed_cold_start(240, 30), usd_per_node_hour=1.86))
    short = case(setting, lambda: generate(profile("poisson:5", 60), Lengths(), 1), Bounds(1, 2), with_oracle=False)
    run(short, ["default"])  # compiles
    wall, cpu, requests = min(day_seconds(setting) for _ in range(3))
    print(f"a day at 10 requests/s, {requests:,} requests, default policy (goal ≤ 3 s): {wall:.2f} s, {cpu:.2f} s CPU")
    chunks = load()
    fast, ours = min((compiled_seconds(model, chunks) for _ in range(3)), key=lambda request: request[0])
    slow, theirs = plain_seconds(model, chunks)
    print(
        f"the plain engine on {len(theirs):,} of these requests: {slow:.2f} s, ours {fast:.4f} s: {slow / fast:.0f} ×"
    )
    print(f"equal to the picosecond: {ours == theirs} (goal ≥ 20 ×)")


if __name__ == "__main__":
    main()
