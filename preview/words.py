"""Words and figures that every format writes the same way."""

from __future__ import annotations

import json
from typing import Any

MARKS = {"created": "+", "changed": "~", "replaced": "±", "deleted": "-"}
FIT_PARTS = (
    ("weights", "weights_gib_per_gpu"),
    ("activations", "activation_gib"),
    ("reserve", "reserve_gib"),
    ("KV cache", "kv_cache_gib_per_gpu"),
)


def span(low: float, high: float) -> str:
    """`2` or `2–4`."""
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def usd(value: float | None, digits: int = 2) -> str:
    """`$1,234.50`; a dash where the price is not known."""
    return "–" if value is None else f"${value:,.{digits}f}"


def signed_usd(before: float | None, after: float | None, digits: int = 2) -> str:
    """`+$1.20`, `−$0.30`, `±0`."""
    if before is None or after is None:
        return "unknown"
    difference = after - before
    if abs(difference) < 0.5 * 10**-digits:
        return "±0"
    return f"{'+' if difference > 0 else '−'}${abs(difference):,.{digits}f}"


def short(value: Any, most: int = 90) -> str:
    """A value in one line; JSON, but text without quotes; `(none)` where there was none."""
    text = "(none)" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def kind(type_: str) -> str:
    """`aws eks NodeGroup` of `aws:eks/nodeGroup:NodeGroup`, `Deployment` of a Kubernetes type."""
    package, _, rest = type_.partition(":")
    name = rest.rsplit(":", 1)[-1]
    module = rest.split(":")[0].split("/")[0]
    if package == "aws":
        return f"aws {module} {name}"
    return f"{name} provider" if type_.startswith("pulumi:providers:") else name


def counted(changes: list[dict[str, Any]]) -> str:
    """`2 created, 1 replaced`, of what is not only a component's shell."""
    counts = {action: sum(each["action"] == action for each in changes) for action in MARKS}
    told = [f"{count} {action}" for action, count in counts.items() if count]
    return ", ".join(told) or "nothing changes"


def duration(seconds: float) -> str:
    """`55 s`, `10.5 min`."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def fit_line(model: dict[str, Any]) -> str:
    """What the bar shows, in words."""
    fit = model["fit"]
    if fit["fits"] is None:
        return "not in the table: memory is not checked"
    verdict = "fits" if fit["fits"] else "does not fit"
    return (
        f"{verdict} {model['gpus_per_replica']} × {str(model['gpu']).upper()}: {fit['kv_cache_tokens']:,} tokens of KV "
        f"cache, {fit['max_concurrency']:g} requests of {model['max_model_len']:,} tokens at once, longest "
        f"{fit['longest_model_len']:,}"
    )


def scaling_line(model: dict[str, Any]) -> str:
    """When replicas come and go."""
    scaling, cold = model["scaling"], model["cold_start_seconds"]
    replicas = span(scaling["min_replicas"], scaling["max_replicas"])
    start = f"cold start {duration(cold['low'])} to {duration(cold['high'])}"
    if scaling["min_replicas"] == scaling["max_replicas"]:
        return f"{replicas} replicas, fixed; {start}"
    target = scaling.get("average_value")
    metric = (scaling.get("metric") or {}).get("series", "its metric")
    down = scaling.get("scale_down") or {}
    after = f", down after {duration(down['window_seconds'])}" if "window_seconds" in down else ""
    return f"{replicas} replicas, one more above {target} × {metric} per replica{after}; {start}"


def throughput_line(model: dict[str, Any]) -> str:
    """What one replica does at most, or nothing where that is not known."""
    rates = model["throughput"]
    if rates is None:
        return ""
    return (
        f"at most {rates['requests_per_second']:.2g} requests/s per replica ({rates['input_tokens']:,} tokens in, "
        f"{rates['output_tokens']:,} out), {rates['output_tokens_per_second']:,.0f} tokens/s out, "
        f"{rates['time_per_output_token_seconds'] * 1000:.0f} ms per token; limited by {rates['limited_by']}"
    )
