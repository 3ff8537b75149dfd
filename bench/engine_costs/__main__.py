"""Our engine model with the step costs of the real vLLM, forward passes included: `python -m bench.engine_costs`.

Needs `make engine`; about five minutes. It is a figure and no test: what a step costs on a shared machine changes while
it is measured. A small model on this machine's CPU. One load shows what its steps cost; other loads, each played twice,
are what our model with these costs is held against. How far the two real runs are from each other is
out of a model's reach. The first load is played again before each run of the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.engine_costs.measured_steps import MeasuredEngine, Run, differences, measured, run_of, simulated, slowed
from local.host.paths import platform_paths
from local.load.arrivals import Arrival
from local.vllm_cpu.environment import installed

DRIVER = Path(__file__).with_name("real_engine.py")
LIMITS = {"max_model_len": 2048, "max_num_seqs": 16, "max_num_batched_tokens": 256}
# Large enough that a step's work is more than what is about it, small enough for a CPU.
SIZE = {
    "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 8, "num_attention_heads": 8,
    "num_key_value_heads": 4, "head_dim": 64, }  # fmt: skip


CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 2048, "hidden_act": "silu",
    "max_position_embeddings": LIMITS["max_model_len"], "rms_norm_eps": 1e-5, "torch_dtype": "float32",
    "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False, **SIZE,
}  # fmt: skip
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_TARGET_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1",
    "OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1",
}  # fmt: skip
GOAL = 0.1
"""Of the times to the first token and to the end, and of both curves."""
MOST_NOISE = 0.25
"""Where two runs of the real engine differ by more, nothing can be told of a model."""
WRONG = 1.5
"""Steps that are so many times as long have to be told apart."""


@dataclass(frozen=True)
class PoissonLoad:
    """Poisson arrivals of geometric lengths. `share`: of what the engine can do; None: all at once."""

    requests: int
    share: float | None
    seed: int
    mean_input: int = 150
    mean_output: int = 30

    def arrivals(self, requests_per_second: float) -> list[Arrival]:
        drawn = np.random.default_rng(self.seed)
        gaps = drawn.exponential(1.0, self.requests)
        at = np.cumsum(gaps) / (self.share * requests_per_second) if self.share else np.zeros(self.requests)
        inputs = np.clip(drawn.geometric(1 / self.mean_input, self.requests), 4, 900)
        outputs = np.clip(drawn.geometric(1 / self.mean_output, self.requests), 1, 200)
        return [Arrival(float(a), int(i), int(o)) for a, i, o in zip(at, inputs, outputs, strict=True)]


CALIBRATION = PoissonLoad(40, None, 2)
SCORED = {
    "calm": PoissonLoad(40, 0.4, 3),
    "busy": PoissonLoad(60, 0.75, 4),
    "at once": PoissonLoad(40, None, 5),
    "long prompts": PoissonLoad(30, 0.6, 6, mean_input=300, mean_output=15),
}


@dataclass(frozen=True)
class Measured:
    """Two real runs of one load, and the model with the costs of the calibration about them."""

    model: MeasuredEngine
    first: Run
    second: Run

    @property
    def error(self) -> dict[str, float]:
        """How far the model is from the two runs, the mean of both."""
        one, other = (differences(simulated(self.model, run), run) for run in (self.first, self.second))
        return {figure: (one[figure] + other[figure]) / 2 for figure in one}

    @property
    def noise(self) -> dict[str, float]:
        """How far the second run is from the first."""
        return differences(self.second, self.first)

    def missed(self) -> dict[str, float]:
        """What the model says that is further off than GOAL and the difference of two real runs."""
        error, noise = self.error, self.noise
        return {figure: error[figure] for figure in error if abs(error[figure]) > GOAL + abs(noise[figure])}


def capacity(model: MeasuredEngine, load: PoissonLoad) -> float:
    """Requests a second of such a load that the model ends when it always has enough of them."""
    arrivals = replace(load, requests=400, share=None).arrivals(1)
    return len(arrivals) / float(simulated(model, run_of(arrivals)).done.max())


class EngineProcess:
    """The process, and what is played on it."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log

    def play(self, arrivals: list[Arrival]) -> Run:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = [(arrival.seconds, arrival.input_tokens, arrival.output_tokens) for arrival in arrivals]
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("RESULT "):
                return run_of(arrivals, json.loads(line.removeprefix("RESULT ")))
        raise AssertionError(self.log.read_text()[-3000:])


def play(python: Path, folder: Path) -> dict[str, Measured]:
    """Every scored load on one process of vLLM, whose model and log are in `folder`."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    log = folder / "errors.log"
    command = [str(python), str(DRIVER), str(folder), json.dumps(LIMITS)]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | ENVIRONMENT,
        ) as process,
    ):
        engine = EngineProcess(process, log)
        engine.play(CALIBRATION.arrivals(1))  # what is slow the first time
        return {name: _measured(engine, load) for name, load in SCORED.items()}


def _measured(engine: EngineProcess, load: PoissonLoad) -> Measured:
    """Calibration, a run, calibration, the same run again."""
    before = engine.play(CALIBRATION.arrivals(1))
    arrivals = load.arrivals(capacity(measured(before, LIMITS), load))
    first = engine.play(arrivals)
    between = engine.play(CALIBRATION.arrivals(1))
    second = engine.play(arrivals)
    both = replace(before, steps=np.concatenate([before.steps, between.steps]))
    return Measured(measured(both, LIMITS), first, second)


def report(name: str, real: Measured) -> str:
    """A line per load: of every figure the model's error (the two real runs' difference), and what follows."""
    noise = max(real.noise.values(), key=abs)
    figures = ", ".join(f"{figure} {error:+.1%} ({real.noise[figure]:+.1%})" for figure, error in real.error.items())
    if abs(noise) > MOST_NOISE:
        return f"{name}: {figures}: not told, two real runs differ by {noise:+.0%}"
    missed = real.missed()
    told = "told apart" if replace(real, model=slowed(real.model, WRONG)).missed() else "not told apart"
    verdict = "within the goal" if not missed else f"goal missed by {', '.join(missed)}"
    return f"{name}: {figures}: {verdict}; steps x {WRONG} are {told}"


def main() -> int:
    """Prints the figures; 1 where vLLM is not installed."""
    environment = installed(platform_paths())
    if environment is None:
        print("vLLM is not installed; run: make engine", file=sys.stderr)
        return 1
    print(
        f"model's error (second real run's difference); goal: {GOAL:.0%}, beyond it no more than two real runs differ"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, run in play(environment.python, Path(folder)).items():
            print(report(name, run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
