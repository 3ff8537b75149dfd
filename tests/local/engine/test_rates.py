"""Speeds and memory: from the planner's catalogue where it knows GPU and model."""

from __future__ import annotations

import pytest

from local.engine import rates
from local.engine.flags import parse
from local.engine.shapes import planned_shape
from planning.nodes import instances


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"node.kubernetes.io/instance-type": "g5.xlarge", "gpu-type": "l4"}, "a10g"),
        ({"gpu-type": "l40s"}, "l40s"),
        ({"nvidia.com/gpu.product": "NVIDIA-L4"}, "l4"),
        ({"node.kubernetes.io/instance-type": "m7i.large"}, rates.DEFAULT_GPU),
        ({}, rates.DEFAULT_GPU),
    ],
)
def test_the_gpu_of_a_node_is_read_from_its_labels(labels: dict[str, str], expected: str) -> None:
    assert rates.gpu_of(labels).name == expected


@pytest.mark.parametrize(
    ("name", "billions"),
    [("a/b-8B-Instruct", 8.0), ("Qwen2.5-0.5b", 0.5), ("x/tiny-135M", 0.135), ("/models/nameless", 8.0)],
)
def test_an_unknown_models_size_is_guessed_from_its_name(name: str, billions: float) -> None:
    shape = rates.shape_from_name(name)
    assert shape.parameters == pytest.approx(billions * 1e9)
    assert shape.longest_model_len is None  # a guess refuses nothing


def test_an_8b_model_on_an_l4_decodes_near_the_published_rate() -> None:
    """17.1 tokens/s were measured for Qwen2.5-7B on one L4 (vLLM 0.8.5, one request at a time, orca3 notebook)."""
    gpu = instances.gpu("l4")
    arguments = parse(["meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=8192"])
    shape = planned_shape(arguments, gpu, "0.33.0")
    assert shape is not None
    estimate = rates.roofline(gpu, shape)
    assert 12 < 1 / estimate.step_seconds(1, 200) < 18
    assert 20_000 < estimate.kv_cache_tokens < 50_000


def test_a_narrower_weight_format_is_faster_to_read() -> None:
    gpu, shape = instances.gpu("l4"), rates.shape_from_name("x-8B")
    plain, fp8 = rates.roofline(gpu, shape), rates.roofline(gpu, shape, quantization="fp8")
    assert fp8.weights_read_seconds == pytest.approx(plain.weights_read_seconds / 2)
    assert fp8.kv_cache_tokens > plain.kv_cache_tokens


def test_two_gpus_halve_the_time_and_more_than_double_the_cache() -> None:
    gpu, shape = instances.gpu("l4"), rates.shape_from_name("x-8B")
    one, two = rates.roofline(gpu, shape), rates.roofline(gpu, shape, gpus=2)
    assert two.weights_read_seconds == pytest.approx(one.weights_read_seconds / 2)
    assert two.kv_cache_tokens > 2 * one.kv_cache_tokens


@pytest.mark.parametrize(("gpu", "expected"), [("l4", (256, 2048)), ("a100-80gb", (256, 2048)), ("h100", (1024, 8192))])
def test_the_batch_defaults_follow_the_gpu(gpu: str, expected: tuple[int, int]) -> None:
    assert rates.default_batch(instances.gpu(gpu)) == expected


def test_a_model_outside_the_catalogue_has_no_planned_shape() -> None:
    assert planned_shape(parse(["nobody/nothing-here"]), instances.gpu("l4"), "0.33.0") is None
