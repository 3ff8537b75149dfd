"""Plots of the declared traffic and of the budget; the template draws them."""

from __future__ import annotations

from planning.units import amount, numbered
from preview.plots import WIDTH, Bar, Label, Plot
from preview.report_parts import Cost, CostLinePart, ModelPart
from preview.words import span, usd

DAY_HEIGHT = 120.0
HOURS = 24


def day_plot(model: ModelPart) -> Plot | None:
    """Requests (bars) and ready replicas (line) over a weekday; None without a picture."""
    traffic = model["traffic"]
    if traffic is None or traffic["simulated"] is None:
        return None
    day = traffic["simulated"]["weekday"]
    rates, replicas = day["requests_per_second"], day["replicas"]
    plot = Plot(DAY_HEIGHT + 44, f"A weekday of {model['name']}, simulated: requests and replicas")
    step, most = WIDTH / len(rates), max(1, *replicas)
    for index, (rate, count) in enumerate(zip(rates, replicas, strict=True)):
        hour = index * day["minutes"] / 60
        title = f"{int(hour):02}:{int(hour % 1 * 60):02}: {rate:.2g} requests/s, {amount(count, 'replica', spec='g')}"
        height = DAY_HEIGHT * rate / max(1e-9, *rates)
        plot.bars.append(Bar(index * step, DAY_HEIGHT - height, step - 0.5, height, "high", title))
        plot.bars.append(Bar(index * step, DAY_HEIGHT * (1 - 0.92 * count / most) - 1, step + 0.5, 3, "mark", title))
    for hour in range(0, HOURS, 6):
        plot.labels.append(Label(WIDTH * hour / HOURS, DAY_HEIGHT + 16, f"{hour} h", tone="muted"))
    caption = (
        f"bars: up to {max(rates):.2g} requests/s; line: {numbered(span(min(replicas), max(replicas)), 'replica')}"
    )
    plot.labels.append(Label(0, DAY_HEIGHT + 36, caption))
    return plot


def model_cost_lines(cost: Cost) -> list[CostLinePart]:
    """Models as the cost plot takes lines."""
    return [
        {
            "what": f"{model['name']} (pool {model['pool']})",
            "min_usd_per_hour": model["usd_per_hour_min"],
            "max_usd_per_hour": model["usd_per_hour_max"],
            "source": "share of the pool by GPUs",
        }
        for model in cost["models"]
    ]


def budget_plot(cost: Cost) -> Plot | None:
    """Floor and ceiling against the budget; None without one."""
    budget = cost["budget"]
    if budget is None:
        return None
    plot = Plot(58, f"Budget: {budget['written']}")
    plot.bars.append(Bar(0, 0, WIDTH, 24, "track", f"budget {budget['written']}"))
    for used, tone, words in ((budget["used_max"], "high", "at most"), (budget["used_min"], "low", "at least")):
        month = usd(budget["usd_per_month"] * used, 0)
        plot.bars.append(Bar(0, 0, WIDTH * min(1.0, used), 24, tone, f"{words} {month} a month"))
    plot.labels.append(Label(0, 44, f"{budget['used_min']:.0%} at least, {budget['used_max']:.0%} at most"))
    plot.labels.append(Label(WIDTH, 44, str(budget["written"]), "end", "muted"))
    return plot
