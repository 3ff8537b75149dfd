"""The examples as they are brought up on the platform: which setting of each is changed, and what that changes.

`examples.csv`, a row per file of examples/ (`tests/test_examples.py` says what is missing), in the order in which they
are run: the cheap ones first. `without`: why an example cannot come up on the platform; empty where it can.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.stacks.stack_files import UNROUTED_ADDRESS
from tests.conftest import REPO
from tests.e2e.loading import PREFIX

TABLE = Path(__file__).parent / "examples.csv"
# What an example's first lines tell its reader to replace, and what stands in its place here.
OWN = {
    "203.0.113.10/32": UNROUTED_ADDRESS,
    "203.0.113.0/24": "192.88.99.0/24",
    "platform@example.com": "platform@team.invalid",
    "llm.example.com": "llm.team.invalid",
}


@dataclass(frozen=True)
class Example:
    """A row of the table."""

    name: str
    changed: str
    """Path of the setting: `models[0].maxNumSeqs`."""
    value: Any
    updates: frozenset[str]
    """Names of the resources that the change updates in place; everything else stays as it is."""
    left: frozenset[str]
    """What stays in the account by design (`kind id`, apart by semicolons): things of the reader's, not the stack's."""
    without: str
    here: Mapping[str, str] = field(default_factory=dict)
    """What the file shows -> what stands in its place on this platform (prerequisites.py)."""

    def config(self, *, changed: bool = False) -> dict[str, Any]:
        """The sections of the file, with full keys, and a reader's own addresses in them. Raises LookupError.

        `changed`: with the setting of the row changed, which has to be another value than the example's.
        """
        text = (REPO / "examples" / f"Pulumi.{self.name}.yaml").read_text(encoding="utf-8")
        for shown, own in {**OWN, **self.here}.items():
            text = text.replace(shown, own)
        config: dict[str, Any] = yaml.safe_load(text)["config"]
        if changed:
            _set(config, self.changed, self.value)
        return config

    def write(self, folder: Path, *, changed: bool = False) -> Path:
        """The stack file; see `config`."""
        file = folder / f"Pulumi.{self.name}.yaml"
        file.write_text(yaml.safe_dump({"config": self.config(changed=changed)}))
        return file


def _set(config: dict[str, Any], path: str, value: Any) -> None:
    keys: list[Any] = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
    inside: Any = config
    for key in [PREFIX + keys[0], *keys[1:-1]]:
        inside = inside[key]
    if inside.get(keys[-1]) == value:
        raise LookupError(f"{path} is {value} already: nothing would change")
    inside[keys[-1]] = value


def example_table() -> list[Example]:
    """All rows."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Example(
                row["example"],
                row["changed"],
                yaml.safe_load(row["value"]),
                frozenset(row["updates"].split()),
                frozenset(row["left"].split("; ")) - {""},
                row["without"],
            )
            for row in csv.DictReader(file)
        ]
