"""The policies, run over what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from planning.prepare import Prepared
from policies.judge import judge, waiver_problems
from policies.rule import Circumstances, Resource
from preview.report_model import ResourcePart
from settings.findings import Finding


def of_policies(
    prepared: Prepared, resources: Sequence[ResourcePart], circumstances: Circumstances, today: date
) -> list[Finding]:
    """What the policies say of the recorded registrations, and of the stack's waivers."""
    settings = prepared.loaded.settings
    waivers = settings.waivers if settings else ()
    seen = [Resource(resource["type"], resource["name"], resource["urn"], resource["inputs"]) for resource in resources]
    judged = judge(seen, circumstances, waivers, today)
    return [*waiver_problems(waivers, today), *(judgement.finding for judgement in judged)]
