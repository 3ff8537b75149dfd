"""What the offline preview says of the stack file that is on the platform, and of a change of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from local.stacks.stack_files import stack_file
from planning.model import StackPicture
from planning.prepare import prepare
from preview.changes import changes
from preview.recorder import record_program
from preview.report_model import Change, Update
from preview.steps import Resource, update_of
from tests.conftest import REPO
from tests.e2e.conftest import Platform


@dataclass(frozen=True)
class Recorded:
    """The program with one state of a stack file."""

    resources: list[Resource]
    picture: StackPicture


def recorded(platform: Platform, stack: str, folder: Path) -> Recorded:
    """Of the file as the platform has it, its folder of charts in it. `folder`: an empty one, for copies."""
    shutil.copy(REPO / "Pulumi.yaml", folder)
    shutil.copy(stack_file(platform.paths, stack), folder / f"Pulumi.{stack}.yaml")
    asked = prepare(folder, stack)
    assert asked.plan is not None, asked.findings
    recording = record_program(REPO, asked.file.project, stack, asked.config, asked.secret_keys)
    return Recorded(recording.resources, asked.picture)


def told(before: Recorded, after: Recorded) -> tuple[list[Change], Update]:
    """`python -m preview --against`: changes, and the steps in the order in which they are told."""
    own = changes(before.resources, after.resources)
    return own, update_of(own, after.resources, after.picture)
