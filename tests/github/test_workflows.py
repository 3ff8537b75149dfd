"""The workflows that hold credentials: where they run, as whom, and on whose code."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPO

WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))
WITH_CREDENTIALS = ("up.yml", "preview-engine.yml")
CI = (REPO / "docs" / "ci.md").read_text(encoding="utf-8")


def loaded(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def jobs(name: str) -> dict[str, Any]:
    jobs: dict[str, Any] = loaded(REPO / ".github" / "workflows" / name)["jobs"]
    return jobs


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in jobs(name).values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)(.*)", path.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.search(r"# v\d", comment), f"{action}: which version is it?"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_has_more_permissions_than_it_names(path: Path) -> None:
    document = loaded(path)
    assert document["permissions"] in ({}, {"contents": "read"})
    may_sign_in = [
        name for name, job in document["jobs"].items() if job.get("permissions", {}).get("id-token") == "write"
    ]
    assert bool(may_sign_in) == (path.name in WITH_CREDENTIALS)


@pytest.mark.parametrize("name", WITH_CREDENTIALS)
def test_a_job_that_talks_to_the_cluster_runs_where_its_api_is_reached(name: str) -> None:
    for job in jobs(name).values():
        where = " ".join(job["runs-on"].split())
        assert where == (
            "${{ vars.CODEBUILD_PROJECT && format('codebuild-{0}-{1}-{2}', vars.CODEBUILD_PROJECT, github.run_id, "
            'github.run_attempt) || fromJSON(\'["self-hosted", "vllm-on-eks"]\') }}'
        )
        assert "ubuntu" not in where


@pytest.mark.parametrize("name", WITH_CREDENTIALS)
def test_credentials_are_a_role_for_an_hour_or_two_and_no_key(name: str) -> None:
    text = (REPO / ".github" / "workflows" / name).read_text(encoding="utf-8")
    assert "aws-access-key-id" not in text
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"PULUMI_CONFIG_PASSPHRASE"}
    (signing_in,) = [step for step in steps(name) if "configure-aws-credentials" in step.get("uses", "")]
    assert signing_in["with"]["role-to-assume"].startswith("${{ vars.AWS_")
    for job in jobs(name).values():
        assert job["environment"], "the token's subject, and so the role, is bound to an environment"


def test_code_of_a_fork_never_reaches_the_runner() -> None:
    for path in WORKFLOWS:
        document = loaded(path)
        triggers = document.get("on", document.get(True))
        from_outside = "pull_request" in triggers or "pull_request_target" in triggers
        for job in document["jobs"].values():
            if from_outside and "self-hosted" in str(job["runs-on"]):
                assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository", path.name


def test_the_account_is_asked_before_it_is_changed_and_the_rules_bind_the_update() -> None:
    done = [step.get("run", step.get("uses", "")) for step in steps("up.yml")]
    asked = next(index for index, each in enumerate(done) if each.startswith(".venv/bin/python -m preflight"))
    signed_in = next(index for index, each in enumerate(done) if "configure-aws-credentials" in each)
    (changed,) = [index for index, step in enumerate(steps("up.yml")) if "command" in step.get("with", {})]
    assert signed_in < asked < changed
    for name in WITH_CREDENTIALS:
        given = [step["with"] for step in steps(name) if "pulumi/actions" in step.get("uses", "")]
        assert [pulumi["policyPacks"] for pulumi in given if "command" in pulumi] == ["policies"]
        for pulumi in given:
            assert f"pulumi=={pulumi['pulumi-version']} " in (REPO / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("history", "refresh"),
    [("[]", "false"), ('[{"result": "succeeded"}]', "false"), ('[{"result": "failed"}]', "true")],
    ids=["the first update", "the last one ended well", "the last one was cut off"],
)
def test_an_update_after_one_that_was_cut_off_refreshes(tmp_path: Path, history: str, refresh: str) -> None:
    of_the_job = steps("up.yml")
    asked = next(step for step in of_the_job if step.get("id") == "last")
    update = next(step for step in of_the_job if step.get("with", {}).get("command") == "up")
    assert update["with"]["refresh"] == "${{ steps.last.outputs.refresh }}"
    (tmp_path / "pulumi").write_text(f"#!/bin/sh\n[ \"$2\" = history ] && echo '{history}'\nexit 0\n")
    (tmp_path / "pulumi").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "GITHUB_OUTPUT": str(tmp_path / "out"),
        "BACKEND": "b",
        "STACK": "dev",
    }
    subprocess.run(["bash", "-e", "-c", asked["run"]], env=environment, check=True)
    assert (tmp_path / "out").read_text() == f"refresh={refresh}\n"


def test_the_walk_names_every_variable_and_secret_that_the_workflows_read() -> None:
    for name in WITH_CREDENTIALS:
        text = (REPO / ".github" / "workflows" / name).read_text(encoding="utf-8")
        for each in set(re.findall(r"(?:vars|secrets)\.(\w+)", text)):
            assert f"`{each}`" in CI, each
        for environment in re.findall(r"stack: \[(.*?)\]", text):
            prefix = "preview-" if name == "preview-engine.yml" else ""
            assert all(f"`{prefix}{stack.strip()}`" in CI for stack in environment.split(","))


def test_the_trust_of_the_walk_is_for_one_repository_and_its_environments() -> None:
    (document,) = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", CI, re.DOTALL)]
    (statement,) = document["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    (kind,) = statement["Condition"]
    keys = statement["Condition"][kind]
    assert kind == "StringEquals", "StringLike with a * would let every branch and pull request in"
    assert keys["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert all(":environment:" in each and "*" not in each for each in keys["token.actions.githubusercontent.com:sub"])
