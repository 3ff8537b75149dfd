"""A small report for renderers, so that their goldens do not move with every figure of planning."""

from __future__ import annotations

from typing import Any

from preview.document import empty, finished
from settings.findings import Finding, Severity

EVIL = "<script>alert(1)</script> [x](http://evil) @team | `code` ![i](http://evil/x.png)"


def document() -> dict[str, Any]:
    """One model, one pool, one change of each kind."""
    made = empty("dev") | {
        "region": "us-east-1",
        "headline": "dev: 1 model (qwen) on 1–2 × L4, $1.40–2.63 per hour ($1,018–1,922 a month)",
        "against": {"revision": "main", "commit": "0123456789abcdef", "problem": None, "cost": _money(0.9)},
        "gpus": [{"gpu": "l4", "min": 1, "max": 2}],
        "models": [_model()],
        "nodes": [_pool()],
        "cost": {
            **_money(1.0),
            "lines": [
                {"what": "nodes of l4", "min_usd_per_hour": 0.98, "max_usd_per_hour": 1.96, "source": "list price"},
                {"what": "cache volume", "min_usd_per_hour": None, "max_usd_per_hour": None, "source": "not known"},
            ],
            "pools": [{"pool": "l4", **_money(0.7), "spot": {
                "min_low_usd_per_hour": 0.28, "min_high_usd_per_hour": 0.5, "max_low_usd_per_hour": 0.56,
                "max_high_usd_per_hour": 1.0, "source": "g6: 51 to 72 % off in us-east-2, 2026-08-10"}}],
            "models": [{"name": "qwen", "namespace": "models", "pool": "l4", **_money(0.7),
                        "usd_per_million_tokens_at_traffic": 0.41, "usd_per_million_tokens_saturated": 0.08,
                        "mean_replicas_at_traffic": 1.5}],
            "usd_per_month_on_spot": {"min_low": 510.0, "min_high": 670.0, "max_low": 900.0, "max_high": 1220.0},
            "budget": {"usd_per_hour": 2.7397, "usd_per_month": 2000.0, "written": "$2,000 a month",
                       "used_min": 0.509, "used_max": 0.961},
        },
        "changes": _changes(),
        "rollout": _update(),
        "quotas": [
            {"code": "L-DB2E81BA", "service": "ec2", "name": "Running On-Demand G and VT instances", "needed": 16,
             "unit": "vCPU", "account_default": 0, "used_by": ["2 × g6.2xlarge (l4)"]},
        ],
        "images": ["vllm/vllm-openai:v0.33.0"],
        "charts": [{"chart": "gpu-operator", "version": "v26.7.0", "repository": "https://helm.ngc.nvidia.com/nvidia"}],
        "resources": _resources(),
        "resource_counts": {"aws:eks/nodeGroup:NodeGroup": 1},
        "outputs": {"kubeconfig": "[unknown]"},
    }  # fmt: skip
    findings = [
        Finding(
            "models[0].image.digest",
            "image-digest",
            Severity.WARNING,
            "a tag can be moved",
            "write what `crane` prints",
        ),
        Finding(
            "waivers[0].expires", "waiver", Severity.ERROR, "the waiver of tags expired on 2026-11-30", "remove it"
        ),
    ]
    return finished(made, findings)


def _money(share: float) -> dict[str, Any]:
    figures = {
        "usd_per_hour_min": 1.4,
        "usd_per_hour_max": 2.63,
        "usd_per_month_min": 1018.0,
        "usd_per_month_max": 1922.0,
    }
    return {key: round(value * share, 2) for key, value in figures.items()}


def _model() -> dict[str, Any]:
    return {
        "name": "qwen", "namespace": "models", "model": "Qwen/Qwen2.5-7B-Instruct", "revision": "a" * 40,
        "source": f"hf://Qwen/Qwen2.5-7B-Instruct@{'a' * 40}", "pool": "l4",
        "gpu": "l4", "gpus_per_replica": 1, "gpu_share": None, "max_model_len": 8192,
        "fit": {"fits": True, "gpu_memory_gib": 22.0, "budget_gib": 19.8, "weights_gib_per_gpu": 14.2,
                "activation_gib": 0.3, "reserve_gib": 0.3, "kv_cache_gib_per_gpu": 4.8, "kv_cache_tokens": 90096,
                "max_concurrency": 11.0, "longest_model_len": 32768},
        "throughput": {"input_tokens": 1155, "output_tokens": 211, "declared": True, "concurrency": 46.0,
                       "requests_per_second": 2.5, "output_tokens_per_second": 527.5, "total_tokens_per_second": 3415.0,
                       "time_per_output_token_seconds": 0.0872, "limited_by": "memory bandwidth",
                       "slo_requests_per_second": 0.91, "slo_share": 0.99, "slo_share_alone": 1.0,
                       "idle_time_to_first_token_seconds": 0.265, "idle_time_per_output_token_seconds": 0.064,
                       "prefill_tokens_per_second": 4595.1, "replicas_needed": 3, "range_factor": 1.3},
        "traffic": _traffic(),
        "cold_start_seconds": {"low": 6.0, "high": 190.0, "terms": [
            {"name": "pull image", "low_seconds": 0, "high_seconds": 160, "source": "measured"},
            {"name": "compile", "low_seconds": 6, "high_seconds": 30, "source": "estimate"},
        ], "on_new_node": {"low": 96.0, "high": 340.0, "terms": [
            {"name": "node boot", "low_seconds": 90, "high_seconds": 150, "source": "estimate"},
        ]}},
        "scaling": {"kind": "hpa", "min_replicas": 1, "max_replicas": 2, "scale_down": {"window_seconds": 660},
                    "metrics": [{"kind": "demand", "target": 1.0, "unit": "replicas", "value_type": "AverageValue"}]},
    }  # fmt: skip


def _traffic() -> dict[str, Any]:
    hours = [0.4] * 7 + [0.6, 0.9, 1.2, 1.5, 1.8, 2.0, 2.0, 2.0, 2.0, 1.8, 1.5, 1.2, 0.9, 0.6, 0.4, 0.4, 0.4]
    rates = [rate for rate in hours for _ in range(4)]
    day = {"minutes": 15, "requests_per_second": rates, "replicas": [1 if rate < 1 else 2 for rate in rates],
           "slo_share": 0.93, "replica_hours": 36.0}  # fmt: skip
    return {
        "requests_per_second": 2.0, "input_tokens": 1155, "output_tokens": 211, "shape": "diurnal",
        "slo": {"time_to_first_token_seconds": 2.0, "time_per_output_token_seconds": 0.15, "share": 0.99},
        "simulated": {"method": "fluid, by the minute, replicas after the demand policy", "slo_share": 0.9321,
                      "gpu_hours_per_month": 1095, "usd_per_month": 1126.0, "replicas_wanted": 3, "max_replicas": 2,
                      "weekday": day, "weekend": day},
    }  # fmt: skip


def _pool() -> dict[str, Any]:
    room = {"gpus": 1, "cpu_millicores": 7715, "memory_mib": 29103, "ephemeral_mib": 179609}
    left = {"gpus": 0, "cpu_millicores": 415, "memory_mib": 2223, "ephemeral_mib": 155033}
    return {
        "pool": "l4", "instance_types": ["g6.2xlarge"], "capacity": "onDemand", "gpu": "l4", "gpus_per_node": 1,
        "min_nodes": 1, "max_nodes": 2, "room_per_node": room, "sharing": None, "spare": None, "advertised_per_node": 1,
        "image": "AL2023_x86_64_NVIDIA",
        "node": {"pool": "l4", "instance_type": "g6.2xlarge",
                 "total": {"gpus": 1, "cpu_millicores": 8000, "memory_mib": 32768, "ephemeral_mib": 204800},
                 "system": {"gpus": 0, "cpu_millicores": 90, "memory_mib": 3451, "ephemeral_mib": 25191},
                 "daemons": {"gpus": 0, "cpu_millicores": 195, "memory_mib": 214, "ephemeral_mib": 0},
                 "images_mib": 24576, "left": [{"nodes": 2, "gpus_used": 1, "pods_more": 0, "left": left}]},
        "stranded": {key: 2 * value for key, value in left.items()},
        "pods": [{"model": "qwen", **{key: room[key] - left[key] for key in room}}],
        "at_fewest": {"replicas": 1, "nodes": 1, "left": [{"nodes": 1, **left}]},
        "at_most": {"replicas": 2, "nodes": 2, "left": [{"nodes": 2, **left}]},
    }  # fmt: skip


def _changes() -> list[dict[str, Any]]:
    def change(action: str, name: str, fields: list[dict[str, Any]], reasons: list[str]) -> dict[str, Any]:
        urn = f"urn:pulumi:dev::vllm-on-eks::aws:ec2/vpc:Vpc::{name}"
        return {"action": action, "urn": urn, "type": "aws:ec2/vpc:Vpc", "name": name, "fields": fields,
                "reasons": reasons}  # fmt: skip

    field = {"path": "cidrBlock", "before": "10.0.0.0/16", "after": "10.1.0.0/16"}
    return [
        change("replaced", "vpc", [field], ["cidrBlock cannot be changed in place"]),
        change("deleted", "old", [], []),
        change("created", "new", [], []),
        change("changed", "tags", [{"path": "tags.token", "before": None, "after": "[secret]"}], []),
    ]


def _update() -> dict[str, Any]:
    def step(phase: str, what: str, how: str, low: int | None, high: int | None, *words: str, **more: Any) -> Any:
        return {"phase": phase, "what": what, "how": how, "urns": [], "low_seconds": low, "high_seconds": high,
                "words": list(words), "away": [], **more}  # fmt: skip

    away = [{"model": "qwen", "low_seconds": 120, "high_seconds": 700}]
    return {"steps": [step("nodes", "1–2 nodes of l4", "rolls", 240, 2100, "1 at once", away=away),
                      step("cluster", "chart gpu-operator: v1 → v2", "in place", 20, None, EVIL),
                      step("afterwards", "aws ec2 Vpc old", "deleted", None, None)],
            "low_seconds": 260, "high_seconds": 3000}  # fmt: skip


def _resources() -> list[dict[str, Any]]:
    stack = "urn:pulumi:dev::vllm-on-eks::pulumi:pulumi:Stack::vllm-on-eks-dev"
    component = "urn:pulumi:dev::vllm-on-eks::vllm-on-eks:index:GpuNodeGroup::l4"
    made = [{"urn": component, "type": "vllm-on-eks:index:GpuNodeGroup", "name": "l4", "parent": stack, "inputs": {}}]
    for name in ("a", "b"):
        made.append({"urn": f"urn:{name}", "type": "aws:eks/nodeGroup:NodeGroup", "name": name, "parent": component,
                     "inputs": {"minSize": 1}})  # fmt: skip
    return made
