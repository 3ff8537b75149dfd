"""Reads public vLLM start-up logs into the arguments of `fit`: one rule per column, none per row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planning.architectures.table import Architecture, UnknownModel, architecture
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig
from planning.nodes.instances import Gpu, UnknownGpu, gpu, usable_memory_bytes
from planning.units import GIB

QUANTIZATIONS = {"awq_marlin 4-bit": "awq", "w8a8": "int8", "bitsandbytes 4-bit": "bitsandbytes"}
# Arrangements that our settings cannot express.
_NOT_EXPRESSIBLE = re.compile(r"expert parallel|DP2|LoRA", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """One log and what we make of its configuration; sizes in bytes, None: not in the log."""

    row: dict[str, str]
    model: Architecture
    engine: EngineConfig
    gpu: Gpu | None
    gpu_memory_bytes: int | None
    weights_bytes: float | None
    kv_cache_tokens: int | None
    length_stated: bool
    utilization_stated: bool

    @property
    def label(self) -> str:
        """Id, model and version for the printed table."""
        version = self.row["vllm_version"].split(" ")[0] or self.row["engine"]
        return f"{self.row['id']} {self.row['hf_model_id'].split('/')[-1][:38]:38s} {version:9s}"


def read_samples(path: Path) -> Iterator[Sample]:
    """Every sample whose model is in the catalogue and whose arrangement can be expressed."""
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        if _NOT_EXPRESSIBLE.search(row["notes"] + row["hf_model_id"]):
            continue
        try:
            yield _sample(row, architecture(re.sub(r" \(.*| class.*", "", row["hf_model_id"])))
        except UnknownModel:
            continue


def _sample(row: dict[str, str], model: Architecture) -> Sample:
    card, memory = _gpu(row)
    quantization = QUANTIZATIONS.get(row["quantization"], row["quantization"].split(" ")[0])
    engine = EngineConfig(
        max_model_len=int(row["max_model_len"] or model.max_position_embeddings),
        max_num_seqs=int(row["max_num_seqs"]) if row["max_num_seqs"] else None,
        quantization=quantization,
        kv_cache_dtype=row["kv_cache_dtype"],
        tensor_parallel=int(row["tensor_parallel"]),
        pipeline_parallel=int(row["pipeline_parallel"]),
        gpu_memory_utilization=float(row["gpu_memory_utilization"] or 0.9),
        enforce_eager=row["enforce_eager"] == "1",
        vllm_version=row["vllm_version"] or UNKNOWN_VERSION,
        engine=row["engine"] or "auto",
    )
    weights, tokens = row["weights_gib_per_gpu"], row["kv_cache_tokens"]
    return Sample(
        row=row,
        model=model,
        engine=engine,
        gpu=card,
        gpu_memory_bytes=memory,
        weights_bytes=float(weights) * GIB if weights else None,
        kv_cache_tokens=int(tokens) if tokens else None,
        length_stated=bool(row["max_model_len"]),
        utilization_stated=bool(row["gpu_memory_utilization"]),
    )


def _gpu(row: dict[str, str]) -> tuple[Gpu | None, int | None]:
    """The card, and its memory: as the log says it, else from the catalogue, else from the maker's figure."""
    nominal = float(row["gpu_memory_gib_nominal"]) if row["gpu_memory_gib_nominal"] else None
    name = re.sub(r" ?\(.*", "", row["gpu"])
    try:
        card = gpu(name, nominal) if name else None
    except UnknownGpu:
        card = None
    stated = re.search(r"device total ([\d.]+) GiB|([\d.]+) GiB visible", f"{row['notes']} {row['gpu']}")
    if stated:
        return card, int(float(stated[1] or stated[2]) * GIB)
    if card is not None:
        return card, card.usable_memory_bytes
    return None, usable_memory_bytes(nominal) if nominal else None
