"""Rules of a planned stack as promtool reads them, and its tests of our cases."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.cluster.alerts import stack_rules
from components.serving.manifests.alerts import alert_rules
from planning.model import StackPlan
from tests.components.alert_cases import CASES, Case
from tests.conftest import REPO
from tests.planning.stacks import model, planned, pool

# A spot pool, a model that downloads in its pod, one that downloads once: so every alert there is has its rule.
SECTIONS: dict[str, Any] = {
    "nodeAutoscaling": {"kind": "none"},  # what is not ready is late by its cold start, with no node's on top
    "nodePools": [
        pool(name="l4", instanceTypes=["g6.xlarge"], minNodes=4, maxNodes=5),
        pool(name="cheap", instanceTypes=["g5.12xlarge", "g5.24xlarge"], capacity="spot", minNodes=1, maxNodes=2),
    ],
    "models": [
        model(pool="l4", autoscaling={"minReplicas": 1, "maxReplicas": 2}),
        model(name="careful", pool="l4", rollout={"kind": "canary"}),
        model(
            name="big",
            pool="cheap",
            team="search",
            tensorParallel=2,
            cache={"kind": "persistentVolume", "storageClass": "gp3", "accessMode": "ReadWriteOnce"},
            autoscaling={"minReplicas": 1, "maxReplicas": 1},
        ),
    ],
}


def sample_plan() -> StackPlan:
    """A stack in which every alert of the table has a rule."""
    return planned(**SECTIONS)


def rule_groups(plan: StackPlan) -> dict[str, dict[str, Any]]:
    """Every rule group of a plan by its name, as the PrometheusRules hold them."""
    assert plan.monitoring is not None
    objects = [stack_rules(plan.monitoring.alert_groups), *map(alert_rules, plan.models)]
    return {group["name"]: group for object_ in objects for group in object_["spec"]["groups"]}


def rules_of(plan: StackPlan) -> Iterator[dict[str, Any]]:
    """Every rule, recordings too."""
    for group in rule_groups(plan).values():
        yield from group["rules"]


def find_promtool() -> str | None:
    """promtool as `python -m local tools` leaves it, or from PATH."""
    ours = REPO / ".tools" / "bin" / "promtool"
    return str(ours) if os.access(ours, os.X_OK) else shutil.which("promtool")


def write_rules(groups: Sequence[Mapping[str, Any]], folder: Path, name: str) -> Path:
    """A file of rules."""
    path = folder / f"{name}.rules.yaml"
    path.write_text(yaml.safe_dump({"groups": list(groups)}, sort_keys=False), encoding="utf-8")
    return path


def write_tests(group: Mapping[str, Any], folder: Path) -> list[Path]:
    """promtool's tests of the cases about a group: a file for each step, with the rules that its cases are about."""
    alerts = [rule for rule in group["rules"] if "alert" in rule]
    pairs = [(case, rule) for rule in alerts for case in CASES if _is_about(case, rule)]
    files = []
    for step in sorted({case.step_minutes for case, _ in pairs}):
        name = f"{group['name']}-{step}m"
        asked = [(case, rule) for case, rule in pairs if case.step_minutes == step]
        rules = write_rules([{"name": group["name"], "rules": _needed(group, asked)}], folder, name)
        document = {
            "rule_files": [str(rules)],
            "evaluation_interval": f"{step}m",
            "tests": [_test(case, rule) for case, rule in asked],
        }
        files.append(folder / f"{name}.test.yaml")
        files[-1].write_text(yaml.safe_dump(document, sort_keys=False, width=1000), encoding="utf-8")
    return files


def _needed(group: Mapping[str, Any], asked: Sequence[tuple[Case, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """The alerts asked about and the recordings they read: three days of all windows would be slow."""
    alerts = [rule for rule in group["rules"] if any(rule is each for _, each in asked)]
    read = " ".join(rule["expr"] for rule in alerts)
    recordings = [
        rule
        for rule in group["rules"]
        if "record" in rule and rule["record"] in read and f'window="{rule["labels"]["window"]}"' in read
    ]
    return [*recordings, *alerts]


def _is_about(case: Case, rule: Mapping[str, Any]) -> bool:
    labels = rule["labels"]
    wanted_model = case.labels.get("model") or ("big" if "big-download" in str(case.series) else "chat")
    return (
        rule["alert"] == case.alert
        and labels.get("window", "") == case.window
        and labels.get("model", wanted_model) == wanted_model
    )


def _test(case: Case, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Asks Prometheus' own ALERTS series, by the rule's labels and the case's."""
    labels = {"alertname": case.alert, "alertstate": "firing", **rule["labels"], **case.labels}
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {
        "name": f"{case.alert} {case.window} {'fires' if case.fires else 'is silent'}: {case.why}",
        "interval": f"{case.step_minutes}m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{{matchers}}})",
                "eval_time": f"{case.at}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if case.fires else [],
            }
        ],
    }


def run(promtool: str, *arguments: str) -> str:
    """promtool's output, both streams; raises AssertionError with it when promtool is not content."""
    done = subprocess.run([promtool, *arguments], text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def write_cost_test(group: Mapping[str, Any], folder: Path) -> Path:
    """Two l4 nodes with a pod of chat on one; a g5.12xlarge with a pod of big, which holds half; one pod waits."""
    rules = write_rules([group], folder, "cost")
    nodes = {"l4-1": ("l4", "g6.xlarge"), "l4-2": ("l4", "g6.xlarge"), "cheap-1": ("cheap", "g5.12xlarge")}
    pods = {"chat-7d9f8b6c5d-x2x4z": "l4-1", "chat-7d9f8b6c5d-22222": "", "big-7d9f8b6c5d-x2x4z": "cheap-1"}
    labels = "label_vllm_on_eks_pool", "label_node_kubernetes_io_instance_type"
    series = [
        f'kube_node_labels{{node="{node}",{labels[0]}="{where}",{labels[1]}="{kind}"}}'
        for node, (where, kind) in nodes.items()
    ] + [f'kube_pod_info{{namespace="models",pod="{pod}",node="{node}"}}' for pod, node in pods.items()]
    expected = {"chat": (0.8048, "l4", "none"), "big": (5.672 / 2, "cheap", "search"), "careful": (0.0, "l4", "none")}
    costs = [
        {"labels": f'{{model="{name}", pool="{where}", team="{team}"}}', "value": usd}
        for name, (usd, where, team) in expected.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": "1+0x10"} for name in series],
        "promql_expr_test": [
            {
                "expr": "sum by (model, pool, team) (vllm_on_eks:usd_per_hour)",
                "eval_time": "5m",
                "exp_samples": costs,
            },
            {
                "expr": "sum(vllm_on_eks:node_usd_per_hour)",
                "eval_time": "5m",
                "exp_samples": [{"labels": "{}", "value": 2 * 0.8048 + 5.672}],
            },
        ],
    }
    path = folder / "cost.test.yaml"
    document = {"rule_files": [str(rules)], "evaluation_interval": "1m", "fuzzy_compare": True, "tests": [test]}
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000), encoding="utf-8")
    return path
