"""`python -m bench.many_pods`: spike → 4 Ready beside 196 other replicas, on 50 nodes with 4 GPUs each.

A platform of its own, as for the end-to-end tests; its last line is the ratio and what all its processes weigh.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import yaml

from bench.timing import REPO
from local.commands.completion import models
from local.commands.status import memory_mib
from local.host.paths import platform_paths
from local.host.processes import Processes

NODES: Final = 50
INSTANCE_TYPE: Final = "g6.12xlarge"  # 4 L4 each
CROWD: Final = 4 * NODES - 4
SCRAPE_SECONDS: Final = 5
SYNC_SECONDS: Final = 5  # local/control_plane/servers.py: horizontal-pod-autoscaler-sync-period
COLD_START_SECONDS: Final = 6  # `python -m local start`, default
PATIENCE_SECONDS: Final = 600


def stack_of_many() -> dict[str, Any]:
    """The local stack on 50 nodes, with a second model of 196 fixed replicas beside the one that is scaled."""
    content: dict[str, Any] = yaml.safe_load((REPO / "Pulumi.local.yaml").read_text())
    config = content["config"]
    pool = {"instanceTypes": [INSTANCE_TYPE], "minNodes": NODES, "maxNodes": NODES}
    config["vllm-on-eks:nodePools"][0] |= pool
    config["vllm-on-eks:monitoring"] = {"scrapeIntervalSeconds": SCRAPE_SECONDS}
    (scaled,) = config["vllm-on-eks:models"]
    same = {key: scaled[key] for key in ("source", "revision")}
    crowd = {**same, "name": "crowd", "servedName": "crowd", "autoscaling": {"kind": "none", "minReplicas": CROWD}}
    metrics = [{"kind": "inFlight", "target": 2}]
    up = {"windowSeconds": 0, "pods": 4, "periodSeconds": 15}
    scaled["autoscaling"] = {"minReplicas": 1, "maxReplicas": 4, "metrics": metrics, "scaleUp": up}
    config["vllm-on-eks:models"] = [scaled, crowd]
    return content


def _local(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "local", *arguments], cwd=REPO, check=True, stdin=subprocess.DEVNULL)


def _wait_for_the_crowd() -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while sum(model.available for model in models(platform_paths())) < CROWD + 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all Ready: {models(platform_paths())}")
        time.sleep(2)


def main() -> None:
    """Starts, waits for all replicas, sends a step of load to one model, prints, ends."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VLLM_ON_EKS_LOCAL_DIR"] = f"{folder}/local"
        file, record = Path(folder, "Pulumi.local.yaml"), Path(folder, "load.json")
        file.write_text(yaml.safe_dump(stack_of_many()))
        try:
            began = time.perf_counter()
            _local("up", "--stack-file", str(file))
            _wait_for_the_crowd()
            ready_seconds = time.perf_counter() - began
            load = (
                "--model",
                "qwen",
                "--profile",
                "steady",
                "--rate",
                "6",
                "--seconds",
                "60",
                "--output-tokens",
                "100",
            )
            _local("load", *load, "--json", str(record), "--out", f"{folder}/load.svg")
            summary = json.loads(record.read_text())["summary"]
            used_mib = sum(memory_mib(record) for record in Processes(platform_paths()).records())
        finally:
            _local("down")
    took_seconds = summary["spike_to_ready_seconds"].get("4")
    ratio = took_seconds / (SCRAPE_SECONDS + SYNC_SECONDS + COLD_START_SECONDS) if took_seconds else None
    print(
        f"{NODES} nodes, {CROWD + 4} pods: all Ready {ready_seconds:.0f} s after `up` began; {used_mib:.0f} MiB in all"
    )
    print(f"spike → 4 Ready (goal ≤ 1.2): {took_seconds} s, ratio {ratio if ratio is None else round(ratio, 2)}")


if __name__ == "__main__":
    main()
