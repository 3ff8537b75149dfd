"""`python -m tests.simulation.live demand|keda|vllm`: autoscaling under load on the embedded platform, as a recording.

A platform of its own, up and down again: four to ten minutes. What is kept goes to `data/<name>_run.json`: requests,
replicas wanted by the real HPA, and what the plan said its rules are. `keda` needs `python -m local tools keda`, `vllm`
`make engine`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
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

DATA = Path(__file__).parent / "data"
SCRAPE_SECONDS = 5
SYNC_SECONDS = 5  # local/control_plane/servers.py: horizontal-pod-autoscaler-sync-period
COLD_START_SECONDS = 6  # `python -m local start`, default
PATIENCE_SECONDS = 900
QUICK = {
    "scaleUp": {"windowSeconds": 0, "pods": 4, "periodSeconds": 15},
    "scaleDown": {"windowSeconds": 30, "pods": 4, "periodSeconds": 15},
}
IN_FLIGHT = [{"kind": "inFlight", "target": 2}]


@dataclass(frozen=True)
class Recording:
    """A run: the model's autoscaling, how many nodes there are, the load's options, and who serves."""

    scaling: Mapping[str, Any]
    nodes: int
    load: Mapping[str, str]
    engine: str = "simulated"

    def change(self, settings: dict[str, Any], model: dict[str, Any]) -> None:
        """The local stack with this scaling; nodes are there from the start."""
        settings["nodePools"][0] |= {"minNodes": self.nodes, "maxNodes": self.nodes}
        settings["monitoring"] = {"scrapeIntervalSeconds": SCRAPE_SECONDS}
        model["autoscaling"] = dict(self.scaling)
        model["drain"] = {"preStopSeconds": 5}


_STEP = {"profile": "steady", "rate": "6", "seconds": "60", "output-tokens": "100", "after-seconds": "120"}
RECORDINGS = {
    "demand": Recording(
        {"kind": "hpa", "minReplicas": 1, "maxReplicas": 4},
        4,
        {"profile": "steady", "rate": "2", "seconds": "120", "output-tokens": "100", "after-seconds": "45"},
    ),
    "keda": Recording(
        {
            "kind": "keda", "minReplicas": 1, "maxReplicas": 3, "metrics": IN_FLIGHT, "pollingIntervalSeconds": 5,
            **QUICK,
        },
        4,
        _STEP,
    ),
    "vllm": Recording(
        {"kind": "hpa", "minReplicas": 1, "maxReplicas": 2, "metrics": IN_FLIGHT, **QUICK},
        2,
        {
            "profile": "steady", "rate": "1.5", "seconds": "180", "output-tokens": "300",
            "longest-output-tokens": "600", "input-tokens": "50", "after-seconds": "150",
        },
        "vllm",
    ),
}  # fmt: skip


def served(file: Path) -> ServedModel:
    """The model of that stack file as it is planned."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
    loaded = read({key.removeprefix(PREFIX): value for key, value in config.items()}, "local")
    assert loaded.settings is not None, loaded.problems
    return plan(loaded.settings, "local").models[0]


def _argument(model: ServedModel, name: str) -> str:
    return next(arg.partition("=")[2] for arg in model.args if arg.startswith(f"{name}="))


def _cold_start_seconds(summary: dict[str, Any], engine: str) -> float:
    """As configured; of the real engine what the run's first further replica took from wanted to Ready."""
    if engine == "simulated":
        return float(COLD_START_SECONDS)
    wanted, ready = (next(at for at, count in summary[f"{name}_curve"] if count > 1) for name in ("wanted", "ready"))
    return round(float(ready - wanted), 1)


def kept(record: dict[str, Any], model: ServedModel, engine: str = "simulated") -> dict[str, Any]:
    """What the tests of recorded runs need of a record of `python -m local load --json`."""
    scaling = model.autoscaling
    timed = engine != "simulated"
    columns = ("arrival", "input_tokens", "output_tokens", *(("first_token", "done") if timed else ()))
    of_time = " first token s, end s," if timed else ""
    return {
        "what": f"requests (arrival s, prompt tokens, answer tokens,{of_time}) and replicas wanted by the real HPA",
        "conditions": {
            "engine": engine,
            "model": record["target"]["served"],
            "instance_type": "g6.2xlarge",
            "max_model_len": record["target"]["max_model_len"],
            "max_num_seqs": int(_argument(model, "--max-num-seqs")),
            "kind": str(scaling.kind),
            "min_replicas": scaling.min_replicas,
            "max_replicas": scaling.max_replicas,
            "metrics": [{"kind": metric.kind, "target": metric.target} for metric in scaling.metrics],
            "polling_seconds": scaling.polling_seconds,
            "scrape_seconds": float(SCRAPE_SECONDS),
            "sync_seconds": float(SYNC_SECONDS),
            "cold_start_seconds": _cold_start_seconds(record["summary"], engine),
            "pre_stop_seconds": 5.0,
            "end_seconds": round(record["summary"]["seconds"]),
            "demand": None if scaling.demand is None else asdict(scaling.demand),
            "up": asdict(scaling.scale_up),
            "down": asdict(scaling.scale_down),
        },
        "wanted": [[round(at, 1), count] for at, count in record["summary"]["wanted_curve"]],
        "requests": [[request[name] for name in columns] for request in record["requests"]],
    }


def _when(settled: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not settled():
        assert time.monotonic() < deadline, what
        time.sleep(1)


def main(name: str) -> None:
    """Brings it up, sends the load, keeps the record, takes everything down."""
    wanted = RECORDINGS[name]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # servers are another user
        os.environ["VLLM_ON_EKS_LOCAL_DIR"] = str(Path(folder) / "local")
        file = changed_stack(Path(folder), wanted.change)
        model = served(file)
        platform = Platform(platform_paths())
        try:
            platform.run("up", "--engine", wanted.engine, "--stack-file", str(file))
            _when(lambda: [(each.wanted, each.available) for each in models(platform.paths)] == [(1, 1)], "not at 1")
            options = [word for key, value in wanted.load.items() for word in (f"--{key}", value)]
            record = Load.start(f"scaling-{name}", *options).end(timeout_seconds=1200)
        finally:
            print(platform.run("down", check=False))
    keep(name, kept(record, model, wanted.engine))


def keep(name: str, run: dict[str, Any]) -> None:
    """Writes the recording."""
    text = json.dumps(run, separators=(",", ":"))
    (DATA / f"{name}_run.json").write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
