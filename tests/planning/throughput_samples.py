"""Reads public throughput measurements into what is computed for them: one rule per column, none per row."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist

from planning.architectures.table import Architecture, architecture
from planning.memory.engine import EngineConfig
from planning.memory.fit import fit
from planning.nodes.instances import Gpu, gpu
from planning.throughput.burst import burst
from planning.throughput.efficiency import EFFICIENCY, Efficiency
from planning.throughput.roofline import Traffic, rates
from planning.throughput.serving_rates import replica_rates
from tests.reference_data import DATA

# ShareGPT's means where a row does not state lengths (its own note: about 233 in, 221 out).
SHAREGPT = (233.0, 221.0)
# Means of AccelMark's suites: its total ÷ output rates give input ÷ output, its page the output's median.
ACCELMARK = {"28K": (28_650, 256, 32_768), "p50 95": (73, 150, 2048), "": (230, 310, 4096)}
PRECISIONS = {"BF16": "none", "FP16": "none", "FP8": "fp8", "W8A8": "int8", "W4A16": "gptq"}
# Where lengths vary and only their means are known: lognormal, as wide as their mean, and no longer than six of it.
DEVIATION, LONGEST = 1.0, 6.0
AT_ONCE = "all prompts sent at once"


@dataclass(frozen=True)
class Measured:
    """One measurement; output tokens per second.

    `concurrency` None: as much as the engine takes. `requests`: of a burst, else None: a steady state. `part`: fit, on
    which constants were chosen, or score; a `source` is in one of them.
    """

    label: str
    model: Architecture
    engine: EngineConfig
    gpu: Gpu
    traffic: Traffic
    concurrency: float | None
    output_tokens_per_second: float
    requests: int | None = None
    varied: bool = False
    part: str = "fit"
    source: str = "seen before there were parts"

    @property
    def is_v1(self) -> bool:
        """Whether it ran the V1 engine."""
        return self.engine.is_v1

    @property
    def lengths(self) -> list[tuple[int, int]]:
        """Prompt and answer of each request of a burst."""
        return _lengths(self.requests or 0, self.traffic, self.varied)

    def computed(self, reached: Efficiency = EFFICIENCY, *, stepped: bool = True) -> float:
        """Output tokens per second by the model: a burst in steps, the others in steady state."""
        tokens = _cache_tokens(self.model, self.engine, self.gpu)
        serving_rates = replica_rates(self.model, self.engine, self.gpu, self.traffic, tokens, reached=reached)
        if self.requests is not None and stepped:
            at_once = int(self.concurrency) if self.concurrency else None
            return burst(serving_rates, self.lengths, at_once).output_tokens_per_second
        asked = self.concurrency or self.requests
        most = serving_rates.most_concurrent * reached.cache_fill / EFFICIENCY.cache_fill
        most = min(most, serving_rates.max_num_seqs)
        return rates(serving_rates.costs, self.traffic, min(most, asked) if asked else most).output_tokens_per_second

    def factor(self, reached: Efficiency = EFFICIENCY, *, stepped: bool = True) -> float:
        """How far off, 1 or more."""
        ratio = self.computed(reached, stepped=stepped) / self.output_tokens_per_second
        return max(ratio, 1 / ratio)


@cache
def _cache_tokens(model: Architecture, engine: EngineConfig, card: Gpu) -> int:
    return fit(model, engine, card.usable_memory_bytes, card).kv_cache_tokens


@cache
def _lengths(count: int, traffic: Traffic, varied: bool) -> list[tuple[int, int]]:
    if not varied:
        return [(round(traffic.input_tokens), round(traffic.output_tokens))] * count
    shuffle = random.Random(0).shuffle
    inputs, outputs = (_quantiles(count, mean) for mean in (traffic.input_tokens, traffic.output_tokens))
    shuffle(inputs)
    shuffle(outputs)
    return [(max(1, round(a)), max(1, round(b))) for a, b in zip(inputs, outputs, strict=True)]


def _quantiles(count: int, mean: float) -> list[float]:
    wide = sqrt(log(1 + DEVIATION**2))
    drawn = [exp(wide * NormalDist().inv_cdf((place + 0.5) / count)) for place in range(count)]
    scale = mean * count / sum(drawn)
    cut = [min(LONGEST * mean, each * scale) for each in drawn]
    return [each * mean * count / sum(cut) for each in cut]


def all_samples() -> list[Measured]:
    """Every row of every file."""
    data = DATA
    return [
        *vllm_samples(data / "vllm_throughput_samples.csv"),
        *accelmark_samples(data / "gpu_throughput.csv"),
        *burst_samples(data / "vllm_bursts.csv"),
    ]


def burst_samples(path: Path) -> Iterator[Measured]:
    """vllm_bursts.csv."""
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            engine = EngineConfig(
                int(row["max_model_len"]),
                max_num_seqs=int(row["max_num_seqs"]) if row["max_num_seqs"] else None,
                quantization=row["quantization"],
                tensor_parallel=int(row["tensor_parallel"]),
                gpu_memory_utilization=float(row["gpu_memory_utilization"]),
                vllm_version=row["vllm_version"],
            )
            label = f"{row['id']} {row['gpu']:10} {row['model'].split('/')[-1][:24]:24} {row['quantization']:4}"
            label += f" {row['requests']}{'/' + row['at_once'] if row['at_once'] else ''} of "
            label += f"{row['input_len']} + {row['output_len']}"
            yield Measured(
                label,
                _as_stored(row["model"], row["quantization"]),
                engine,
                gpu(row["gpu"]),
                Traffic(float(row["input_len"]), float(row["output_len"])),
                float(row["at_once"]) if row["at_once"] else None,
                float(row["output_tok_s"]),
                int(row["requests"]),
                row["lengths"] == "varied",
                row["part"],
                row["source"].split(" (")[0],
            )


def _as_stored(model_id: str, quantization: str) -> Architecture:
    model = architecture(model_id)
    return model if quantization == "none" else replace(model, native_quantization="none")


def vllm_samples(path: Path) -> Iterator[Measured]:
    """vllm_throughput_samples.csv."""
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            inputs, outputs = float(row["input_len"] or SHAREGPT[0]), float(row["output_len"] or SHAREGPT[1])
            rate = row["output_tok_s"] or float(row["total_tok_s"]) * outputs / (inputs + outputs)
            quantization = row["quantization"].split()[0]
            engine = EngineConfig(
                int(row["max_model_len"] or 4096),
                quantization=quantization,
                tensor_parallel=int(row["tensor_parallel"]),
                gpu_memory_utilization=max(0.9, float(row["gpu_memory_utilization"] or 0.9)),
                vllm_version=row["vllm_version"] or "0.11.0",
            )
            model = _as_stored(row["model"], quantization)
            card, at_once = gpu(row["gpu"].split(" (")[0]), int(row["concurrency"])
            burst_of = at_once if AT_ONCE in row["notes"] else None
            traffic = Traffic(inputs, outputs)
            yield Measured(
                row["id"], model, engine, card, traffic, None if burst_of else float(at_once), float(rate), burst_of
            )


def accelmark_samples(path: Path) -> Iterator[Measured]:
    """gpu_throughput.csv: the highest output rates of AccelMark's vLLM runs, W8A16 left out."""
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["metric"] != "max output throughput" or "AccelMark" not in row["source"]:
                continue
            if not row["engine"].startswith("vLLM") or row["precision"] not in PRECISIONS:
                continue
            inputs, outputs, longest = next(measured for key, measured in ACCELMARK.items() if key in row["workload"])
            quantization = PRECISIONS[row["precision"]]
            version = "0.20.1" if "0.20.1" in row["engine"] else "0.7.3"
            model = _as_stored(row["model"], quantization)
            if row["precision"] == "W4A16":
                # Half as fast as its 8-bit twin in the same kernel (0.20.1): taken as GPTQ with activation order.
                model = replace(model, layout=replace(model.layout, activation_order=True))
            name = row["gpu"].removeprefix("NVIDIA ").removesuffix(" D").removesuffix(" Generation")
            engine = EngineConfig(longest, quantization=quantization, vllm_version=version)
            label = f"{name[:14]:14} {row['model'].split('/')[-1][:28]:28} {row['precision']:5} {version}"
            card = gpu(name.replace(" 80GB HBM3", ""))
            yield Measured(label, model, engine, card, Traffic(inputs, outputs), None, float(row["value"]))
