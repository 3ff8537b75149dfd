"""How many of the models that vLLM's public recipes name are known by name, or by their config.json's class."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from planning.architectures.table import UnknownModel, architecture
from planning.facts import rows
from tests.reference_data import DATA

STATES = {row["class"]: row["state"] for row in rows("model_classes.csv")}
DOC = Path(__file__).resolve().parents[3] / "docs" / "memory-model.md"


def _recipes() -> list[dict[str, str]]:
    lines = (DATA / "vllm_recipes.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _known(model_id: str) -> bool:
    try:
        architecture(model_id)
    except UnknownModel:
        return False
    return True


def test_the_documented_counts_are_those_of_today() -> None:
    recipes = _recipes()
    by_name = {row["model"] for row in recipes if _known(row["model"])}
    by_config = {
        row["model"]
        for row in recipes
        if row["model"] not in by_name and STATES.get(row["class"], "unknown") != "unknown" and not row["refused_by"]
    }
    generating = [row for row in recipes if row["tasks"] not in ("omni", "embedding")]
    counts = len(recipes), len(generating), len(by_name), len(by_config)
    print("\nrecipes, of them text or pictures, known by name, by config.json:", counts)
    told = r"Of (\d+) model ids .*? (\d+) generate text.*? (\d+) are known by name and (\d+) more"
    said = re.search(told, DOC.read_text(encoding="utf-8"), re.S)
    assert said is not None
    assert tuple(map(int, said.groups())) == counts


@pytest.mark.parametrize("row", [row for row in _recipes() if row["class"]], ids=lambda row: row["model"])
def test_a_recipes_class_is_in_the_table_of_classes(row: dict[str, str]) -> None:
    assert row["class"] in STATES
