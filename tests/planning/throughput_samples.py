"""Reads public throughput measurements into the arguments of `saturated`: one rule per column, none per row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from planning.architectures.table import Architecture, architecture
from planning.memory.engine import EngineConfig
from planning.nodes.instances import Gpu, gpu
from planning.throughput.roofline import Traffic

# ShareGPT's means where a row does not state lengths (its own note: about 233 in, 221 out).
SHAREGPT = (233.0, 221.0)
# Means of AccelMark's suites: its total ÷ output rates give input ÷ output, its page the output's median.
ACCELMARK = {"28K": (28_650, 256, 32_768), "p50 95": (73, 150, 2048), "": (230, 310, 4096)}
PRECISIONS = {"BF16": "none", "FP16": "none", "FP8": "fp8", "W8A8": "int8", "W4A16": "gptq"}


@dataclass(frozen=True)
class Measured:
    """One measurement; output tokens per second. `concurrency` None: as much as the engine takes."""

    label: str
    model: Architecture
    engine: EngineConfig
    gpu: Gpu
    traffic: Traffic
    concurrency: float | None
    output_tokens_per_second: float


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
            model = architecture(row["model"])
            if quantization != "none":
                model = replace(model, native_quantization="none")
            card, at_once = gpu(row["gpu"].split(" (")[0]), float(row["concurrency"])
            yield Measured(row["id"], model, engine, card, Traffic(inputs, outputs), at_once, float(rate))


def accelmark_samples(path: Path) -> Iterator[Measured]:
    """gpu_throughput.csv: the highest output rates of AccelMark's vLLM runs, W8A16 left out."""
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["metric"] != "max output throughput" or "AccelMark" not in row["source"]:
                continue
            if not row["engine"].startswith("vLLM") or row["precision"] not in PRECISIONS:
                continue
            inputs, outputs, longest = next(found for key, found in ACCELMARK.items() if key in row["workload"])
            quantization = PRECISIONS[row["precision"]]
            version = "0.20.1" if "0.20.1" in row["engine"] else "0.7.3"
            model = architecture(row["model"])
            if quantization != "none":
                model = replace(model, native_quantization="none")
            name = row["gpu"].removeprefix("NVIDIA ").removesuffix(" D").removesuffix(" Generation")
            engine = EngineConfig(longest, quantization=quantization, vllm_version=version)
            label = f"{name[:14]:14} {row['model'].split('/')[-1][:28]:28} {row['precision']:5} {version}"
            card = gpu(name.replace(" 80GB HBM3", ""))
            yield Measured(label, model, engine, card, Traffic(inputs, outputs), None, float(row["value"]))
