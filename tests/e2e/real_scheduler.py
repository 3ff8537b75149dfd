"""vLLM's own scheduler on a virtual clock; run by the Python of vLLM's environment, nothing of ours is imported.

    python real_scheduler.py MODEL_FOLDER < job.json > result.json

The scheduler, its KV cache manager and its request queue are the real ones, as the engine core makes them. Only the
forward pass is not run: a step takes the seconds that the job's costs say, and each request that is due gets a token.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any


def scheduler_of(folder: str, limits: dict[str, Any]) -> tuple[Any, Any]:
    """The scheduler and the function that hashes a request's blocks."""
    import torch
    from vllm.config import CacheConfig, DeviceConfig, ModelConfig, SchedulerConfig, VllmConfig
    from vllm.utils.hashing import get_hash_fn_by_name
    from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
    from vllm.v1.core.sched.scheduler import Scheduler
    from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
    from vllm.v1.structured_output import StructuredOutputManager

    model = ModelConfig(model=folder, max_model_len=limits["max_model_len"], dtype="bfloat16", skip_tokenizer_init=True)
    cache = CacheConfig(block_size=16, enable_prefix_caching=limits["caches_prefixes"])
    config = VllmConfig(
        model_config=model,
        cache_config=cache,
        device_config=DeviceConfig("cpu"),
        scheduler_config=SchedulerConfig(
            max_num_seqs=limits["max_num_seqs"],
            max_num_batched_tokens=limits["max_num_batched_tokens"],
            max_model_len=limits["max_model_len"],
            enable_chunked_prefill=True,
            is_encoder_decoder=False,
            async_scheduling=False,
            scheduler_reserve_full_isl=limits["admits_whole_prompts"],
        ),
    )
    # One block is the null block, which nobody gets.
    config.cache_config.num_gpu_blocks = limits["kv_blocks"] + 1
    group = KVCacheGroupSpec(
        ["layer"], FullAttentionSpec(block_size=16, num_kv_heads=1, head_size=8, dtype=torch.bfloat16)
    )
    blocks = KVCacheConfig(num_blocks=limits["kv_blocks"] + 1, kv_cache_tensors=[], kv_cache_groups=[group])
    hashing = get_hash_fn_by_name("sha256")
    init_none_hash(hashing)
    scheduler = Scheduler(config, blocks, StructuredOutputManager(config), block_size=16)
    return scheduler, get_request_block_hasher(16, hashing)


def request_of(number: int, inputs: int, outputs: int, hasher: Any) -> Any:
    """A request whose tokens are its own, so that no other finds them in the prefix cache."""
    from vllm.sampling_params import SamplingParams
    from vllm.v1.request import Request

    drawn = random.Random(number)
    tokens = [drawn.randrange(1, 300) for _ in range(inputs)]
    sampling = SamplingParams(max_tokens=outputs, ignore_eos=True, temperature=0)
    sampling.update_from_generation_config({}, None)
    return Request(f"r{number}", tokens, sampling, None, block_hasher=hasher)


class Clock:
    """Costs of a step, seconds: those of planning/throughput/roofline.py as a table."""

    def __init__(self, costs: dict[str, Any]) -> None:
        self.linear = costs["linear_seconds"]
        self.sequence, self.cached, self.pair = (costs[key] for key in ("sequence", "cached_token", "pair"))

    def seconds(self, scheduled: dict[str, int], before: dict[str, int], prompts: dict[str, int]) -> float:
        """Of one step: tokens per request, and what was computed of it before; `prompts`: tokens still to be read."""
        cached = pairs = 0
        for name, count in scheduled.items():
            if count == 1 and before[name] >= prompts[name]:
                cached += before[name] + 1
            else:
                pairs += count * before[name] + count * (count + 1) // 2
        tokens = sum(scheduled.values())
        return float(self.linear[tokens] + self.sequence * len(scheduled) + self.cached * cached + self.pair * pairs)


def play(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """First token and end of each request, and the queue (time, running, waiting) after each step."""
    from vllm.v1.outputs import ModelRunnerOutput

    scheduler, hasher = scheduler_of(folder, job["limits"])
    clock, arrivals, now, place = Clock(job["costs"]), job["requests"], 0.0, 0
    first: dict[str, float] = {}
    done: dict[str, float] = {}
    queue: list[tuple[float, int, int]] = []
    preempted = 0
    while len(done) < len(arrivals):
        while place < len(arrivals) and arrivals[place][0] <= now:
            _, inputs, outputs = arrivals[place]
            scheduler.add_request(request_of(place, inputs, outputs, hasher))
            place += 1
        if not scheduler.has_unfinished_requests():
            now = arrivals[place][0]
            continue
        before = {name: request.num_computed_tokens for name, request in scheduler.requests.items()}
        output = scheduler.schedule()
        preempted += len(output.preempted_req_ids or ())
        scheduled = dict(output.num_scheduled_tokens)
        known = {name: scheduler.requests[name].num_tokens for name in scheduled}
        # Resumed and new ones may have found tokens in the cache: computed before is what is not scheduled now.
        after = {name: scheduler.requests[name].num_computed_tokens for name in scheduled}
        started = {
            name: after[name] - scheduled[name] if after[name] >= scheduled[name] else before[name]
            for name in scheduled
        }
        made = {name: len(scheduler.requests[name].output_token_ids) for name in scheduled}
        reading = {name: known[name] if not made[name] else known[name] - 1 for name in scheduled}
        now += clock.seconds(scheduled, started, reading)
        sampled = {name: [7] if started[name] + count >= known[name] else [] for name, count in scheduled.items()}
        names = list(scheduled)
        result = ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: index for index, name in enumerate(names)},
            sampled_token_ids=[sampled[name] for name in names],
        )
        scheduler.update_from_output(output, result)
        for name in names:
            if sampled[name]:
                first.setdefault(name, now)
            if name not in scheduler.requests:
                done[name] = now
        queue.append((now, len(scheduler.running), len(scheduler.waiting)))
    order = [f"r{number}" for number in range(len(arrivals))]
    return {
        "first": [first[name] for name in order],
        "done": [done[name] for name in order],
        "queue": queue,
        "preempted": preempted,
    }


if __name__ == "__main__":
    job = json.load(sys.stdin)
    sys.stderr.write("vLLM's scheduler, virtual time\n")
    answers = [play(each, sys.argv[1]) for each in job]
    print(json.dumps(answers))
