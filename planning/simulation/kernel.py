"""The engine of every replica between two control events, compiled by numba.

Times are integer picoseconds, so that many decode steps at once take exactly as long as one after the other: with a
fixed batch each step reads `n` cached tokens more than the last, and an arithmetic series has a closed sum. The same
engine, one step at a time and without numba, is `bench/engine_reference.py`; both give equal results.

A step follows vLLM's V1 scheduler: running requests first, one token each, then the rest of a half-computed prompt,
then the queue in order, while the step's token budget, the batch and the blocks allow. A sequence that finds no block
pushes the youngest one back to the head of the queue, where it starts again with all its tokens as prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., object])

BLOCK = 16  # tokens per KV block, vLLM's default

# Columns of a replica's row.
(
    TIME,
    STEPS,
    FREE,
    RUNNING,
    CACHED,
    HEAD,
    TAIL,
    WAITING,
    PARTIAL,
    PARTIAL_DONE,
    NEXT_FINISH,
    FINISHED,
    PREEMPTED,
    PROMPT_TOKENS,
    OUTPUT_TOKENS,
    BUSY,
    ARRIVED,
    ARRIVED_TOKENS,
    REPLICA_COLUMNS,
) = range(19)
# Columns of a request's row. COMPUTED, GENERATED: at step BASE of its replica; both grow by one per step.
(ARRIVAL, INPUT, OUTPUT, FIRST, DONE, COMPUTED, GENERATED, BASE, FINISH, NEXT, OWNER, REQUEST_COLUMNS) = range(12)
# Limits and costs of the engine, one row for all replicas.
(TOTAL_BLOCKS, MAX_SEQS, MAX_TOKENS, SEQUENCE_PS, CACHED_PS, PAIR_PS, LIMITS) = range(7)
NEVER = 1 << 62


def compiled(function: Function) -> Function:
    """njit with its machine code kept beside the source, typed as the function it is."""
    return njit(cache=True)(function)  # type: ignore[no-any-return]


@compiled
def enqueue(replica: Ints, requests: Ints, slot: int, front: bool) -> None:
    """Puts a request at the end, or the head, of a replica's queue."""
    if replica[WAITING] == 0:
        requests[slot, NEXT] = -1
        replica[HEAD] = slot
        replica[TAIL] = slot
    elif front:
        requests[slot, NEXT] = replica[HEAD]
        replica[HEAD] = slot
    else:
        requests[slot, NEXT] = -1
        requests[replica[TAIL], NEXT] = slot
        replica[TAIL] = slot
    replica[WAITING] += 1


@compiled
def dequeue(replica: Ints, requests: Ints) -> int:
    """Takes the head of the queue."""
    slot = replica[HEAD]
    replica[HEAD] = requests[slot, NEXT]
    replica[WAITING] -= 1
    if replica[WAITING] == 0:
        replica[HEAD] = -1
        replica[TAIL] = -1
    return int(slot)


@compiled
def blocks_for(tokens: int) -> int:
    """KV blocks that hold that many tokens."""
    return (tokens + BLOCK - 1) // BLOCK


@compiled
def preempt_youngest(replica: Ints, running: Ints, phases: Ints, requests: Ints) -> int:
    """Frees the youngest running request and puts it at the head of the queue; returns its slot."""
    if replica[PARTIAL] >= 0:
        slot = replica[PARTIAL]
        replica[FREE] += blocks_for(replica[PARTIAL_DONE])
        replica[PARTIAL] = -1
        replica[PARTIAL_DONE] = 0
    else:
        replica[RUNNING] -= 1
        slot = running[replica[RUNNING]]
        age = replica[STEPS] - requests[slot, BASE]
        computed = requests[slot, COMPUTED] + age
        requests[slot, GENERATED] += age
        replica[FREE] += blocks_for(computed)
        replica[CACHED] -= computed
        phases[(computed - replica[STEPS]) % BLOCK] -= 1
        replica[NEXT_FINISH] = next_finish(replica, running, requests)
    replica[PREEMPTED] += 1
    enqueue(replica, requests, slot, True)
    return int(slot)


@compiled
def next_finish(replica: Ints, running: Ints, requests: Ints) -> int:
    """The step at which the next running request has all its tokens."""
    earliest = NEVER
    for place in range(replica[RUNNING]):
        earliest = min(earliest, requests[running[place], FINISH])
    return earliest


@compiled
def allocate_decodes(replica: Ints, running: Ints, phases: Ints, requests: Ints) -> bool:
    """A block for every running sequence whose last one is full; answers whether something was preempted for it."""
    wanted = phases[(-replica[STEPS]) % BLOCK]
    if wanted <= replica[FREE]:
        replica[FREE] -= wanted
        return False
    place = 0
    preempted = False
    while place < replica[RUNNING]:
        slot = running[place]
        computed = requests[slot, COMPUTED] + replica[STEPS] - requests[slot, BASE]
        if computed % BLOCK == 0:
            itself = False
            while replica[FREE] == 0 and not itself:
                preempted = True
                itself = preempt_youngest(replica, running, phases, requests) == slot
            if itself:
                break
            replica[FREE] -= 1
        place += 1
    return preempted


@compiled
def finish_request(replica: Ints, requests: Ints, slot: int, done: Ints, count: Ints) -> None:
    """Notes a request's end at the replica's present time."""
    requests[slot, DONE] = replica[TIME]
    replica[FINISHED] += 1
    done[count[0]] = slot
    count[0] += 1


@compiled
def finish_running(replica: Ints, running: Ints, phases: Ints, requests: Ints, done: Ints, count: Ints) -> None:
    """Removes the running requests whose last token this step made, keeping the order of the others."""
    if replica[NEXT_FINISH] > replica[STEPS]:
        return
    kept = 0
    for place in range(replica[RUNNING]):
        slot = running[place]
        if requests[slot, FINISH] > replica[STEPS]:
            running[kept] = slot
            kept += 1
            continue
        computed = requests[slot, COMPUTED] + replica[STEPS] - requests[slot, BASE]
        replica[FREE] += blocks_for(computed)
        replica[CACHED] -= computed
        phases[(computed - replica[STEPS]) % BLOCK] -= 1
        finish_request(replica, requests, slot, done, count)
    replica[RUNNING] = kept
    replica[NEXT_FINISH] = next_finish(replica, running, requests)


@compiled
def start_decoding(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, slot: int, done: Ints, count: Ints
) -> None:
    """A prompt is computed: its first token is out, and it decodes from the next step on."""
    prompt = requests[slot, INPUT] + requests[slot, GENERATED]
    if requests[slot, FIRST] < 0:
        requests[slot, FIRST] = replica[TIME]
    requests[slot, GENERATED] += 1
    replica[OUTPUT_TOKENS] += 1
    if requests[slot, GENERATED] >= requests[slot, OUTPUT]:
        replica[FREE] += blocks_for(prompt)
        finish_request(replica, requests, slot, done, count)
        return
    requests[slot, COMPUTED] = prompt
    requests[slot, BASE] = replica[STEPS]
    requests[slot, FINISH] = replica[STEPS] + requests[slot, OUTPUT] - requests[slot, GENERATED]
    replica[NEXT_FINISH] = min(replica[NEXT_FINISH], requests[slot, FINISH])
    replica[CACHED] += prompt
    phases[(prompt - replica[STEPS]) % BLOCK] += 1
    running[replica[RUNNING]] = slot
    replica[RUNNING] += 1


@compiled
def one_step(
    replica: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints, done: Ints, count: Ints
) -> None:
    """One step of the scheduler, as the module describes it."""
    preempted = allocate_decodes(replica, running, phases, requests)
    decodes = replica[RUNNING]
    budget = limits[MAX_TOKENS] - decodes
    pairs = 0
    prompts = 0
    computed_prompts = 0
    ready = -1
    if replica[PARTIAL] >= 0 and budget > 0:
        slot = replica[PARTIAL]
        before = replica[PARTIAL_DONE]
        rest = requests[slot, INPUT] + requests[slot, GENERATED] - before
        chunk = min(rest, budget)
        blocks = blocks_for(before + chunk) - blocks_for(before)
        if blocks > replica[FREE]:
            preempt_youngest(replica, running, phases, requests)
            preempted = True
        else:
            replica[FREE] -= blocks
            budget -= chunk
            prompts += chunk
            computed_prompts += 1
            pairs += chunk * before + chunk * (chunk + 1) // 2
            replica[PARTIAL_DONE] = before + chunk
            if chunk == rest:
                ready = slot
                replica[PARTIAL] = -1
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
        if blocks_for(chunk) > replica[FREE]:
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
    end_step(replica, running, phases, requests, limits, linear, done, count, decodes, parked, prompts, computed_prompts, pairs)


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
    replica[PROMPT_TOKENS] += prompts
    replica[OUTPUT_TOKENS] += decodes
    # Removing finished ones moves the running ones up, not the parked: keep those aside by position.
    first_parked = decodes
    finish_running(replica, running, phases, requests, done, count)
    for place in range(first_parked, first_parked + parked):
        start_decoding(replica, running, phases, requests, running[place], done, count)


@compiled
def steps_within(first: int, growth: int, time: int) -> int:
    """The fewest steps, at least one, that take `time` or longer when each takes `growth` longer than the last."""
    if first >= time:
        return 1
    if growth == 0:
        return -(-time // first)
    half = first - growth / 2
    guess = int((np.sqrt(half * half + 2.0 * growth * time) - half) / growth)
    steps = max(1, guess)
    while steps * first + growth * (steps * (steps - 1) // 2) >= time and steps > 1:
        steps -= 1
    while steps * first + growth * (steps * (steps - 1) // 2) < time:
        steps += 1
    return steps


@compiled
def steps_with_blocks(phases: Ints, steps: int, running: int, free: int) -> int:
    """How many steps the free blocks last; a full turn of BLOCK steps takes one block per sequence."""
    turns = free // running
    left = free - turns * running
    count = turns * BLOCK
    for ahead in range(BLOCK):
        wanted = phases[(-(steps + ahead)) % BLOCK]
        if wanted > left:
            break
        left -= wanted
        count += 1
    return count


@compiled
def blocks_taken(phases: Ints, steps: int, running: int, count: int) -> int:
    """Blocks that `count` steps allocate."""
    taken = count // BLOCK * running
    for ahead in range(count % BLOCK):
        taken += phases[(-(steps + ahead)) % BLOCK]
    return taken


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
            chunk = min(requests[slot, INPUT] + requests[slot, GENERATED], limits[MAX_TOKENS] - batch)
            taken = phases[(-replica[STEPS]) % BLOCK]
            if blocks_for(chunk) <= replica[FREE] - taken:
                return False
        else:
            horizon = min(until, requests[slot, ARRIVAL])
    possible = min(replica[NEXT_FINISH] - replica[STEPS], steps_with_blocks(phases, replica[STEPS], batch, replica[FREE]))
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
    for each in range(first, last):
        owner = endpoints[min(int(draws[each] * endpoints.size), endpoints.size - 1)]
        free_count[0] -= 1
        slot = free_slots[free_count[0]]
        requests[slot, ARRIVAL] = times[each]
        requests[slot, INPUT] = inputs[each]
        requests[slot, OUTPUT] = outputs[each]
        requests[slot, FIRST] = -1
        requests[slot, DONE] = -1
        requests[slot, GENERATED] = 0
        requests[slot, OWNER] = owner
        replicas[owner, ARRIVED] += 1
        replicas[owner, ARRIVED_TOKENS] += inputs[each]
        enqueue(replicas[owner], requests, slot, False)


@compiled
def run_fleet(
    active: Ints, replicas: Ints, running: Ints, phases: Ints, requests: Ints, limits: Ints, linear: Ints,
    done: Ints, count: Ints, until: int,
) -> None:  # fmt: skip
    """Every active replica until that time; they meet only at control events."""
    for each in active:
        run_replica(replicas[each], running[each], phases[each], requests, limits, linear, done, count, until)
