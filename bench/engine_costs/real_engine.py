"""vLLM's own engine, forward passes included; run by the Python of vLLM's environment, nothing of ours is imported.

    python real_engine.py MODEL_FOLDER '{"max_model_len": ..., ...}'

Each line of stdin is a JSON array of arrivals (second, prompt tokens, answer tokens); each answer is a line that begins
with RESULT. Time is the CPU time of this process, one thread: other work on the machine hardly changes it. Where no one
is served it jumps to the next arrival. `steps`: seconds, tokens, sequences, cached tokens of those that decode, pairs
of query and key.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any


class Recorder:
    """What the scheduler decided in the last step."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler, self.original = scheduler, scheduler.schedule
        self.last: tuple[int, int, int, int] = (0, 0, 0, 0)
        scheduler.schedule = self.schedule

    def schedule(self, *given: Any, **named: Any) -> Any:
        before = {name: request.num_computed_tokens for name, request in self.scheduler.requests.items()}
        output = self.original(*given, **named)
        cached = pairs = 0
        for name, count in output.num_scheduled_tokens.items():
            request, start = self.scheduler.requests[name], before[name]
            if count == 1 and start >= request.num_prompt_tokens:
                cached += start + 1
            else:
                pairs += count * start + count * (count + 1) // 2
        self.last = (sum(output.num_scheduled_tokens.values()), len(output.num_scheduled_tokens), cached, pairs)
        return output


def engine_of(folder: str, limits: dict[str, Any]) -> Any:
    """The engine, its core and its worker in this process."""
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

    arguments = EngineArgs(
        model=folder,
        load_format="dummy",
        skip_tokenizer_init=True,
        enforce_eager=True,
        dtype="float32",
        distributed_executor_backend="uni",
        disable_log_stats=True,
        **limits,
    )
    return LLMEngine.from_engine_args(arguments)


def play(engine: Any, recorder: Recorder, run: int, arrivals: list[list[float]]) -> dict[str, Any]:
    """First token and end of each request, seconds, and every step."""
    from vllm.sampling_params import SamplingParams

    first: dict[int, float] = {}
    done: dict[int, float] = {}
    steps: list[list[float]] = []
    now, place = 0.0, 0
    while len(done) < len(arrivals):
        if not engine.has_unfinished_requests():
            now = max(now, arrivals[place][0])
        while place < len(arrivals) and arrivals[place][0] <= now:
            _, inputs, outputs = arrivals[place]
            # No prompt begins as another's, or the prefix cache would do the work.
            drawn = random.Random(f"{run} {place}")
            tokens = [drawn.randrange(1, 300) for _ in range(int(inputs))]
            sampling = SamplingParams(max_tokens=int(outputs), ignore_eos=True, temperature=0, detokenize=False)
            engine.add_request(f"{run}-{place}", {"prompt_token_ids": tokens}, sampling)
            place += 1
        begun = time.process_time()
        answers = engine.step()
        took = time.process_time() - begun
        now += took
        steps.append([took, *recorder.last])
        for answer in answers:
            number = int(answer.request_id.split("-")[1])
            if answer.outputs and answer.outputs[0].token_ids:
                first.setdefault(number, now)
            if answer.finished:
                done[number] = now
    order = range(len(arrivals))
    return {"first": [first[number] for number in order], "done": [done[number] for number in order], "steps": steps}


def main(folder: str, limits: str) -> None:
    """Until stdin ends."""
    import torch

    torch.set_num_threads(1)
    engine = engine_of(folder, json.loads(limits))
    recorder = Recorder(engine.engine_core.engine_core.scheduler)
    for run, line in enumerate(sys.stdin):
        print("RESULT", json.dumps(play(engine, recorder, run, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
