"""GPU memory of a replica: vectors from public start-up logs, properties, and remedies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.architectures.table import architecture, architectures
from planning.memory.engine import EngineConfig, with_defaults
from planning.memory.fit import fit
from planning.memory.kv_cache import (
    blocks_per_sequence,
    cache_layout,
    kv_cache_bytes_per_token,
    kv_cache_tokens,
    longest_sequence,
    max_concurrency,
)
from planning.memory.overheads import activation_bytes, graph_bytes, reserve_bytes
from planning.memory.runner import reserves_graphs
from planning.memory.weights import FORMATS, UnknownQuantization, checkpoint_bytes, weights_bytes, weights_bytes_per_gpu
from planning.nodes.instances import gpu
from planning.units import GIB

L4 = gpu("l4")
MODELS = sorted(architectures())


def engine(**changes: object) -> EngineConfig:
    return replace(EngineConfig(max_model_len=8192), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "changes", "logged_gib"),
    [
        # "Model loading took": 16-bit weights and a table of 131,072 positions, to the fourth digit.
        ("meta-llama/Llama-3.1-8B-Instruct", {}, 14.9888),
        ("Qwen/Qwen3-8B", {}, 15.2683),
        # Blocks rounded to 2 MiB: 1.5 MiB in each of 80 layers.
        ("Qwen/Qwen2.5-72B-Instruct", {"tensor_parallel": 4}, 33.98),
        ("Qwen/Qwen2.5-14B-Instruct", {}, 27.57),
        # 8-bit matrices beside a 16-bit embedding and head.
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", {}, 67.7229),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", {"tensor_parallel": 2}, 33.88),
        # MXFP4 experts padded to 256 x 128 by the Marlin kernel.
        ("openai/gpt-oss-20b", {}, 13.72),
        ("openai/gpt-oss-120b", {"tensor_parallel": 4}, 17.2217),
        ("Qwen/Qwen3-14B-AWQ", {"vllm_version": "0.11.0"}, 9.3619),
        ("Qwen/Qwen3-14B-AWQ", {"vllm_version": "0.28.0"}, 9.44),
        # Not among the samples that constants were checked on: vllm#14696, #13061, #16570, #13882, vllm-fork#809.
        ("google/gemma-3-1b-it", {}, 1.9134),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", {"tensor_parallel": 2}, 13.9476),
        ("Qwen/Qwen2.5-VL-72B-Instruct", {"tensor_parallel": 4}, 34.43),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", {"vllm_version": "0.7.3"}, 5.2032),
        ("deepseek-ai/DeepSeek-R1", {"tensor_parallel": 8}, 79.41),
        ("Qwen/Qwen3-8B", {"quantization": "nvfp4"}, 5.98),
    ],
)
def test_weights_are_what_the_log_says(model: str, changes: dict[str, object], logged_gib: float) -> None:
    computed = weights_bytes_per_gpu(architecture(model), engine(**changes)) / GIB
    assert computed == pytest.approx(logged_gib, rel=0.011)


def test_a_16_bit_model_is_within_two_per_mille_of_its_log() -> None:
    assert weights_bytes_per_gpu(architecture("meta-llama/Llama-3.1-8B"), engine()) / GIB == pytest.approx(
        14.9888, abs=0.0001
    )


@pytest.mark.parametrize(
    ("model", "changes", "logged_gib"),
    [
        # vLLM 0.19.0 on an A100 80 GB, page "vLLM A100 Gemma 4" of myoceane.fr, April 2026; not used for constants.
        ("openai/gpt-oss-20b", {"max_model_len": 131072, "gpu_memory_utilization": 0.65}, 36.56),
        ("google/gemma-4-26B-A4B", {"max_model_len": 131072, "enforce_eager": True}, 21.5),
    ],
)
def test_the_kv_cache_of_unseen_logs_is_close(model: str, changes: dict[str, object], logged_gib: float) -> None:
    a100 = gpu("a100-80gb")
    memory_fit = fit(architecture(model), engine(vllm_version="0.19.0", **changes), a100.usable_memory_bytes, a100)
    assert memory_fit.kv_cache_bytes_per_gpu / GIB == pytest.approx(logged_gib, rel=0.02)


@pytest.mark.parametrize(
    ("model", "max_model_len", "logged_gib"),
    [
        # V0: up to 32,768 tokens prompt and sampler were profiled whole, above in chunks and without sampling.
        # vllm#13882, #10511, #13061.
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", 4096, 1.42),
        ("meta-llama/Meta-Llama-3-8B", 8192, 1.26),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 131072, 0.19),
    ],
)
def test_the_old_engine_profiled_in_its_own_way(model: str, max_model_len: int, logged_gib: float) -> None:
    config = with_defaults(engine(max_model_len=max_model_len, engine="v0", vllm_version="0.7.2"), 24 * GIB, None)
    assert activation_bytes(architecture(model), config) / GIB == pytest.approx(logged_gib, abs=0.08)


@pytest.mark.parametrize(
    ("model", "changes", "expected"),
    [
        ("meta-llama/Llama-3.1-8B", {}, 131072),
        ("meta-llama/Llama-3.1-8B", {"kv_cache_dtype": "fp8"}, 65536),
        ("meta-llama/Llama-3.1-8B", {"tensor_parallel": 4}, 32768),
        # 8 heads over 16 GPUs: every GPU holds one whole head.
        ("meta-llama/Llama-3.1-8B", {"tensor_parallel": 16}, 16384),
        ("meta-llama/Llama-3.1-8B", {"pipeline_parallel": 2}, 65536),
        # One compressed vector per token and layer, on every GPU.
        ("deepseek-ai/DeepSeek-V3", {"tensor_parallel": 8}, 70272),
        # Only the layers without a window grow.
        ("openai/gpt-oss-20b", {}, 24576),
        ("google/gemma-3-27b-it", {}, 81920),
        ("Qwen/Qwen3.5-27B", {}, 65536),
        # Keys serve as values on the global layers.
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {}, 6144),
    ],
)
def test_bytes_per_token(model: str, changes: dict[str, object], expected: int) -> None:
    assert kv_cache_bytes_per_token(architecture(model), engine(**changes)) == expected


def test_a_sliding_model_gets_two_groups_and_its_logged_cost_per_token() -> None:
    """gpt-oss-120b on 4 GPUs, vLLM 0.10.1: 45.32 GiB held 2,640,144 tokens at 284 sequences of 16,384."""
    config = with_defaults(
        engine(tensor_parallel=4, max_model_len=16384, vllm_version="0.10.1"), int(79.2 * GIB), gpu("a100-80gb")
    )
    layout = cache_layout(architecture("openai/gpt-oss-120b"), config)
    assert sorted(layout.groups, key=str) == [128, None]
    logged = 45.32 * GIB
    assert kv_cache_tokens(layout, config, logged, 16384) == pytest.approx(2640144, rel=0.0005)
    assert max_concurrency(layout, config, logged, 16384) == pytest.approx(284.25, rel=0.001)


def test_a_hybrid_model_gets_the_logged_block_size_and_concurrency() -> None:
    """Qwen3.5-4B on an L4, vLLM 0.29: attention block size 528; 9.1 GiB held 267,842 tokens, 8.17 sequences."""
    config = with_defaults(engine(max_model_len=32768, vllm_version="0.29.0"), L4.usable_memory_bytes, L4)
    layout = cache_layout(architecture("Qwen/Qwen3.5-4B"), config)
    assert layout.block_size == 528
    assert layout.groups.count(0) == 3
    assert max_concurrency(layout, config, 9.1 * GIB, 32768) == pytest.approx(8.17, rel=0.005)
    assert kv_cache_tokens(layout, config, 9.1 * GIB, 32768) == pytest.approx(267842, rel=0.005)


def test_the_longest_sequence_is_the_largest_whose_blocks_fit() -> None:
    for model in ("meta-llama/Llama-3.1-8B", "openai/gpt-oss-20b", "Qwen/Qwen3.5-4B"):
        config = with_defaults(engine(), L4.usable_memory_bytes, L4)
        layout = cache_layout(architecture(model), config)
        longest = longest_sequence(layout, config, 2.0 * GIB, 1_000_000)
        blocks = int(2.0 * GIB // layout.block_bytes)
        assert blocks_per_sequence(layout, config, longest) <= blocks
        assert blocks_per_sequence(layout, config, longest + 1) > blocks


def test_activations_follow_the_batch_limits_and_the_sampler_of_the_version() -> None:
    model = architecture("Qwen/Qwen3-32B")
    h100 = gpu("h100")
    old = with_defaults(engine(vllm_version="0.11.0"), h100.usable_memory_bytes, h100)
    assert (old.max_num_seqs, old.max_num_batched_tokens) == (1024, 8192)
    # Logged on an H100: 5.64 GiB.
    assert activation_bytes(model, old) / GIB == pytest.approx(5.64, rel=0.02)
    assert activation_bytes(model, replace(old, vllm_version="0.33.0")) < activation_bytes(model, old)
    assert activation_bytes(model, replace(old, max_num_seqs=64)) < activation_bytes(model, old)


def test_defaults_depend_on_the_gpu_class() -> None:
    a100, h100 = gpu("a100-80gb"), gpu("h100")
    assert with_defaults(engine(), a100.usable_memory_bytes, a100).max_num_batched_tokens == 2048
    assert with_defaults(engine(), h100.usable_memory_bytes, h100).max_num_batched_tokens == 8192
    assert with_defaults(engine(), gpu("b200").usable_memory_bytes, None).max_num_batched_tokens == 16384
    assert with_defaults(engine(max_num_seqs=8), L4.usable_memory_bytes, L4).max_num_seqs == 8


def test_graphs_cost_nothing_when_eager_and_less_with_fewer_sequences() -> None:
    model = architecture("Qwen/Qwen2.5-14B")
    assert graph_bytes(model, engine(enforce_eager=True)) == 0
    assert graph_bytes(model, engine(max_num_seqs=32)) < graph_bytes(model, engine(max_num_seqs=256))
    eager = fit(model, engine(quantization="awq", enforce_eager=True), L4.usable_memory_bytes, L4)
    graphs = fit(model, engine(quantization="awq"), L4.usable_memory_bytes, L4)
    compiled = graphs.activation_bytes - eager.activation_bytes
    assert eager.kv_cache_bytes_per_gpu - graphs.kv_cache_bytes_per_gpu == graphs.graph_bytes + compiled


def test_graphs_are_reserved_by_the_versions_that_measure_them() -> None:
    model = architecture("Qwen/Qwen2.5-14B-Instruct-AWQ")
    for version, reserved in (
        ("0.19.0", False),
        ("0.20.0", True),
        ("0.27.0", False),
        ("0.28.0", False),
        ("0.29.0", True),
    ):
        assert reserves_graphs(model, engine(vllm_version=version)) is reserved
        assert fit(model, engine(vllm_version=version), L4.usable_memory_bytes, L4).graph_bytes > 0


def test_all_parts_add_up_to_the_budget() -> None:
    memory_fit = fit(architecture("Qwen/Qwen3-8B"), engine(), L4.usable_memory_bytes, L4)
    parts = (
        memory_fit.weights_bytes_per_gpu
        + memory_fit.activation_bytes
        + memory_fit.reserve_bytes
        + memory_fit.graph_bytes
    )
    assert parts + memory_fit.kv_cache_bytes_per_gpu == int(L4.usable_memory_bytes * 0.9)


def test_a_model_that_fits_has_no_reasons() -> None:
    memory_fit = fit(architecture("Qwen/Qwen2.5-7B-Instruct"), engine(max_num_seqs=64), L4.usable_memory_bytes, L4)
    assert memory_fit.fits
    assert memory_fit.reasons == ()
    assert memory_fit.max_concurrency >= 1


def test_a_length_that_does_not_fit_says_which_would() -> None:
    memory_fit = fit(architecture("meta-llama/Llama-3.1-8B"), engine(max_model_len=131072), L4.usable_memory_bytes, L4)
    assert not memory_fit.fits
    assert 0 < memory_fit.longest_model_len < 131072
    assert f"hold {memory_fit.longest_model_len} tokens, less than max model length 131072" in memory_fit.reasons[0]
    assert f"a max model length of {memory_fit.longest_model_len} or less fits" in memory_fit.reasons
    shorter = fit(
        architecture("meta-llama/Llama-3.1-8B"),
        engine(max_model_len=memory_fit.longest_model_len),
        L4.usable_memory_bytes,
        L4,
    )
    assert shorter.fits


def test_weights_that_do_not_fit_say_what_would() -> None:
    memory_fit = fit(architecture("meta-llama/Llama-3.3-70B-Instruct"), engine(), L4.usable_memory_bytes, L4)
    assert not memory_fit.fits
    assert memory_fit.kv_cache_bytes_per_gpu < 0
    assert (memory_fit.kv_cache_tokens, memory_fit.max_concurrency, memory_fit.longest_model_len) == (0, 0, 0)
    assert "leave no KV cache" in memory_fit.reasons[0]
    assert "tensor parallel 16 fits" in memory_fit.reasons or "tensor parallel 8 fits" in memory_fit.reasons


def test_a_tensor_parallel_size_that_is_named_fits_when_tried() -> None:
    model = architecture("Qwen/Qwen2.5-32B-Instruct")
    memory_fit = fit(model, engine(), L4.usable_memory_bytes, L4)
    named = next(r for r in memory_fit.reasons if r.startswith("tensor parallel"))
    size = int(named.split()[2])
    assert fit(model, engine(tensor_parallel=size), L4.usable_memory_bytes, L4).fits


def test_fp8_weights_are_proposed_only_where_the_gpu_computes_in_fp8() -> None:
    model = architecture("microsoft/phi-4")
    a10g = gpu("a10g")
    assert any(r.startswith("fp8 weights") for r in fit(model, engine(), L4.usable_memory_bytes, L4).reasons)
    assert not any(r.startswith("fp8 weights") for r in fit(model, engine(), a10g.usable_memory_bytes, a10g).reasons)


def test_an_unknown_quantization_lists_the_known_ones() -> None:
    with pytest.raises(UnknownQuantization, match="awq"):
        fit(architecture("Qwen/Qwen3-8B"), engine(quantization="int3"), L4.usable_memory_bytes, L4)


@pytest.mark.parametrize("field", ["max_model_len", "tensor_parallel", "pipeline_parallel"])
def test_a_size_below_one_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        engine(**{field: 0})


def test_a_checkpoint_is_smaller_than_what_gpus_hold_of_it() -> None:
    model = architecture("openai/gpt-oss-20b")
    assert 13.7e9 < checkpoint_bytes(model, engine()) < 13.9e9
    assert weights_bytes(model, engine(tensor_parallel=2)) > checkpoint_bytes(model, engine())


models = st.sampled_from(MODELS)
engines = st.builds(
    EngineConfig,
    max_model_len=st.integers(1, 200_000),
    max_num_seqs=st.none() | st.integers(1, 1024),
    quantization=st.sampled_from(sorted(FORMATS)),
    kv_cache_dtype=st.sampled_from(["auto", "fp8"]),
    tensor_parallel=st.sampled_from([1, 2, 4, 8]),
    pipeline_parallel=st.sampled_from([1, 2]),
    gpu_memory_utilization=st.floats(0.3, 0.98),
    enforce_eager=st.booleans(),
    vllm_version=st.sampled_from(["0.8.5", "0.11.0", "0.19.0", "0.21.0", "0.33.0"]),
)


@given(models, engines, st.floats(8, 200), st.floats(0, 100))
def test_more_gpu_memory_with_the_same_batch_limits_never_holds_less(
    model: str, config: EngineConfig, memory_gib: float, more_gib: float
) -> None:
    """vLLM's default limits grow with the GPU, so they are written down as the smaller GPU has them."""
    config = with_defaults(config, int(memory_gib * GIB), None)
    small = fit(architectures()[model], config, int(memory_gib * GIB), None)
    large = fit(architectures()[model], config, int((memory_gib + more_gib) * GIB), None)
    assert large.fits >= small.fits
    assert large.kv_cache_bytes_per_gpu >= small.kv_cache_bytes_per_gpu
    assert large.kv_cache_tokens >= small.kv_cache_tokens
    assert large.max_concurrency >= small.max_concurrency
    assert large.longest_model_len >= small.longest_model_len


@pytest.mark.parametrize("limit_gib", [70, 160])
def test_a_gpu_of_a_larger_batch_class_holds_less_by_what_its_larger_batch_takes(limit_gib: int) -> None:
    """So does vLLM; no GPU or MIG profile of the table lies so near above a limit that it ends up with less."""
    shape = architecture("Qwen/Qwen3-14B")
    below, above = (fit(shape, engine(), limit_gib * GIB + more, None) for more in (-1, 0))
    assert above.activation_bytes > below.activation_bytes
    assert above.kv_cache_bytes_per_gpu < below.kv_cache_bytes_per_gpu
    assert above.kv_cache_tokens < below.kv_cache_tokens


@pytest.mark.parametrize("model", ["google/gemma-3-12b"])
def test_from_68_to_71_gib_kv_tokens_fall_unless_the_batch_is_written_down(model: str) -> None:
    """The counter-example of "more memory never holds less": the default batch grows at 70 GiB."""
    small, large = (fit(architecture(model), engine(), gib * GIB, None) for gib in (68, 71))
    assert large.kv_cache_tokens < small.kv_cache_tokens
    written = with_defaults(engine(), 68 * GIB, None)
    assert fit(architecture(model), written, 71 * GIB, None).kv_cache_tokens > small.kv_cache_tokens


@given(models, engines, st.floats(8, 200), st.integers(1, 200_000))
def test_a_longer_model_length_never_increases_capacity(
    model: str, config: EngineConfig, memory_gib: float, longer: int
) -> None:
    shape = architectures()[model]
    short = fit(shape, config, int(memory_gib * GIB), None)
    long = fit(shape, replace(config, max_model_len=config.max_model_len + longer), int(memory_gib * GIB), None)
    # The old engine profiled prompts up to 32,768 tokens in one piece, longer ones in chunks.
    if config.is_v1 or config.max_model_len > 32768 or config.max_model_len + longer <= 32768:
        assert long.fits <= short.fits
        assert long.kv_cache_bytes_per_gpu <= short.kv_cache_bytes_per_gpu
        assert long.max_concurrency <= short.max_concurrency
        if all(group.window is None for group in shape.attention) and shape.recurrent is None:
            assert long.kv_cache_tokens <= short.kv_cache_tokens


@given(models, engines, st.floats(8, 200))
def test_every_result_is_sane(model: str, config: EngineConfig, memory_gib: float) -> None:
    memory_fit = fit(architectures()[model], config, int(memory_gib * GIB), None)
    assert memory_fit.weights_bytes_per_gpu > 0
    assert memory_fit.activation_bytes > 0
    assert memory_fit.kv_cache_tokens >= 0
    assert memory_fit.fits == (memory_fit.longest_model_len >= config.max_model_len)
    assert memory_fit.fits == (memory_fit.reasons == ())
    assert reserve_bytes(architectures()[model], with_defaults(config, int(memory_gib * GIB), None)) > 0


@given(models, st.sampled_from(["0.11.0", "0.33.0"]))
def test_more_gpus_never_need_more_memory_each(model: str, version: str) -> None:
    shape = architectures()[model]
    sizes = [weights_bytes_per_gpu(shape, engine(tensor_parallel=n, vllm_version=version)) for n in (1, 2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)
