"""Runs the program under the recorder and, beside it, the other revision's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date

from planning.model import StackPlan
from planning.prepare import Prepared
from preflight.model import PreflightReport as AccountReport
from preview.base import BaseRun
from preview.recorder import ProgramFailed, record_program
from preview.report import Base, report
from preview.report_model import Report

__all__ = ["ProgramFailed", "evaluate"]


def evaluate(
    prepared: Prepared, plan: StackPlan, against: str | None, today: date, account: AccountReport | None = None
) -> tuple[Report, Base | None]:
    """The report of the working tree, compared with a revision where one is named; raises ProgramFailed."""
    file = prepared.file
    with _no_collector(), BaseRun(prepared.root, against, file.stack) if against else nullcontext() as run:
        recording = record_program(prepared.root, file.project, file.stack, prepared.config, prepared.secret_keys)
        base = run.result() if run is not None else None
    return report(prepared, plan, recording.resources, recording.outputs, today, base, account), base


@contextmanager
def _no_collector() -> Iterator[None]:
    """The SDKs make a million objects that all stay: looking for garbage among them takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
