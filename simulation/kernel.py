"""The engine of every replica between two control events, compiled by numba.

Times are integer picoseconds, so that many decode steps at once take exactly as long as one after the other: with a
fixed batch each step reads `n` cached tokens more than the last, and an arithmetic series has a closed sum. The same
engine, one step at a time and without numba, is `bench/engine_reference.py`; both give equal results.

A step follows vLLM's V1 scheduler: running requests first, one token each, then the rest of a half-computed prompt,
then the queue in order, while the step's token budget, the batch and the blocks allow. A prompt leaves the queue when
blocks for all of it are free, though it takes them chunk by chunk (`scheduler_reserve_full_isl`, the default of the
versions that `engine_limits.py` names; before, blocks for its first chunk were enough). A sequence that finds no block
pushes the youngest one back to the head of the queue, where it starts again with all its tokens as prompt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.compiled import compiled
from simulation.kernel_state import (
    ARRIVAL,
    ARRIVED,
    ARRIVED_TOKENS,
    BLOCK,
    BUSY,
    CACHED,
    CACHED_PS,
    DONE,
    FIRST,
    FREE,
    GENERATED,
    HEAD,
    INPUT,
    MAX_SEQS,
    MAX_TOKENS,
    NEVER,
    NEXT_FINISH,
    OUTPUT,
    OUTPUT_STEPS,
    OUTPUT_TOKENS,
    OWNER,
    PAIR_PS,
    PARTIAL,
    PARTIAL_DONE,
    PREEMPTED,
    PROMPT_TOKENS,
    REPLICA_COLUMNS,
    REQUEST_COLUMNS,
    RUNNING,
    SEQUENCE_PS,
    STEPS,
    TAIL,
    TIME,
    WAITING,
    WHOLE_PROMPT,
    Ints,
    allocate_decodes,
    blocks_for,
    blocks_taken,
    dequeue,
    enqueue,
    finish_running,
    preempt_youngest,
    start_decoding,
    steps_with_blocks,
    steps_within,
)

__all__ = [
    "ARRIVAL",
    "BLOCK",
    "BUSY",
    "CACHED",
    "DONE",
    "FIRST",
    "FREE",
    "HEAD",
    "INPUT",
    "NEVER",
    "NEXT_FINISH",
    "OUTPUT",
    "OUTPUT_STEPS",
    "OUTPUT_TOKENS",
    "OWNER",
    "PARTIAL",
    "PARTIAL_DONE",
    "PREEMPTED",
    "PROMPT_TOKENS",
    "REPLICA_COLUMNS",
    "REQUEST_COLUMNS",
    "RUNNING",
    "STEPS",
    "TAIL",
    "TIME",
    "WAITING",
    "route",
    "run_fleet",
]


@compiled
def continue_prompt(replica: Ints, running: Ints, phases: Ints, requests: Ints, budget: int) -> tuple[int, int, int]:
    """The next chunk of the half-computed prompt: its tokens, query-key pairs, and its slot if that completes it.

    Without blocks for the chunk the prompt, which is the youngest, goes back to the queue: 0 tokens.
    """
    slot = replica[PARTIAL]
    before = replica[PARTIAL_DONE]
    rest = requests[slot, INPUT] + requests[slot, GENERATED] - before
    chunk = min(rest, budget)
    blocks = blocks_for(before + chunk) - blocks_for(before)
    if blocks > replica[FREE]:
        preempt_youngest(replica, running, phases, requests)
        return 0, 0, -1
    replica[FREE] -= blocks
    replica[PARTIAL_DONE] = before + chunk
    done = -1
    if chunk == rest:
        done = slot
        replica[PARTIAL] = -1
    return chunk, chunk * before + chunk * (chunk + 1) // 2, done


@compiled
def one_step(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints, done: Ints, count: Ints
) -> None:
    """One step of the scheduler, as the module describes it."""
    preempted = allocate_decodes(replica, running, phases, requests)
    decodes = replica[RUNNING]
    budget = limits[MAX_TOKENS] - decodes
    prompts, pairs, computed_prompts, ready = 0, 0, 0, -1
    if replica[PARTIAL] >= 0 and budget > 0:
        prompts, pairs, ready = continue_prompt(replica, running, phases, requests, budget)
        preempted = preempted or prompts == 0
        computed_prompts = 1 if prompts > 0 else 0
        budget -= prompts
    # Prompts completed in this step are parked behind the running ones until the step has ended.
    parked = 0
    if ready >= 0:
        running[decodes] = ready
        parked = 1
    while not preempted and replica[WAITING] > 0 and budget > 0 and replica[PARTIAL] < 0:
        slot = replica[HEAD]
        if requests[slot, ARRIVAL] > replica[TIME] or decodes + parked >= limits[MAX_SEQS]:
            break
        prompt = requests[slot, INPUT] + requests[slot, GENERATED]
        chunk = min(prompt, budget)
        if blocks_for(prompt if limits[WHOLE_PROMPT] else chunk) > replica[FREE]:
            break
        dequeue(replica, requests)
        replica[FREE] -= blocks_for(chunk)
        budget -= chunk
        prompts += chunk
        computed_prompts += 1
        pairs += chunk * (chunk + 1) // 2
        if chunk == prompt:
            running[decodes + parked] = slot
            parked += 1
        else:
            replica[PARTIAL] = slot
            replica[PARTIAL_DONE] = chunk
    end_step(
        replica,
        running,
        phases,
        requests,
        limits,
        linear,
        done,
        count,
        decodes,
        parked,
        prompts,
        computed_prompts,
        pairs,
    )


@compiled
def end_step(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints, done: Ints, count: Ints,
    decodes: int, parked: int, prompts: int, computed_prompts: int, pairs: int,
) -> None:  # fmt: skip
    """The step's time passes; tokens come out, prompts that are complete begin to decode."""
    replica[CACHED] += decodes
    passed = linear[decodes + prompts] + limits[SEQUENCE_PS] * (decodes + computed_prompts)
    passed += limits[CACHED_PS] * replica[CACHED] + limits[PAIR_PS] * pairs
    replica[TIME] += passed
    replica[BUSY] += passed
    replica[STEPS] += 1
    replica[OUTPUT_STEPS] += 1 if decodes + parked > 0 else 0
    replica[PROMPT_TOKENS] += prompts
    replica[OUTPUT_TOKENS] += decodes
    # Removing finished ones moves the running ones up, not the parked: keep those aside by position.
    first_parked = decodes
    finish_running(replica, running, phases, requests, done, count)
    for place in range(first_parked, first_parked + parked):
        start_decoding(replica, running, phases, requests, running[place], done, count)


@compiled
def decode_ahead(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints, done: Ints, count: Ints,
    until: int,
) -> bool:  # fmt: skip
    """All decode steps until the batch can change, at once; False where the next step is not a pure decode."""
    batch = replica[RUNNING]
    if batch == 0 or replica[PARTIAL] >= 0:
        return False
    horizon = until
    if replica[WAITING] > 0 and batch < limits[MAX_SEQS] and batch < limits[MAX_TOKENS]:
        slot = replica[HEAD]
        if requests[slot, ARRIVAL] <= replica[TIME]:
            prompt = requests[slot, INPUT] + requests[slot, GENERATED]
            tokens = prompt if limits[WHOLE_PROMPT] else min(prompt, limits[MAX_TOKENS] - batch)
            taken = phases[(-replica[STEPS]) % BLOCK]
            if blocks_for(tokens) <= replica[FREE] - taken:
                return False
        else:
            horizon = min(until, requests[slot, ARRIVAL])
    possible = min(
        replica[NEXT_FINISH] - replica[STEPS], steps_with_blocks(phases, replica[STEPS], batch, replica[FREE])
    )
    if possible <= 0:
        return False
    first = linear[batch] + limits[SEQUENCE_PS] * batch + limits[CACHED_PS] * (replica[CACHED] + batch)
    growth = limits[CACHED_PS] * batch
    steps = min(possible, steps_within(first, growth, horizon - replica[TIME]))
    passed = steps * first + growth * (steps * (steps - 1) // 2)
    replica[FREE] -= blocks_taken(phases, replica[STEPS], batch, steps)
    replica[TIME] += passed
    replica[BUSY] += passed
    replica[STEPS] += steps
    replica[OUTPUT_STEPS] += steps
    replica[CACHED] += batch * steps
    replica[OUTPUT_TOKENS] += batch * steps
    finish_running(replica, running, phases, requests, done, count)
    return True


@compiled
def run_replica(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints, done: Ints, count: Ints,
    until: int,
) -> None:  # fmt: skip
    """Every step that starts before `until`."""
    while replica[TIME] < until:
        if replica[RUNNING] == 0 and replica[PARTIAL] < 0:
            if replica[WAITING] == 0:
                replica[TIME] = until
                return
            replica[TIME] = max(replica[TIME], requests[replica[HEAD], ARRIVAL])
            if replica[TIME] >= until:
                return
        if not decode_ahead(replica, running, phases, requests, limits, linear, done, count, until):
            one_step(replica, running, phases, requests, limits, linear, done, count)


@compiled
def route(
    times: Ints, inputs: Ints, outputs: Ints, draws: NDArray[np.float64], first: int, last: int,
    endpoints: Ints, replicas: Ints, requests: Ints, free_slots: Ints, free_count: Ints,
) -> None:  # fmt: skip
    """Arrivals [first, last) to endpoints drawn at random, as kube-proxy does per connection."""
    for index in range(first, last):
        owner = endpoints[min(int(draws[index] * endpoints.size), endpoints.size - 1)]
        free_count[0] -= 1
        slot = free_slots[free_count[0]]
        requests[slot, ARRIVAL] = times[index]
        requests[slot, INPUT] = inputs[index]
        requests[slot, OUTPUT] = outputs[index]
        requests[slot, FIRST] = -1
        requests[slot, DONE] = -1
        requests[slot, GENERATED] = 0
        requests[slot, OWNER] = owner
        replicas[owner, ARRIVED] += 1
        replicas[owner, ARRIVED_TOKENS] += inputs[index]
        enqueue(replicas[owner], requests, slot, False)


@compiled
def run_fleet(
    active: Ints, replicas: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints,
    done: Ints, count: Ints, until: int,
) -> None:  # fmt: skip
    """Every active replica until that time; they meet only at control events."""
    for index in active:
        run_replica(replicas[index], running[index], phases[index], requests, limits, linear, done, count, until)
