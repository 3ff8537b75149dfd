"""What vLLM's profiling pass takes, by version, runner and GPU; each rule was read in that version's code."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from planning.__main__ import main
from planning.architectures.table import architecture
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig, with_defaults
from planning.memory.fit import fit, token_range
from planning.memory.overheads import activation_bytes, graph_bytes
from planning.memory.runner import has_runner_v2, reserves_graphs
from planning.nodes.instances import gpu
from planning.units import GIB

L4 = gpu("l4")
DENSE = architecture("Qwen/Qwen2.5-7B")
RUNNERS = [
    ("Qwen/Qwen3-8B", "0.21.0", False),
    ("Qwen/Qwen3-8B", "0.22.0", True),
    ("Qwen/Qwen2.5-7B", "0.24.0", False),
    ("meta-llama/Llama-3.1-8B", "0.23.0", True),
    ("Qwen/Qwen2.5-7B", "0.25.0", True),
    ("Qwen/Qwen3-30B-A3B", "0.28.0", False),
    ("Qwen/Qwen3.5-4B", "0.28.0", False),
    ("Qwen/Qwen1.5-MoE-A2.7B", "0.24.0", True),
    ("Qwen/Qwen3-30B-A3B", "0.29.0", True),
    ("Qwen/Qwen3.5-4B", "0.33.0", True),
]


def engine(version: str, **changes: object) -> EngineConfig:
    made = replace(EngineConfig(8192, vllm_version=version), **changes)  # type: ignore[arg-type]
    return with_defaults(made, L4.usable_memory_bytes, L4)


@pytest.mark.parametrize(("model", "version", "second"), RUNNERS)
def test_the_runner_follows_model_and_version(model: str, version: str, second: bool) -> None:
    shape, config = architecture(model), engine(version)
    assert has_runner_v2(shape, config) is second
    if second:
        assert reserves_graphs(shape, config) is (config.version >= (0, 29))


def test_sorted_logits_went_with_0_17_and_small_batches_are_sorted_still() -> None:
    wide = engine("0.16.0", max_num_seqs=256)
    narrow = replace(wide, vllm_version="0.17.0")
    assert activation_bytes(DENSE, wide) > 2.5 * activation_bytes(DENSE, narrow)
    logits = 256 * DENSE.vocab_size
    assert activation_bytes(DENSE, narrow) / logits == pytest.approx(14, rel=0.03)


def test_where_flashinfer_may_be_installed_the_plan_counts_on_the_sort() -> None:
    """One author's 0.10: 0.55 GiB with it, 1.6 GiB without."""
    old = engine("0.10.0", max_num_seqs=256)
    planned, lucky = activation_bytes(DENSE, old), activation_bytes(DENSE, old, lucky=True)
    assert planned / lucky == pytest.approx(38 / 14, rel=0.05)
    newer = engine("0.12.0", max_num_seqs=256)
    assert activation_bytes(DENSE, newer, lucky=True) == pytest.approx(planned, rel=0.01)


def test_a_cold_compile_cache_counts_and_few_sequences_do_not_lower_it() -> None:
    few, many = engine("0.33.0", max_num_seqs=8), engine("0.33.0", max_num_seqs=256)
    assert activation_bytes(DENSE, few) == activation_bytes(DENSE, many)
    assert activation_bytes(DENSE, many) - activation_bytes(DENSE, many, lucky=True) > 0.7 * GIB
    assert activation_bytes(DENSE, replace(many, enforce_eager=True)) < 0.5 * GIB
    older = [activation_bytes(DENSE, engine("0.16.0", max_num_seqs=count)) for count in (8, 64, 256)]
    assert older == sorted(older)
    assert older[0] > 1.1 * GIB, "about a GiB for torch.compile, whatever the sequences"


def test_graphs_of_1024_sequences_are_captured_on_compute_capability_10_only() -> None:
    config = replace(engine("0.28.0"), max_num_seqs=1024, max_num_batched_tokens=8192)
    b200, h100 = gpu("b200"), gpu("h100")
    assert graph_bytes(DENSE, config, b200) > 1.5 * graph_bytes(DENSE, config, h100)
    assert graph_bytes(DENSE, replace(config, vllm_version="0.27.0"), b200) == graph_bytes(DENSE, config, h100)


def test_the_twin_starts_of_one_container_lie_within_the_range() -> None:
    """Qwen3-14B-AWQ on an L4, vLLM 0.28: 59,632 tokens cold, 67,696 warm (docs/memory-model.md)."""
    config = EngineConfig(40960, gpu_memory_utilization=0.92, vllm_version="0.28.0")
    shape = architecture("Qwen/Qwen3-14B-AWQ")
    low, high = token_range(shape, config, L4.usable_memory_bytes, L4)
    assert low == fit(shape, config, L4.usable_memory_bytes, L4).kv_cache_tokens
    assert low == pytest.approx(59_632, rel=0.02)
    assert high == pytest.approx(67_696, rel=0.03)


def test_of_an_unknown_version_a_range_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["fit", "Qwen/Qwen2.5-7B", "--gpu", "l4", "--max-model-len", "8192"]
    assert main([*asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    low, high = document["kv_cache_tokens_range"]
    assert low < document["kv_cache_tokens"] < high
    assert document["vllm_version"] == UNKNOWN_VERSION
    for version in ("0.16.0", "0.20.0", "0.28.0", "0.33.0"):
        assert main([*asked, "--json", "--vllm-version", version]) == 0
        known = json.loads(capsys.readouterr().out)
        assert low <= known["kv_cache_tokens"] <= high
    assert main(asked) == 0
    assert "The version of vLLM is not given (--vllm-version)" in capsys.readouterr().out
