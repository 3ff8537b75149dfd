"""What the autoscaling dashboard is to show of a cluster that holds more than our models, as promtool's tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from components.cluster.dashboards import HERE

COST = "vllm_on_eks:usd_per_hour"
HPA = "kube_horizontalpodautoscaler"
# chat runs, big is scaled by KEDA and has no pod. Beside them somebody else's, in our namespace and in another.
SERIES = {
    f'{COST}{{namespace="models",model="chat",pool="l4",team="none"}}': 1,
    f'{COST}{{namespace="models",model="big",pool="l4",team="none"}}': 0,
    'kube_deployment_status_replicas_available{namespace="models",deployment="chat"}': 2,
    'kube_deployment_status_replicas_available{namespace="models",deployment="big"}': 0,
    'kube_deployment_status_replicas_available{namespace="models",deployment="gateway"}': 3,
    'kube_deployment_status_replicas_available{namespace="monitoring",deployment="chat"}': 4,
    'kube_deployment_status_replicas_available{namespace="gpu-operator",deployment="gpu-operator"}': 1,
    'kube_pod_info{namespace="models",pod="chat-7d9f8b6c5d-x2x4z",node=""}': 1,
    'kube_pod_info{namespace="models",pod="chat-7d9f8b6c5d-22222",node="a"}': 1,
    'kube_pod_info{namespace="models",pod="chat-large-7d9f8b6c5d-22222",node=""}': 1,
    'kube_pod_info{namespace="models",pod="gateway-7d9f8b6c5d-22222",node=""}': 1,
    'kube_pod_info{namespace="models",pod="big-download-zz4b5",node=""}': 1,
    'kube_pod_info{namespace="kube-system",pod="coredns-7d9f8b6c5d-22222",node=""}': 1,
    'kube_node_labels{node="a",label_vllm_on_eks_pool="l4"}': 1,
    'kube_node_labels{node="b",label_vllm_on_eks_pool="system"}': 1,
    'kube_node_labels{node="c"}': 1,
    **{
        f'{HPA}_{kind}{{namespace="{namespace}",horizontalpodautoscaler="{name}"{more}}}': value
        for kind, more in (
            ("status_desired_replicas", ""),
            ("spec_max_replicas", ""),
            ("spec_min_replicas", ""),
            ("status_target_metric", ',metric_name="m"'),
            ("spec_target_metric", ',metric_name="m"'),
        )
        for namespace, name, value in (
            ("models", "chat", 2),
            ("models", "keda-hpa-big", 5),
            ("models", "gateway", 3),
            ("web", "chat", 7),
        )
    },
}
SCALER = "{{horizontalpodautoscaler}}"
OURS = {
    SCALER: {'horizontalpodautoscaler="chat"': 2, 'horizontalpodautoscaler="keda-hpa-big"': 5},
    "{{deployment}} ready": {'deployment="chat"': 2, 'deployment="big"': 0},
    "{{model}}": {'model="chat"': 1, 'model="big"': 0},
    "{{label_vllm_on_eks_pool}}": {'label_vllm_on_eks_pool="l4"': 1, 'label_vllm_on_eks_pool="system"': 1},
}


def targets() -> list[dict[str, Any]]:
    """Queries of the autoscaling dashboard over what the cluster, not vLLM, tells."""
    panels = json.loads((HERE / "autoscaling.json").read_text(encoding="utf-8"))["panels"]
    return [target for panel in panels for target in panel["targets"] if re.search(r"\bkube_", target["expr"])]


def _expected(legend: str) -> list[dict[str, Any]]:
    """What a query with that legend is to answer."""
    values = OURS[SCALER if legend.startswith(SCALER) else legend]
    metric = ',metric_name="m"' if "metric_name" in legend else ""
    return [{"labels": "{" + label + metric + "}", "value": value} for label, value in values.items()]


def _asked(target: dict[str, Any]) -> dict[str, Any]:
    """The query with every variable at All, summed to what its legend shows."""
    legend = target["legendFormat"]
    shown = ",".join(re.findall(r"{{(\w+)}}", legend))
    expr = re.sub(r"\$(namespace|model)\b", ".*", target["expr"])
    return {"expr": f"sum by ({shown}) ({expr})", "eval_time": "1m", "exp_samples": _expected(legend)}


def write_panels_test(folder: Path) -> Path:
    """promtool's test of every such query."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value}x2"} for name, value in SERIES.items()],
        "promql_expr_test": [_asked(target) for target in targets()],
    }
    path = folder / "panels.test.yaml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}, width=1000), encoding="utf-8")
    return path
