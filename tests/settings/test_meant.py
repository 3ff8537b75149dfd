"""Keys from other tools lead to what they are called here, and one mistake is told once."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from settings.meant import TABLE, meant
from settings.problems import SchemaWalker
from settings.read import read
from settings.schema import json_schema

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
POOL = {"name": "l4", "instanceTypes": ["g6.xlarge"]}
MODEL = {"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": REVISION}


def problems(sections: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in read(sections, "dev").problems]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("gpus", 0.5, "gpuSharing"),
        ("gpus", "0.5", "gpuSharing"),
        ("gpu", 2, "tensorParallel"),
        ("num_gpus", 1, "tensorParallel"),
        ("replicas", 2, "autoscaling: {kind: none"),
        ("contextLength", 4096, "maxModelLen"),
        ("hfToken", "x", "tokenSecret"),
        ("maxModelLenn", 1, "did you mean maxModelLen?"),
    ],
)
def test_an_unknown_key_of_a_model_says_what_is_meant(key: str, value: Any, told: str) -> None:
    message = problems({"models": [{**MODEL, key: value}]})
    assert len(message) == 1
    assert message[0].startswith(f"models[0].{key}: unknown key; ")
    assert told in message[0]


def test_keys_that_exist_are_in_no_row_and_places_are_real() -> None:
    walker = SchemaWalker(json_schema())
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for row in rows:
        place: list[str | int] = []
        for part in row["where"].removeprefix("(top)").split("."):
            place += [part.removesuffix("[]"), 0] if part.endswith("[]") else [part] if part else []
        keys = walker.keys_at(place)
        assert keys, row["where"]
        assert row["key"] not in {key.lower() for key in keys}, row


def test_what_nobody_knows_is_left_to_the_nearest_key() -> None:
    assert meant(("models", 0, "zzz"), 1) is None
    assert meant(("zzz",), 1) is None


@pytest.mark.parametrize(
    "sections",
    [
        {"models": [{**MODEL, "revision": "main"}]},
        {"models": [{**MODEL, "source": 5}]},
        {"models": [{**MODEL, "name": "Qwen_"}]},
        {"nodePools": [{**POOL, "instanceTypes": []}]},
        {"nodePools": [{**POOL, "instanceTypes": "g6.xlarge"}]},
        {"nodePools": [{**POOL, "instanceTypes": ["nonsense"]}]},
        {"waivers": [{"rule": "image-digest", "reason": "short", "expires": "2027-01-01"}]},
        {
            "cluster": {"kind": "existing", "name": "*"},
            "network": {"kind": "existing", "vpcId": "vpc-1", "privateSubnetIds": ["subnet-1", "subnet-2"]},
        },
    ],
)
def test_a_wrong_field_that_is_needed_is_not_also_missing(sections: dict[str, Any]) -> None:
    told = problems(sections)
    assert len(told) == 1, told
    assert "missing" not in told[0]


def test_a_field_that_is_missing_is_still_missed() -> None:
    assert problems({"models": [{"name": "x", "source": "a/b"}]}) == [
        "models[0].revision: is missing: commit id of the model repository; add it"
    ]
