"""Policies that a stack sets aside for a while."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from settings.findings import WrongValue
from settings.names import RuleId, Sentence
from settings.types import Section, described


def _day(value: Any) -> Any:
    """A day without quotes reaches a program as `2026-12-31 00:00:00 +0000 UTC` (measured with pulumi 3.258.0)."""
    if not isinstance(value, str):
        raise WrongValue("not a day", "write for example 2027-03-31")
    day = re.sub(r"[T ]00:00:00(Z| \+0000 UTC)$", "", value)
    try:
        return date.fromisoformat(day) if len(day) == 10 else _not_a_day()
    except ValueError:
        return _not_a_day()


def _not_a_day() -> Any:
    raise WrongValue("not a day", "write for example 2027-03-31") from None


Day = Annotated[date, BeforeValidator(_day), Field(json_schema_extra={"description": "a day, for example 2027-03-31"})]


class Waiver(Section):
    """A policy that does not count for this stack until a day. What it finds is still shown."""

    rule: RuleId = described("id of the policy, e.g. image-pinned")
    reason: Sentence = described("why the stack may do without it", min_length=8, max_length=500)
    expires: Day = described("the last day on which the waiver holds; afterwards it is an error")
