"""The one table of `make scan`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from planning.units import amount
from policies.scanned import CHECKOV_GOAL, KUBE_SCORE_GOAL, Explanation, ScanFinding, explained, stale
from preview.scan_objects import SHARED, ScannedStack

GOALS = {"checkov": CHECKOV_GOAL, "kube-score": KUBE_SCORE_GOAL}
WIDTH_IN_LOGS = 140
Found = Mapping[str, Sequence[ScanFinding]]


def show(stacks: Sequence[ScannedStack], findings: Found, table: Sequence[Explanation]) -> bool:
    """Prints counts and findings; whether all is explained and within the goals."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_LOGS)
    fine = _counts(console, stacks, findings)
    unexplained = _findings(console, stacks, findings, table)
    everything = [finding for one in findings.values() for finding in one]
    for row in stale(everything, table):
        console.print(
            f"stale here: {row.tool} {row.check} {row.object} is explained, but no scanner reports it", markup=False
        )
    if unexplained:
        console.print(
            f"{amount(unexplained, 'finding is', 'findings are')} not explained in policies/explained_findings.csv",
            markup=False,
        )
    return fine and not unexplained


def _counts(console: Console, stacks: Sequence[ScannedStack], findings: Found) -> bool:
    """One line for each model: failed checks of checkov, criticals of kube-score, the namespace's Pod Security."""
    fine = True
    for stack in stacks:
        counted = Counter(
            (stack.owners[finding.object], finding.tool) for finding in findings[stack.name] if finding.counts
        )
        for group in stack.groups():
            numbers = ", ".join(
                f"{tool} {counted[group, tool]}" + (f" (at most {goal})" if group in stack.models else "")
                for tool, goal in GOALS.items()
            )
            level = stack.pod_security.get(group)
            within = all(counted[group, tool] <= goal for tool, goal in GOALS.items())
            met = group == SHARED or (level == "restricted" and (within or group not in stack.models))
            fine = fine and met
            pod_security = f", Pod Security {level}" if level else ""
            console.print(
                f"{stack.name} {group}: {numbers}{pod_security}{'' if met else '  MISSES THE GOAL'}", markup=False
            )
    return fine


def _findings(console: Console, stacks: Sequence[ScannedStack], findings: Found, table: Sequence[Explanation]) -> int:
    """The table, each kind of finding once with the objects that have it; how many findings are not explained."""
    rows: dict[tuple[str, str], list[str]] = {}
    unexplained = 0
    for stack in stacks:
        for finding in findings[stack.name]:
            row = explained(finding, table)
            unexplained += row is None
            what = f"{finding.tool} {finding.check}{'' if finding.counts else ' (warning)'}\n{finding.message}"
            why = f"{row.explanation} ({row.date}, {row.source})" if row else "NOT EXPLAINED"
            place = f"{stack.name} {finding.object}{f', {finding.where}' if finding.where else ''}"
            places = rows.setdefault((what, why), [])
            if place not in places:
                places.append(place)
    shown = Table(show_lines=True, expand=True)
    shown.add_column("finding", ratio=3, overflow="fold")
    shown.add_column("where", ratio=3, overflow="fold")
    shown.add_column("why it remains", ratio=5, overflow="fold")
    for (what, why), places in sorted(rows.items()):
        shown.add_row(Text(what), Text("\n".join(places)), Text(why))
    console.print(shown)
    return unexplained
