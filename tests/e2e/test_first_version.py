"""A stack that version 0.1.0 brought up, by its own program out of this repository's history, goes on under today's.

Some ten minutes: only where UPGRADE=1 is in the environment. In a file of its own: one stack is up at a time.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from local.commands.completion import ask, models, service_url
from local.stacks.stack_files import charts_folder, project_folder, stack_file
from preview.moves import stateful
from preview.steps import short_type
from tests.conftest import REPO
from tests.e2e.conftest import Platform
from tests.e2e.engine_events import REPLACEMENT, engine_steps
from tests.e2e.inventory import Inventory
from tests.e2e.loading import PREFIX

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not os.environ.get("UPGRADE"), reason="takes ten minutes; UPGRADE=1 runs it"),
]

FIRST_VERSION = "4ac6c68"


@pytest.fixture(scope="module")
def empty(platform: Platform) -> Inventory:
    """What was there before any stack."""
    return Inventory.settled(platform)


def _first_version(folder: Path, charts: Path) -> Path:
    """The program of 0.1.0. Its charts came from their repositories, which cannot be reached: from the folder."""
    archive = subprocess.run(["git", "archive", FIRST_VERSION], cwd=REPO, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history of this clone does not reach back to {FIRST_VERSION}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    helm = folder / "components" / "helm.py"
    text = helm.read_text()
    for theirs, here in (
        ('{"repository_opts": {"repo": chart.repository}} if chart.repository else {}', "{}"),
        ('"chart": chart.chart,', f'"chart": "{charts}/" + chart.chart,'),
    ):
        assert theirs in text
        text = text.replace(theirs, here)
    helm.write_text(text)
    return folder


def test_a_stack_of_the_first_version_goes_on_under_todays_program_with_nothing_replaced_that_holds_state(
    platform: Platform, empty: Inventory, tmp_path: Path
) -> None:
    for name in ("program", "file"):
        (tmp_path / name).mkdir()
    program = _first_version(tmp_path / "program", charts_folder(platform.paths))
    content = yaml.safe_load((program / "Pulumi.dev.yaml").read_text())
    content["config"][PREFIX + "cluster"]["publicAccessCidrs"] = ["192.88.99.1/32"]
    content["config"][PREFIX + "nodePools"][0] |= {"minNodes": 2}
    file = tmp_path / "file" / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump(content))
    stack = platform.stack("dev")
    stack.prepare(file)
    written = stack_file(platform.paths, "dev")
    settings = yaml.safe_load(written.read_text())
    del settings["config"][PREFIX + "registry"]  # a folder of charts was no setting yet
    written.write_text(yaml.safe_dump(settings))
    project = project_folder(platform.paths) / "Pulumi.yaml"
    project.write_text(yaml.safe_dump({**yaml.safe_load(project.read_text()), "main": str(program)}))
    try:
        stack.up()
        old = {resource["urn"]: resource for resource in stack.resources()}
        assert len(old) > 80
        platform.run("up", "--stack", "dev", "--stack-file", str(file))
        steps = engine_steps(platform, "dev")
        print(*(f"{step.operation} {step.name}" for step in steps), sep="\n")
        gone = [step for step in steps if step.operation in (*REPLACEMENT, "delete")]
        assert [(step.operation, step.name) for step in gone if short_type(step.type) in stateful()] == []
        ids = {urn: resource.get("id") for urn, resource in old.items() if short_type(resource["type"]) in stateful()}
        assert len(ids) > 10
        now = {resource.get("id") for resource in stack.resources()}
        assert {urn for urn, kept in ids.items() if kept not in now} == set(), "each is the one that it was"
        (model,) = models(platform.paths)
        assert ask(service_url(platform.paths, model)).text
        assert platform.stack("dev").up(refresh=True).changes == 0
    finally:
        platform.run("down", "--stack", "dev")
    empty.assert_nothing_more(platform)
