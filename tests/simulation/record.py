"""`python -m tests.simulation.record .local-reports/scaling.json`: keeps a live run for the comparison."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "data" / "hpa_run.json"


def kept(run: dict[str, Any]) -> dict[str, Any]:
    """The small part of a record of `python -m local load --json` that test_against_platform.py needs.

    The conditions are those of tests/e2e/test_scaling.py; what a record says itself is taken from it.
    """
    wanted = [[round(at, 1), count] for at, count in run["summary"]["wanted_curve"]]
    return {
        "what": "requests (arrival s, prompt tokens, answer tokens) and replicas wanted by the real HPA (since s)",
        "conditions": {
            "model": run["target"]["served"],
            "instance_type": "g6.2xlarge",
            "max_model_len": run["target"]["max_model_len"],
            "max_num_seqs": 64,
            "max_replicas": 4,
            "in_flight_target": 2.0,
            "up_window_seconds": 0,
            "down_window_seconds": 30,
            "pods": 4,
            "period_seconds": 15,
            "scrape_seconds": 5.0,
            "sync_seconds": 5.0,
            "cold_start_seconds": 6.0,
            "pre_stop_seconds": 5.0,
            "end_seconds": round(run["summary"]["seconds"]),
        },
        "wanted": wanted,
        "requests": [[r["arrival"], r["input_tokens"], r["output_tokens"]] for r in run["requests"]],
    }


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    text = json.dumps(kept(json.loads(Path(sys.argv[1]).read_text())), separators=(",", ":"))
    FILE.write_text(text.replace("],[", "],\n[") + "\n")
