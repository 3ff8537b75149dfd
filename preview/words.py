"""Words and figures that every format writes the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from planning.units import amount, numbered
from preview.report_model import Change, Step, Update
from preview.report_parts import Fit, ModelPart, PoolNodesPart, RoomPart, StartPart

MARKS = {"created": "+", "changed": "~", "replaced": "±", "deleted": "-"}


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


def counted(changes: list[Change]) -> str:
    """`2 created, 1 replaced`, of what is not only a component's shell."""
    counts = {action: sum(change["action"] == action for change in changes) for action in MARKS}
    parts = [f"{count} {action}" for action, count in counts.items() if count]
    return ", ".join(parts) or "nothing changes"


def duration(seconds: float) -> str:
    """`55 s`, `10.5 min`."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def canary_words(steps: Sequence[tuple[int, int]]) -> list[str]:
    """What is said of a rollout by its steps: share of new pods, %, and how long they are observed, s."""
    shares = ", ".join(f"{weight} % for {duration(seconds)}" for weight, seconds in steps)
    told = [f"canary: {shares}, then all; Argo Rollouts goes back where its limits are passed"]
    return [*told, "the update does not wait for it"] if steps else []


def lasts(low: float | None, high: float | None) -> str:
    """`8.0 min to 30.0 min`, `20 s or more`; nothing where it is not known, or too short to tell."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"{duration(low or 0)} or more"
    return duration(high) if low is None or low == high else f"{duration(low)} to {duration(high)}"


def step_line(step: Step) -> str:
    """`2–4 nodes of l4 roll: 12.0 min to 50.0 min; 1 at once, new ones first`."""
    verbs = {"in place": "in place", "rolls": "rolling", "replaced": "replaced"}
    parts = [f"{step['what']}, {verbs.get(step['how'], step['how'])}"]
    parts += [time] if (time := lasts(step["low_seconds"], step["high_seconds"])) else []
    parts += step["words"]
    parts += [f"nothing serves {a['model']} for {lasts(a['low_seconds'], a['high_seconds'])}" for a in step["away"]]
    return "; ".join(parts)


def update_line(update: Update) -> str:
    """How long it takes in all."""
    return f"How it goes on ({lasts(update['low_seconds'], update['high_seconds'])})"


def gpu_words(gpu: str | None, share: str | None) -> str:
    """`L4`, `L4 (1/2 by mps)`, of a model or of a pool."""
    return str(gpu).upper() + (f" ({share})" if share else "")


def fit_parts(fit: Fit) -> tuple[tuple[str, float], ...]:
    """What fills a GPU's memory, in GiB, in the order in which it is drawn."""
    return (
        ("weights", fit["weights_gib_per_gpu"] or 0.0),
        ("activations", fit["activation_gib"] or 0.0),
        ("reserve", fit["reserve_gib"] or 0.0),
        ("KV cache", fit["kv_cache_gib_per_gpu"] or 0.0),
    )


def fit_line(model: ModelPart) -> str:
    """What the bar shows, in words."""
    fit = model["fit"]
    if fit["fits"] is None:
        return "not in the table: memory is not checked"
    verdict = "fits" if fit["fits"] else "does not fit"
    gpu, tokens = gpu_words(model["gpu"], model["gpu_share"]), amount(fit["kv_cache_tokens"] or 0, "token")
    at_once = amount(fit["max_concurrency"] or 0, "request", spec="g")
    return (
        f"{verdict} {model['gpus_per_replica']} × {gpu}: {tokens} of KV cache, {at_once} of "
        f"{amount(model['max_model_len'], 'token')} at once, longest {fit['longest_model_len']:,}"
    )


def other_image(pool: PoolNodesPart) -> str | None:
    """Image and release of a pool that runs another one than AL2023."""
    return None if pool["image"].startswith("AL2023") else pool["image"]


def pool_notes(pool: PoolNodesPart) -> list[str]:
    """What is not as in most pools: shared GPUs, another image."""
    return [note for note in (pool.get("sharing"), other_image(pool)) if note]


def node_line(pool: PoolNodesPart) -> str:
    """Where the size of one of a pool's nodes goes, and what nothing will use; nothing where that is not known."""
    node = pool.get("node")
    if not node:
        return ""
    parts = [
        f"{name} {_room(room)}"
        for name, room in (("kubelet and system keep", node["system"]), ("daemons", node["daemons"]))
    ]
    sentence = f"of {_room(node['total'])} of a {node['instance_type']}, {', '.join(parts)}"
    if node["images_mib"]:
        sentence += f", images about {node['images_mib'] / 1024:.0f} GiB of disk"
    left = pool["stranded"]
    if left and any(left.values()):
        gpus = amount(left["gpus"], "GPU share" if pool.get("sharing") else "GPU")
        sentence += f"; stranded on all nodes at most replicas: {gpus}, {_room(left)}"
    return sentence


def spare_line(pool: PoolNodesPart) -> str:
    """What a pool's spare nodes cost and bring; nothing where it has none."""
    spare = pool.get("spare")
    if not spare:
        return ""
    price = "at an unknown price" if spare["usd_per_month"] is None else f"{usd(spare['usd_per_month'], 0)} a month"
    sentence = f"{amount(spare['nodes'], 'spare node')}: {price}"
    if spare["seconds"] is None or spare["without_seconds"] is None:
        return sentence
    there, bought = (f"{low:.0f}–{high:.0f} s" for low, high in (spare["seconds"], spare["without_seconds"]))
    return f"{sentence}; a new replica in {there}, on a node that has to come in {bought}"


def _room(room: RoomPart) -> str:
    disk = f", {room['ephemeral_mib'] / 1024:.0f} GiB disk" if room["ephemeral_mib"] else ""
    return f"{room['cpu_millicores'] / 1000:.1f} CPU, {room['memory_mib'] / 1024:.1f} GiB memory{disk}"


def scaling_line(model: ModelPart) -> str:
    """When replicas come and go."""
    scaling, cold = model["scaling"], model["cold_start_seconds"]
    replicas = numbered(span(scaling["min_replicas"], scaling["max_replicas"]), "replica")
    start = f"cold start {_range(cold)}"
    if new_node := cold["on_new_node"]:
        start += f", on a new node {_range(new_node)}"
    if scaling["min_replicas"] == scaling["max_replicas"]:
        return f"{replicas}, fixed; {start}"
    targets = " and ".join(_target(metric) for metric in scaling["metrics"])
    down = f", down after {duration(scaling['scale_down']['window_seconds'])}"
    zero = scaling.get("zero")
    idle = f", none after {duration(zero['idle_seconds'])} without requests" if zero else ""
    planned = f", {amount(len(scaling['schedules']), 'schedule')}" if scaling.get("schedules") else ""
    owner = {"hpa": "HPA", "keda": "KEDA", "backend": "the backend"}[scaling["kind"]]
    return f"{replicas} by {owner} on {targets}{planned}{down}{idle}; {start}"


def _range(ends: StartPart) -> str:
    """`55 s to 10.5 min`."""
    return f"{duration(ends['low'])} to {duration(ends['high'])}"


def _target(metric: dict[str, Any]) -> str:
    """`demand`, which is in replicas itself; `queueDepth (5 requests waiting per replica)`."""
    if metric["unit"] == "replicas":
        return str(metric["kind"])
    per = " per replica" if metric["value_type"] == "AverageValue" else ""
    target, unit = f"{metric['target']:g}", str(metric["unit"])
    if target == "1":
        unit = re.sub(r"^(\w+)s(?= |$)", r"\1", unit)
    return f"{metric['kind']} ({target} {unit}{per})"


def throughput_line(model: ModelPart) -> str:
    """What one replica does at most, or nothing where that is not known."""
    rates = model["throughput"]
    if rates is None:
        return ""
    lengths = "" if rates["declared"] else ", usual ones"
    tokens = amount(rates["input_tokens"], "token")
    slo = f"{rates['slo_requests_per_second']:.2g} with {rates['slo_share']:.0%} in SLO"
    return (
        f"at most {rates['requests_per_second']:.2g} requests/s per replica ({tokens} in, "
        f"{rates['output_tokens']:,} out{lengths}), {rates['output_tokens_per_second']:,.0f} tokens/s out, "
        f"{rates['time_per_output_token_seconds'] * 1000:.0f} ms per token, limited by {rates['limited_by']}; {slo}; "
        f"alone {rates['idle_time_to_first_token_seconds']:.2g} s to the first token; all to a factor "
        f"{rates['range_factor']:g}"
    )
