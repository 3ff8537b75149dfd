"""What the traffic and the money come to, in words that every format writes the same way."""

from __future__ import annotations

from planning.units import amount, numbered
from preview.report_parts import BudgetPart, Cost, ModelPart
from preview.words import span, usd

LEVELS = "▁▂▃▄▅▆▇█"
POINTS_PER_CELL = 4
BUDGET_CELLS = 40


def traffic_line(model: ModelPart) -> str:
    """The declared traffic and what replicas would do on it; nothing where none is declared."""
    traffic = model["traffic"]
    if traffic is None:
        return ""
    asked = f"meant for {traffic['requests_per_second']:g} requests/s in the busiest hour, {traffic['shape']}"
    simulated = traffic["simulated"]
    if simulated is None:
        return f"{asked}; not simulated: nothing is known of its throughput"
    replicas = simulated["weekday"]["replicas"]
    money = f" and {usd(simulated['usd_per_month'], 0)}" if simulated["usd_per_month"] is not None else ""
    seen = numbered(span(min(replicas), max(replicas)), "replica")
    sentence = (
        f"{asked}; simulated ({simulated['method']}): {seen} on a weekday, "
        f"{simulated['slo_share']:.1%} of requests in SLO (promised {traffic['slo']['share']:.1%}), "
        f"{amount(simulated['gpu_hours_per_month'], 'GPU-hour')}{money} a month"
    )
    if simulated["replicas_wanted"] > simulated["max_replicas"]:
        sentence += (
            f"; the policy would want {simulated['replicas_wanted']}, maxReplicas is {simulated['max_replicas']}"
        )
    return sentence


def day_lines(model: ModelPart) -> list[str]:
    """Requests and replicas by the hour of a weekday as rows of blocks; none without a picture."""
    traffic = model["traffic"]
    if traffic is None or traffic["simulated"] is None:
        return []
    day = traffic["simulated"]["weekday"]
    rates, replicas = _by_hour(day["requests_per_second"]), _by_hour(day["replicas"])
    return [
        f"requests/s  {_levels(rates)}  {min(rates):.2g}–{max(rates):.2g}",
        f"replicas    {_levels(replicas)}  {span(min(day['replicas']), max(day['replicas']))}",
        f"            {'0':<6}{'6':<6}{'12':<6}{'18':<6}o'clock, a weekday, simulated",
    ]


def _by_hour(values: list[float]) -> list[float]:
    cells = range(0, len(values), POINTS_PER_CELL)
    return [sum(values[start : start + POINTS_PER_CELL]) / POINTS_PER_CELL for start in cells]


def _levels(values: list[float]) -> str:
    most = max([*values, 1e-9])
    return "".join(LEVELS[min(len(LEVELS) - 1, int(value / most * len(LEVELS)))] for value in values)


def model_cost_line(cost: Cost, model: ModelPart) -> str:
    """A model's part of the bill; nothing where the cost plan has none."""
    costs = [
        model_cost
        for model_cost in cost["models"]
        if (model_cost["name"], model_cost["namespace"]) == (model["name"], model["namespace"])
    ]
    if not costs:
        return ""
    part = costs[0]
    if part["usd_per_month_max"] is None:
        return "cost not known: no price in the table"
    low, high = usd(part["usd_per_month_min"], 0), usd(part["usd_per_month_max"], 0)
    sentence = f"{low}–{high} a month: its share of pool {part['pool']}, by GPUs"
    tokens = [
        f"{usd(price, 2)} {words}"
        for price, words in (
            (part["usd_per_million_tokens_at_traffic"], "at its traffic"),
            (part["usd_per_million_tokens_saturated"], "saturated"),
        )
        if price is not None
    ]
    return f"{sentence}; per million tokens {' and '.join(tokens)}" if tokens else sentence


def spot_line(cost: Cost) -> str:
    """What spot may make of the month; nothing without spot pools."""
    spot = cost["usd_per_month_on_spot"]
    if spot is None:
        return ""
    sources = "; ".join(dict.fromkeys(pool["spot"]["source"] for pool in cost["pools"] if pool["spot"]))
    return (
        f"on spot {usd(spot['min_low'], 0)}–{usd(spot['min_high'], 0)} a month at least, "
        f"{usd(spot['max_low'], 0)}–{usd(spot['max_high'], 0)} at most ({sources})"
    )


def budget_line(cost: Cost) -> str:
    """How much of the budget the ceiling takes; nothing without a budget."""
    budget = cost["budget"]
    if budget is None:
        return ""
    return (
        f"{budget['used_min']:.0%} at least and {budget['used_max']:.0%} at most of the budget of {budget['written']}"
    )


def budget_bar(budget: BudgetPart) -> str:
    """The budget as a bar: floor, ceiling, rest."""
    floor = min(BUDGET_CELLS, round(BUDGET_CELLS * budget["used_min"]))
    ceiling = min(BUDGET_CELLS, max(floor, round(BUDGET_CELLS * budget["used_max"])))
    bar = "█" * floor + "▒" * (ceiling - floor)
    return f"▕{bar:·<{BUDGET_CELLS}}▏ █ at least  ▒ at most  · left of {budget['written']}"
