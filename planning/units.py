"""Conventions of the trade that several rooms count with."""

from __future__ import annotations

# AWS' own pricing pages and calculator count a month as 730 hours.
HOURS_PER_MONTH = 730
