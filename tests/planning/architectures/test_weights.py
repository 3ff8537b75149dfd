"""Our count of weights against the models that transformers makes of the same config.json (tools/model_weights.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planning.architectures.config_words import UnreadableConfig
from planning.architectures.plausible import described_config
from tests.reference_data import DATA

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "model_weights.jsonl").read_text(encoding="utf-8").splitlines()
]
# Refused since it is not said how many experts a token takes, or with keys of config_refused.csv; never wrong.
# Gemma 4's defaults spell what is by layer in transformers' own words; its files, as the written rows, do not.
REFUSED = {
    "DeepseekV2ForCausalLM-default": "how many of",
    "DeepseekV2ForCausalLM-bent": "how many of",
    "Gemma4ForCausalLM-default": "per_layer_config",
    "Gemma4ForConditionalGeneration-default": "per_layer_config",
    "Gemma4UnifiedForConditionalGeneration-default": "per_layer_config",
}
# Small models whose biases and learned positions, which we leave out, show.
LOOSE = {"OPTForCausalLM": 0.02}


def _id(row: dict[str, Any]) -> str:
    return f"{row['config']['architectures'][0]}-{row['variant']}"


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_a_class_has_the_weights_that_transformers_makes(row: dict[str, Any]) -> None:
    name = row["config"]["architectures"][0]
    if _id(row) in REFUSED:
        with pytest.raises(UnreadableConfig, match=REFUSED[_id(row)]):
            described_config(row["config"])
        return
    found = described_config(row["config"])
    towers = found.vision_parameters + found.sound_parameters
    assert found.parameters - towers == pytest.approx(row["weights"], rel=LOOSE.get(name, 0.002))
    assert found.parameters == pytest.approx(row["weights"] + row["tower"], rel=0.02)


def test_it_covers_most_classes_that_are_computed() -> None:
    assert len({row["config"]["architectures"][0] for row in ROWS}) >= 85
