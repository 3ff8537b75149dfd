"""The state of engines as rows of integers, and what moves a request: queue, cache blocks, preemption, finish."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.compiled import compiled

Ints = NDArray[np.int64]

BLOCK = 16  # tokens per KV block, vLLM's default

# Columns of a replica's row. OUTPUT_STEPS: steps that put out a token, the only ones that vLLM's statistics see.
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
    OUTPUT_STEPS,
    REPLICA_COLUMNS,
) = range(20)
# Columns of a request's row. COMPUTED, GENERATED: at step BASE of its replica; both grow by one per step.
(ARRIVAL, INPUT, OUTPUT, FIRST, DONE, COMPUTED, GENERATED, BASE, FINISH, NEXT, OWNER, REQUEST_COLUMNS) = range(12)
# Limits and costs of the engine, one row for all replicas. WHOLE_PROMPT: 1 where a prompt is admitted whole or not.
(TOTAL_BLOCKS, MAX_SEQS, MAX_TOKENS, SEQUENCE_PS, CACHED_PS, PAIR_PS, WHOLE_PROMPT, LIMITS) = range(8)
NEVER = 1 << 62


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
    due = phases[(-replica[STEPS]) % BLOCK]
    if due <= replica[FREE]:
        replica[FREE] -= due
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
        due = phases[(-(steps + ahead)) % BLOCK]
        if due > left:
            break
        left -= due
        count += 1
    return count


@compiled
def blocks_taken(phases: Ints, steps: int, running: int, count: int) -> int:
    """Blocks that `count` steps allocate."""
    taken = count // BLOCK * running
    for ahead in range(count % BLOCK):
        taken += phases[(-(steps + ahead)) % BLOCK]
    return taken
