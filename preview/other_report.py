"""What another revision's code printed, checked before anything is made of it: it may be anything."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planning.units import HOURS_PER_MONTH
from preview.masking import masked
from settings.documents import DocumentError, json_document

LONGEST_PROBLEM = 500
_MIB = 2**20


class _Printed(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class _Resource(_Printed):
    urn: str
    type: str
    name: str
    parent: str = ""
    inputs: dict[str, Any]
    provider: str = ""
    aliases: list[str] = []
    ignoreChanges: list[str] = []
    replaceOnChanges: list[str] = []
    dependencies: list[str] = []
    propertyDependencies: dict[str, list[str]] = {}
    deleteBeforeReplace: bool = False


class _Finding(_Printed):
    path: str
    message: str


class _Report(_Printed):
    """A report of a preview, or the few keys of a recording."""

    problem: str | None = None
    resources: list[_Resource] = Field(default=[], max_length=20_000)
    outputs: dict[str, Any] = {}
    findings: list[_Finding] = []
    cost: dict[str, Any] = {}


class NoReport(Exception):
    """What was printed is no report, or tells of a failure; one line."""


class NoJson(NoReport):
    """Nothing that can be read was printed."""


def read_report(output: bytes) -> dict[str, Any]:
    """The masked report; raises NoJson, NoReport."""
    try:
        document = json_document(output.decode("utf-8"), 32 * _MIB)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise NoJson("what it printed is no JSON") from None
    except DocumentError as error:
        raise NoJson(f"what it printed {error}") from None
    try:
        report = _Report.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NoReport(_short(f"what it printed is no report: {where}: {first['msg']}")) from None
    if report.problem is not None:
        raise NoReport(_short(f"its program fails: {report.problem}"))
    if not report.resources:
        errors = "; ".join(f"{finding.path}: {finding.message}" for finding in report.findings)
        raise NoReport(_short(f"its stack file cannot work: {errors or 'no resources'}"))
    made: dict[str, Any] = masked(_completed(document))
    return made


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """A recording without a report has its cost in the stack's outputs; amounts that are no numbers are unknown."""
    hour = document.get("outputs", {}).get("usdPerHour")
    if "cost" not in document and isinstance(hour, dict):
        low, high = _amount(hour.get("min")), _amount(hour.get("max"))
        document["cost"] = {
            "usd_per_hour_min": low,
            "usd_per_hour_max": high,
            "usd_per_month_min": round(low * HOURS_PER_MONTH, 2) if low is not None else None,
            "usd_per_month_max": round(high * HOURS_PER_MONTH, 2) if high is not None else None,
        }
    cost = document.get("cost", {})
    document["cost"] = {key: _amount(value) if key.startswith("usd") else value for key, value in cost.items()}
    return document


def _amount(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12 else None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_PROBLEM else text[: LONGEST_PROBLEM - 3] + "..."
