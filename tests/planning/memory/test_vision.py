"""What vLLM profiles a tower with: its own log lines, limits, and what a config.json's processor says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planning.__main__ import main
from planning.architectures.plausible import described_config
from planning.architectures.table import architecture
from planning.memory.engine import EngineConfig, with_defaults
from planning.memory.fit import fit
from planning.memory.overheads import activation_bytes
from planning.memory.picture_limits import Pictures, pictures_of
from planning.memory.vision import encoder_bytes, profiled, without_tower
from planning.nodes.instances import gpu
from planning.units import GIB
from tests.planning.stacks import errors, model, planned, pool, refusal

QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"
NO_VIDEO = pictures_of([("--limit-mm-per-prompt", '{"video": 0}')])


def engine(
    card: str, length: int, version: str = "0.33.0", pictures: Pictures | None = None, **more: int
) -> EngineConfig:
    plain = EngineConfig(length, vllm_version=version, pictures=pictures or Pictures(), **more)  # type: ignore[arg-type]
    return with_defaults(plain, gpu(card).usable_memory_bytes, gpu(card))


@pytest.mark.parametrize(
    ("model_id", "card", "length", "version", "items", "modality", "tokens"),
    [
        # "… a budget of 8192 tokens, and profiled with 3 image items of …" (8 GPUs of 80 GB, 2025-12)
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "h100", 131072, "0.12.0", 3, "image", 2448),
        # "… a budget of 16384 tokens, and profiled with 1 image items …" (qwen3.6 35B, 2026-05 and 2026-06)
        ("Qwen/Qwen3.6-35B-A3B", "h100", 65536, "0.21.0", 1, "image", 16384),
        # qwen2_vl.py of 0.32: seven pairs of frames at most, as many as the context holds.
        (QWEN, "l40s", 128000, "0.33.0", 1, "video", 114688),
        (QWEN, "l40s", 8192, "0.33.0", 1, "video", 16384),
        # gemma3_mm.py: 256 tokens a picture.
        ("google/gemma-3-12b-it", "l4", 8192, "0.33.0", 8, "image", 256),
        ("google/gemma-3-12b-it", "h100", 8192, "0.33.0", 32, "image", 256),
    ],
)
def test_it_is_what_vllm_says_that_it_profiles(
    model_id: str, card: str, length: int, version: str, items: int, modality: str, tokens: int
) -> None:
    profile = profiled(architecture(model_id), engine(card, length, version))
    assert profile is not None
    assert (profile.items, profile.modality, profile.tokens) == (items, modality, tokens)


def test_of_text_models_the_old_engine_and_skipped_profiling_there_is_nothing() -> None:
    seen = architecture(QWEN)
    assert profiled(architecture("Qwen/Qwen2.5-7B-Instruct"), engine("l4", 8192)) is None
    assert profiled(seen, engine("l4", 8192, "0.7.3")) is None
    assert profiled(seen, engine("l4", 8192, pictures=Pictures(skips_profiling=True))) is None


def test_without_videos_a_long_context_costs_a_picture() -> None:
    long, short = (
        encoder_bytes(architecture(QWEN), engine("l40s", 65536, pictures=each))[0] for each in (None, NO_VIDEO)
    )
    assert long == pytest.approx(4 * short)
    assert 1.5 * GIB < short < 3 * GIB


def test_fewer_pixels_take_less() -> None:
    few = pictures_of([("--mm-processor-kwargs", '{"max_pixels": 1003520}')])
    small = profiled(architecture(QWEN), engine("l4", 8192, pictures=few))
    assert small is not None
    assert small.tokens * small.items <= 8192
    assert activation_bytes(architecture(QWEN), engine("l4", 8192, pictures=few)) < activation_bytes(
        architecture(QWEN), engine("l4", 8192)
    )


@pytest.mark.parametrize(
    ("flags", "limits"),
    [
        ([("--limit-mm-per-prompt", '{"image": 2, "video": 0}')], {"image": 2, "video": 0}),
        ([("--limit-mm-per-prompt", "image=2,video=0")], {"image": 2, "video": 0}),
        ([("--limit-mm-per-prompt.image", "2"), ("--limit-mm-per-prompt.video", "0")], {"image": 2, "video": 0}),
        ([("--limit-mm-per-prompt", '{"video": {"count": 1, "num_frames": 4}}')], {"image": 999, "video": 1}),
        ([("--language-model-only", "")], {"image": 0, "video": 0}),
        ([("--language-model-only", "false")], {"image": 999, "video": 999}),
    ],
)
def test_limits_are_read_in_each_of_vllms_spellings(flags: list[tuple[str, str]], limits: dict[str, int]) -> None:
    pictures = pictures_of(flags)
    assert {modality: pictures.limit(modality) for modality in limits} == limits


@pytest.mark.parametrize("value", ["two", "[1]", '{"image": -1}', '{"image": "x"}', "image=x", '{"image": true}', "{"])
def test_limits_that_vllm_cannot_read_are_refused_by_the_flag(value: str) -> None:
    with pytest.raises(ValueError, match="--limit-mm-per-prompt"):
        pictures_of([("--limit-mm-per-prompt", value)])


def test_no_pictures_and_no_videos_leave_the_tower_out_where_that_version_does() -> None:
    none = pictures_of([("--limit-mm-per-prompt", '{"image": 0, "video": 0}')])
    seen = architecture(QWEN)
    assert without_tower(seen, engine("l4", 8192, pictures=none)).vision_parameters == 0
    assert without_tower(seen, engine("l4", 8192, "0.11.0", none)).vision_parameters > 0
    assert without_tower(seen, engine("l4", 8192, pictures=NO_VIDEO)) == seen


CONFIG: dict[str, Any] = {
    "architectures": ["LlavaForConditionalGeneration"],
    "model_type": "llava",
    "text_config": {
        "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
        "num_attention_heads": 32, "vocab_size": 32064,
    },
    "vision_config": {
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "image_size": 336, "patch_size": 14,
    },
}  # fmt: skip


def test_a_tower_without_a_row_is_read_from_its_config() -> None:
    tower = profiled(described_config(CONFIG), engine("l4", 4096))
    assert tower is not None
    assert (tower.tokens, tower.patches, tower.items, tower.tower.width) == (576, 576, 3, 1024)


def test_the_processors_file_beside_config_json_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {
        **CONFIG,
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "vision_config": {
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "depth": 32,
            "patch_size": 14,
            "spatial_merge_size": 2,
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    asked = [
        "fit",
        "acme/own",
        "--config",
        str(tmp_path / "config.json"),
        "--gpu",
        "l40s",
        "--max-model-len",
        "8192",
        "--json",
    ]
    main(asked)
    activation_gib_per_gpu = json.loads(capsys.readouterr().out)["activation_gib_per_gpu"]
    (tmp_path / "preprocessor_config.json").write_text('{"max_pixels": 1003520, "merge_size": 2}', encoding="utf-8")
    main(asked)
    assert json.loads(capsys.readouterr().out)["activation_gib_per_gpu"] < activation_gib_per_gpu


def stack(*arguments: str) -> dict[str, Any]:
    asked = model(source=QWEN, maxModelLen=65536, extraArgs=list(arguments))
    return {"models": [asked], "nodePools": [pool(instanceTypes=["g6e.xlarge"])]}


def test_a_stacks_limits_reach_its_memory_plan() -> None:
    whole, less = (
        planned(**stack(*arguments)).models[0].memory for arguments in ((), ('--limit-mm-per-prompt={"video": 0}',))
    )
    assert whole is not None
    assert less is not None
    assert less.kv_cache_tokens > whole.kv_cache_tokens + 50_000


def test_a_stacks_limits_that_cannot_be_read_are_refused() -> None:
    told = errors(refusal(**stack("--limit-mm-per-prompt=two")))
    assert "no JSON object" in told["models[0].extraArgs"]


def test_a_video_alone_can_keep_a_model_from_fitting_and_that_is_why() -> None:
    seen, l4 = architecture(QWEN), gpu("l4")
    config = EngineConfig(32768)
    assert not fit(seen, config, l4.usable_memory_bytes, l4).fits
    assert fit(seen, replace(config, kv_cache_dtype="fp8", pictures=NO_VIDEO), l4.usable_memory_bytes, l4).fits
