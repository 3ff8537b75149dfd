"""Writes tests/preview/data/state-0.1.0-<stack>.json from a report of an old revision's own preview.

    python -m preview dev --format json > report.json     # in a checkout of the revision
    python -m tests.preview.make_old_state report.json COMMIT

Whole are the resources whose loss cannot be had back (preview/stateful.csv), of the others type and URN only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from preview.moves import stateful
from preview.steps import short_type

HERE = Path(__file__).parent / "data"
WHOLE = ("urn", "type", "name", "parent", "inputs", "provider", "dependencies", "propertyDependencies")


def main(report: Path, commit: str) -> None:
    document = json.loads(report.read_text())
    kept = [
        {key: resource[key] for key in WHOLE if key in resource}
        if short_type(resource["type"]) in stateful() and "helm" not in resource["type"]
        else {"urn": resource["urn"], "type": resource["type"], "name": resource["name"], "inputs": None}
        for resource in document["resources"]
    ]
    HERE.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in kept)
    text = f'{{"commit": "{commit}", "stack": "{document["stack"]}", "resources": [\n{lines}\n]}}\n'
    (HERE / f"state-0.1.0-{document['stack']}.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
