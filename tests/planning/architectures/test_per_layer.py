"""Gemma 4's E models and its 12B: layers that share keys and values, inputs of each layer, towers for sound."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.plausible import described_config
from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig
from planning.memory.kv_cache import kv_cache_bytes_per_token
from planning.memory.overheads import activation_bytes, reserve_bytes
from planning.memory.picture_limits import MODALITIES, Pictures
from planning.memory.vision import profiled, without_tower
from planning.memory.weights import weights_bytes_per_gpu
from tests.reference_data import DATA

WRITTEN: list[dict[str, Any]] = [
    row["config"]
    for row in map(json.loads, (DATA / "model_weights.jsonl").read_text(encoding="utf-8").splitlines())
    if row["variant"].startswith("written") and "text_config" in row["config"]
]
TWO, FOUR, TWELVE = WRITTEN
ENGINE = EngineConfig(8192, max_num_batched_tokens=2048, max_num_seqs=64)


def changed(config: dict[str, Any], **text: Any) -> Architecture:
    return described_config({**config, "text_config": {**config["text_config"], **text}})


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        # What vLLM 0.32's layers without kv_sharing_target_layer_name say (get_kv_cache_spec), 2026-11-28.
        (TWO, [(3, 1, 512, None), (12, 1, 256, 512)]),
        (FOUR, [(4, 2, 512, None), (20, 2, 256, 512)]),
        (TWELVE, [(8, 1, 512, None), (40, 8, 256, 512)]),
    ],
)
def test_only_layers_with_keys_of_their_own_keep_any(config: dict[str, Any], kept: list[tuple[Any, ...]]) -> None:
    shape = described_config(config)
    assert [(group.layers, group.kv_heads, group.head_dim, group.window) for group in shape.attention] == kept
    assert sum(group.layers + group.readers for group in shape.attention) == shape.layers


def test_a_token_of_the_e2b_takes_three_layers_of_the_cache() -> None:
    assert kv_cache_bytes_per_token(described_config(TWO), ENGINE) == 3 * 2 * 512 * 2


def test_sharing_what_no_layer_keeps_is_refused() -> None:
    with pytest.raises(UnreadableConfig, match="num_kv_shared_layers 35 of 35"):
        changed(TWO, num_kv_shared_layers=35)
    with pytest.raises(UnreadableConfig, match="which no earlier layer keeps"):
        changed(TWO, num_kv_shared_layers=33)


def test_wide_mlps_are_those_of_the_shared_layers() -> None:
    wide, usual = described_config(TWO), changed(TWO, use_double_wide_mlp=False)
    assert wide.parameters - usual.parameters == 20 * 3 * 1536 * 6144
    assert changed(TWO, use_double_wide_mlp=True, num_kv_shared_layers=0).intermediate_size == 6144


def test_the_table_of_each_layers_inputs_is_no_work_and_on_every_stage() -> None:
    shape = described_config(TWO)
    assert shape.per_layer is not None
    assert shape.per_layer.table == 262144 * 256 * 35
    assert shape.active_parameters < 2.4e9 < 5e9 < shape.parameters
    without = replace(shape, per_layer=None)
    for engine in (ENGINE, replace(ENGINE, pipeline_parallel=2), replace(ENGINE, tensor_parallel=2)):
        more = weights_bytes_per_gpu(shape, engine) - weights_bytes_per_gpu(without, engine)
        table = 2 * shape.per_layer.table / engine.tensor_parallel
        assert table < more < table * 1.05


def test_each_layers_inputs_of_a_step_have_room() -> None:
    shape = described_config(TWO)
    without = replace(shape, per_layer=None)
    inputs = 2 * 2048 * 35 * 256
    assert reserve_bytes(shape, ENGINE) - reserve_bytes(without, ENGINE) == inputs
    assert activation_bytes(shape, ENGINE) - activation_bytes(without, ENGINE) in (0, 2 * inputs)
    large = replace(ENGINE, max_num_batched_tokens=32768, max_num_seqs=1)
    assert activation_bytes(shape, large) - activation_bytes(without, large) == 16 * 2 * inputs


def test_a_tower_for_sound_goes_with_the_limit_on_sound() -> None:
    shape = described_config(TWO)
    assert shape.sound_parameters == pytest.approx(307_183_904, rel=0.002)
    silent = without_tower(shape, replace(ENGINE, pictures=Pictures((("audio", 0),))))
    assert (silent.sound_parameters, silent.vision_parameters) == (0, shape.vision_parameters)
    blind = without_tower(shape, replace(ENGINE, pictures=Pictures((("image", 0), ("video", 0)))))
    assert (blind.sound_parameters, blind.vision_parameters) == (shape.sound_parameters, 0)
    nothing = Pictures(tuple((modality, 0) for modality in MODALITIES))
    assert without_tower(shape, replace(ENGINE, pictures=nothing)) == shape.text_only
    assert weights_bytes_per_gpu(shape, ENGINE) - weights_bytes_per_gpu(silent, ENGINE) == 2 * shape.sound_parameters


def test_a_tower_for_sound_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(UnreadableConfig, match="audio_config of voxtral_encoder"):
        described_config({**TWO, "audio_config": {"model_type": "voxtral_encoder", "hidden_size": 1280}})
    with pytest.raises(UnreadableConfig, match="num_hidden_layers"):
        described_config({**TWO, "audio_config": {"model_type": "gemma4_audio", "hidden_size": 1024}})
    assert described_config({**TWO, "audio_config": None}).sound_parameters == 0


@pytest.mark.parametrize(("config", "patches"), [(TWO, 32 * 630), (TWELVE, 32 * 70)])
def test_a_files_tower_is_that_of_its_model_not_of_its_text(config: dict[str, Any], patches: int) -> None:
    """Its text's model_type names no row: such a file was profiled with 65,536 patches."""
    profile = profiled(described_config(config), ENGINE)
    assert profile is not None
    assert (profile.modality, profile.tokens, profile.patches) == ("video", 32 * 78, patches)
