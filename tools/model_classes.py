"""Makes planning/facts/model_classes.csv: each class that vLLM registers for text and pictures, and what we make of it.

Reads vllm/model_executor/models/registry.py of an unpacked source tree (see tools/vllm_facts.py), never the network:

    python -m tools.model_classes /path/to/tree > /tmp/model_classes.csv && mv /tmp/model_classes.csv planning/facts/

States that the table has are kept, a class that is new is `unknown`, and one that is gone leaves the table.
"""

from __future__ import annotations

import ast
import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "planning" / "facts" / "model_classes.csv"
REGISTRY = "vllm/model_executor/models/registry.py"
KINDS = {
    "_TEXT_GENERATION_MODELS": "text",
    "_TRANSFORMERS_SUPPORTED_MODELS": "text",
    "_MULTIMODAL_MODELS": "multimodal",
}
COLUMNS = ("class", "kind", "state", "why", "needs")
NEW = ("unknown", "no config.json of it was read here", "")


def registered(source: str) -> Iterator[tuple[str, str]]:
    """Class and kind, in the registry's order; a class of two lists has the kind of the first."""
    seen: set[str] = set()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Name) or target.id not in KINDS:
            continue
        for key in node.value.keys:
            if isinstance(key, ast.Constant) and key.value not in seen:
                seen.add(str(key.value))
                yield str(key.value), KINDS[target.id]


def table(source: str, known: Mapping[str, tuple[str, str, str]]) -> list[tuple[str, str, str, str, str]]:
    """The rows, by class."""
    return sorted((name, kind, *known.get(name, NEW)) for name, kind in registered(source))


def main(tree: Path) -> None:
    """Prints the table with the comments that it has."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    known = {
        row["class"]: (row["state"], row["why"], row["needs"])
        for row in csv.DictReader(x for x in lines if not x.startswith("#"))
    }
    print("\n".join(line for line in lines if line.startswith("#")))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(table((tree / REGISTRY).read_text(encoding="utf-8"), known))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
