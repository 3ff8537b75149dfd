"""A model that only a stack file describes has the size here that the plan counts with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.engine.described import StackFiles
from local.engine.flags import parse
from local.engine.shapes import planned_shape
from planning.nodes.instances import gpu
from tests.planning.stacks import model, planned, pool

OWN = "acme/Own-3B"
SHAPE = {
    "kind": "shape", "layers": 36, "hiddenSize": 2048, "attentionHeads": 16, "kvHeads": 2, "headDim": 128,
    "intermediateSize": 11008, "vocabSize": 151936, "maxPositions": 32768, "tiedEmbeddings": True,
}  # fmt: skip


def write(folder: Path, stack: str, *models: dict[str, Any], at: int = 1) -> Path:
    """A stack file as the platform keeps it; `at`: when it was written."""
    folder.mkdir(exist_ok=True)
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(yaml.safe_dump({"config": {"p:region": "eu-west-1", "p:models": list(models)}}))
    os.utime(path, (at, at))
    return path


def own(**more: Any) -> dict[str, Any]:
    return model(source=OWN, architecture=SHAPE, **more)


@pytest.mark.parametrize("more", [{}, {"servedName": "own"}])
def test_a_described_model_has_the_cache_of_the_plan(more: dict[str, Any], tmp_path: Path) -> None:
    plan = planned(nodePools=[pool(instanceTypes=["g6.xlarge"])], models=[own(**more)])
    served = plan.models[0]
    write(tmp_path, "dev", own(**more))
    arguments = parse(list(served.args))
    assert planned_shape(arguments, gpu("l4"), served.vllm_version) is None, "the catalogue does not have it"
    shape = planned_shape(arguments, gpu("l4"), served.vllm_version, StackFiles(tmp_path).architecture)
    assert shape is not None
    assert served.memory is not None
    assert shape.kv_cache_tokens == pytest.approx(served.memory.kv_cache_tokens, rel=0.02)
    assert shape.weights_bytes == pytest.approx(served.memory.weights_bytes_per_gpu, rel=0.02)


def test_a_description_wins_over_the_catalogue_as_in_the_plan(tmp_path: Path) -> None:
    known = "Qwen/Qwen2.5-7B-Instruct"
    write(tmp_path, "dev", model(source=known, architecture=SHAPE))
    arguments = parse([known])
    described = planned_shape(arguments, gpu("l4"), "0.33.0", StackFiles(tmp_path).architecture)
    usual = planned_shape(arguments, gpu("l4"), "0.33.0")
    assert described is not None
    assert usual is not None
    assert described.parameters < usual.parameters / 2


def test_a_changed_file_is_read_again_and_the_latest_wins(tmp_path: Path) -> None:
    stack_files = StackFiles(tmp_path / "stacks")
    assert stack_files.architecture(OWN) is None, "no folder yet"
    write(tmp_path / "stacks", "a", own(), at=1)
    first = stack_files.architecture(OWN)
    assert first is not None
    write(tmp_path / "stacks", "b", model(source=OWN, architecture={**SHAPE, "layers": 40}), at=2)
    latest = stack_files.architecture(OWN)
    assert latest is not None
    assert (first.layers, latest.layers) == (36, 40)
    write(tmp_path / "stacks", "b", model(source=OWN), at=3)
    assert stack_files.architecture(OWN) == first
    (tmp_path / "stacks" / "Pulumi.a.yaml").unlink()
    assert stack_files.architecture(OWN) is None


@pytest.mark.parametrize(
    "text", ["{", "config: 3", "config: {'p:models': 3}", "config: {'p:models': [3]}", "- 1", "\0"]
)
def test_a_file_that_cannot_be_read_describes_nothing(text: str, tmp_path: Path) -> None:
    write(tmp_path, "dev", own(), at=1)
    (tmp_path / "Pulumi.other.yaml").write_text(text)
    assert StackFiles(tmp_path).architecture(OWN) is not None
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert StackFiles(tmp_path).architecture(OWN) is None


def test_a_description_that_makes_no_sense_describes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "dev", model(source=OWN, architecture={"kind": "config", "config": {"model_type": "x"}}))
    assert StackFiles(tmp_path).architecture(OWN) is None
