"""A model that our table does not have, described in the stack file."""

from __future__ import annotations

from typing import Any

import pytest

from settings.architecture import DescribedShape, PastedConfig
from settings.read import read

MODEL = {"name": "own", "source": "acme/Own-7B", "revision": "a" * 40}
SHAPE = {
    "layers": 28,
    "hiddenSize": 3584,
    "attentionHeads": 28,
    "kvHeads": 4,
    "intermediateSize": 18944,
    "vocabSize": 152064,
}


def problems(architecture: Any) -> dict[str, str]:
    loaded = read({"models": [{**MODEL, "architecture": architecture}]}, "dev")
    return {problem.path.removeprefix("models[0].architecture."): problem.text for problem in loaded.problems}


def described(architecture: Any) -> Any:
    loaded = read({"models": [{**MODEL, "architecture": architecture}]}, "dev")
    assert loaded.problems == ()
    assert loaded.settings is not None
    return loaded.settings.models[0].architecture


def test_config_says_that_a_config_json_follows_and_figures_that_it_is_a_shape() -> None:
    assert isinstance(described({"config": {"hidden_size": 64}}), PastedConfig)
    assert isinstance(described(SHAPE), DescribedShape)
    assert described({"kind": "shape", **SHAPE}) == described(SHAPE)


def test_a_model_without_description_has_none() -> None:
    loaded = read({"models": [MODEL]}, "dev")
    assert loaded.settings is not None
    assert loaded.settings.models[0].architecture is None


def test_all_mistakes_of_a_shape_are_told_at_once_each_with_its_path() -> None:
    problems_found = problems({**SHAPE, "layers": 0, "vocabSize": "many", "hidenSize": 1, "experts": {"experts": 8}})
    assert {"layers", "vocabSize", "hidenSize", "experts.perToken", "experts.intermediateSize"} <= set(problems_found)
    assert "did you mean hiddenSize?" in problems_found["hidenSize"]


def test_a_missing_figure_says_what_it_is_called_in_config_json() -> None:
    problems_found = problems({key: value for key, value in SHAPE.items() if key != "layers"})
    assert "num_hidden_layers" in problems_found["layers"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kvHeads": 5}, "kvHeads 5 does not divide attentionHeads 28"),
        ({"hiddenSize": 3585}, "no multiple of attentionHeads 28; write headDim"),
        ({"slidingWindow": {"layers": 29, "tokens": 4096}}, "more than the 28 layers"),
        ({"experts": {"experts": 8, "perToken": 2, "intermediateSize": 1024, "denseLayers": 28}}, "leaves none of 28"),
        ({"experts": {"experts": 8, "perToken": 9, "intermediateSize": 1024}}, "perToken 9 is more than the 8 experts"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(change: dict[str, Any], message: str) -> None:
    assert any(message in text for text in problems({**SHAPE, **change}).values()) or any(
        message in problem.text
        for problem in read({"models": [{**MODEL, "architecture": {**SHAPE, **change}}]}, "dev").problems
    )


@pytest.mark.parametrize("nonsense", [[], "llama", 7, {"kind": "guess"}, {"config": []}, {"config": {}}])
def test_what_is_no_description_is_refused_without_a_traceback(nonsense: Any) -> None:
    loaded = read({"models": [{**MODEL, "architecture": nonsense}]}, "dev")
    assert loaded.problems
    assert all(problem.path.startswith("models[0].architecture") for problem in loaded.problems)
