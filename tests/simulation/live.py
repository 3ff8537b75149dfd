"""`python -m tests.simulation.live`: the default autoscaling under load on the embedded platform, kept as a recording.

A platform of its own, up and down again: about four minutes. What is kept goes to
`data/demand_run.json`: requests, replicas wanted by the real HPA, and what the plan said its rules are.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from local.commands.completion import models
from local.host.paths import platform_paths
from planning.model import ServedModel
from planning.plan import plan
from settings.read import read
from tests.e2e.conftest import Platform
from tests.e2e.loading import PREFIX, Load, changed_stack

FILE = Path(__file__).parent / "data" / "demand_run.json"
SCRAPE_SECONDS = 5
LOAD = ("--profile", "steady", "--rate", "2", "--seconds", "120", "--output-tokens", "100", "--after-seconds", "45")
PATIENCE_SECONDS = 300


def _default_autoscaling(settings: dict[str, Any], model: dict[str, Any]) -> None:
    settings["nodePools"][0] |= {"minNodes": 4, "maxNodes": 4}
    settings["monitoring"] = {"scrapeIntervalSeconds": SCRAPE_SECONDS}
    model["autoscaling"] = {"kind": "hpa", "minReplicas": 1, "maxReplicas": 4}
    model["drain"] = {"preStopSeconds": 5}


def served(file: Path) -> ServedModel:
    """The model of that stack file as it is planned."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
    loaded = read({key.removeprefix(PREFIX): value for key, value in config.items()}, "local")
    assert loaded.settings is not None, loaded.problems
    return plan(loaded.settings, "local").models[0]


def _argument(model: ServedModel, name: str) -> str:
    return next(arg.partition("=")[2] for arg in model.args if arg.startswith(f"{name}="))


def kept(record: dict[str, Any], model: ServedModel) -> dict[str, Any]:
    """What test_demand_on_the_platform.py needs of a record of `python -m local load --json`."""
    scaling = model.autoscaling
    assert scaling.demand is not None
    return {
        "what": "requests (arrival s, prompt tokens, answer tokens) and replicas wanted by the real HPA (since s)",
        "conditions": {
            "model": record["target"]["served"],
            "instance_type": "g6.2xlarge",
            "max_model_len": record["target"]["max_model_len"],
            "max_num_seqs": int(_argument(model, "--max-num-seqs")),
            "max_replicas": scaling.max_replicas,
            "scrape_seconds": float(SCRAPE_SECONDS),
            "sync_seconds": 5.0,
            "cold_start_seconds": 6.0,
            "pre_stop_seconds": 5.0,
            "end_seconds": round(record["summary"]["seconds"]),
            "demand": asdict(scaling.demand),
            "up": asdict(scaling.scale_up),
            "down": asdict(scaling.scale_down),
        },
        "wanted": [[round(at, 1), count] for at, count in record["summary"]["wanted_curve"]],
        "requests": [
            [request["arrival"], request["input_tokens"], request["output_tokens"]] for request in record["requests"]
        ],
    }


def main() -> None:
    """Brings it up, sends the load, keeps the record, takes everything down."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VLLM_ON_EKS_LOCAL_DIR"] = str(Path(folder) / "local")
        file = changed_stack(Path(folder), _default_autoscaling)
        model = served(file)
        platform = Platform(platform_paths())
        try:
            platform.run("start")
            platform.run("up", "--stack-file", str(file))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while [(model.wanted, model.available) for model in models(platform.paths)] != [(1, 1)]:
                assert time.monotonic() < deadline, models(platform.paths)
                time.sleep(1)
            record = Load.start("scaling-demand", *LOAD).end(timeout_seconds=600)
        finally:
            print(platform.run("down", check=False))
    keep(record, model)


def keep(record: dict[str, Any], model: ServedModel) -> None:
    """Writes the recording."""
    text = json.dumps(kept(record, model), separators=(",", ":"))
    FILE.write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
