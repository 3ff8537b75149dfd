"""Whether a stack's ceiling is under its budget. The plan refuses by this; the policy pack asks the same question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from planning.findings import Findings
from planning.model import AnomalyPlan, BillTopicPlan, BudgetPlan, CostPlan, PoolCost, SpendingPlan, Tags
from planning.units import HOURS_PER_MONTH

if TYPE_CHECKING:  # the policy pack has no settings, it reads the stack file's section as it is written
    from settings.demand import AnomalySettings, Budget

# Half a cent an hour: sums are rounded.
_ROUNDING_USD_PER_HOUR = 0.005
# What tells a stack's bill from another's. AWS counts what carries one of the values of a filter.
STACK_TAGS = ("stack",)
_HOURS_PER_DAY = 24
# A threshold is above 0; the smallest amount there is.
_LEAST_ANOMALY_USD = 0.01


@dataclass(frozen=True)
class BudgetPool:
    """A pool whose nodes can be fewer: where it is written, its cost, and its numbers of nodes."""

    path: str
    cost: PoolCost
    min_nodes: int
    max_nodes: int


def budget_of(usd_per_hour: float | None, usd_per_month: float | None) -> BudgetPlan | None:
    """The tighter of the two amounts, by the hour; None where there is none. A month has 730 hours."""
    amounts = []
    if usd_per_hour is not None:
        amounts.append(BudgetPlan(usd_per_hour, f"${usd_per_hour:,.2f} an hour"))
    if usd_per_month is not None:
        amounts.append(BudgetPlan(usd_per_month / HOURS_PER_MONTH, f"${usd_per_month:,.0f} a month"))
    return min(amounts, key=lambda pool: pool.usd_per_hour, default=None)


def excess(max_usd_per_hour: float, budget: BudgetPlan) -> str | None:
    """What a ceiling above its budget is told, or None where it is within."""
    if max_usd_per_hour <= budget.usd_per_hour + _ROUNDING_USD_PER_HOUR:
        return None
    month = max_usd_per_hour * HOURS_PER_MONTH
    return f"${max_usd_per_hour:,.2f} an hour (${month:,.0f} a month) at most nodes; the budget is {budget.written}"


def check_budget(
    written: Budget | None, cost: CostPlan, pools: Iterable[BudgetPool], findings: Findings
) -> BudgetPlan | None:
    """Refuses a ceiling above the budget and says which pool's maxNodes would bring it under."""
    if written is None:
        return None
    budget = budget_of(written.usd_per_hour, written.usd_per_month)
    if budget is None:
        return None
    over = excess(cost.max_usd_per_hour, budget)
    if over is not None:
        by_hour = written.usd_per_hour is not None and written.usd_per_hour == budget.usd_per_hour
        path = "budget.usdPerHour" if by_hour else "budget.usdPerMonth"
        findings.error(path, "budget", over, _remedy(cost, budget, sorted(pools, key=_dearest)))
    return budget


def plan_spending(
    written: Budget | None,
    budget: BudgetPlan | None,
    cost: CostPlan,
    tags: Tags,
    topic: BillTopicPlan | None,
    findings: Findings,
) -> SpendingPlan | None:
    """The AWS Budget, where notifications are wanted: of the written amount, else of the stack's own ceiling."""
    if written is None or written.notify is None:
        return None
    notify = written.notify
    amount = budget.usd_per_hour if budget is not None else cost.max_usd_per_hour
    return SpendingPlan(
        round(amount * HOURS_PER_MONTH, 2),
        tuple(f"user:{key}${tags[key]}" for key in STACK_TAGS),
        notify.emails,
        notify.at_percent,
        notify.forecast,
        _plan_anomalies(notify.anomalies, amount, tags, findings),
        topic,
    )


def _plan_anomalies(
    written: AnomalySettings | None, usd_per_hour: float, tags: Tags, findings: Findings
) -> AnomalyPlan | None:
    """The monitor of unlike cost; a warning where it may see nothing yet."""
    if written is None:
        return None
    (key,) = STACK_TAGS
    of_stack = written.scope == "stack"
    if of_stack and not written.tag_activated:
        findings.warning(
            "budget.notify.anomalies.tagActivated",
            "anomaly-tag",
            f"AWS sees no cost of the tag {key} until it is a cost allocation tag, and makes monitors of a tag in the "
            "organization's management account only",
            f"activate {key} there once (Billing, Cost allocation tags; up to 24 hours) and write tagActivated: true; "
            "in any other account write scope: account",
        )
    usd = round(max(usd_per_hour * _HOURS_PER_DAY * written.percent_of_day / 100, _LEAST_ANOMALY_USD), 2)
    return AnomalyPlan(usd, (key, tags[key]) if of_stack else None)


def _dearest(pool: BudgetPool) -> float:
    return -(pool.cost.max_usd_per_hour or 0.0)


def _remedy(cost: CostPlan, budget: BudgetPlan, pools: list[BudgetPool]) -> str:
    """One pool that can give enough, dearest first; else all of them, or that nothing will do."""
    over = cost.max_usd_per_hour - budget.usd_per_hour
    ways, least = [], cost.max_usd_per_hour
    for pool in pools:
        if pool.cost.max_usd_per_hour is None or not pool.max_nodes:
            continue
        usd_per_node = pool.cost.max_usd_per_hour / pool.max_nodes
        nodes = floor((pool.cost.max_usd_per_hour - over) / usd_per_node + 1e-9)
        if pool.min_nodes <= nodes < pool.max_nodes and nodes >= 1:
            ways.append(f"{pool.path}.maxNodes: {nodes} ({pool.cost.name}: ${usd_per_node:.2f} per node and hour)")
        least -= (pool.max_nodes - max(1, pool.min_nodes)) * usd_per_node
    if ways:
        return f"lower {' or '.join(ways)}, or raise the budget"
    if pools and least <= budget.usd_per_hour:
        return f"lower maxNodes of {', '.join(pool.cost.name for pool in pools)} together, or raise the budget"
    return f"even at fewest nodes it is ${cost.min_usd_per_hour:,.2f} an hour: take smaller nodes, or raise the budget"
