"""Two revisions of a checkout of our own: the other one is run by its own code."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from preview.__main__ import main
from tests.preview.checkout import commit, git, make_checkout, sections, write

PREFIX = "vllm-on-eks"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Commits: `first` as shipped, without a preview; `broken` with a wrong stack file; then a changed one."""
    root = make_checkout(
        tmp_path_factory.mktemp("checkout"), rooms=("settings", "planning", "components", "preflight", "policies")
    )
    git(root, "tag", "first")
    config = sections(root, "dev")
    write(root, "dev", {**config, f"{PREFIX}:modles": []})
    commit(root)
    git(root, "tag", "broken")
    config[f"{PREFIX}:models"][0] |= {"maxModelLen": 4096}
    config[f"{PREFIX}:nodePools"][0] |= {"instanceTypes": ["g6.4xlarge"], "maxNodes": 3}
    config[f"{PREFIX}:network"] = {"cidr": "10.9.0.0/16"}
    write(root, "dev", config)
    return root


def report(root: Path, revision: str) -> tuple[int, dict[str, Any]]:
    out = root.parent / "report.json"
    arguments = ["dev", "--against", revision, "--format", "json", "--out", str(out)]
    return main(arguments, root=root, today=date(2026, 12, 1)), json.loads(out.read_text())


def test_changes_have_fields_reasons_and_a_difference_in_cost(checkout: Path) -> None:
    before = git(checkout, "status", "--porcelain")
    code, document = report(checkout, "first")
    assert git(checkout, "status", "--porcelain") == before
    assert git(checkout, "worktree", "list").count("\n") == 1, "nothing is left in the repository"
    assert code == 0
    changes = {(change["action"], change["name"]): change for change in document["changes"]}
    args = changes["changed", "qwen-deployment"]["fields"]
    assert {"path": "spec.template.spec.containers[vllm].args[--max-model-len]", "before": "--max-model-len=8192",
            "after": "--max-model-len=4096"} in args  # fmt: skip
    assert "cidrBlock cannot be changed in place" in changes["replaced", "network-vpc"]["reasons"]
    nodes = changes["replaced", "l4-nodes"]
    assert "instanceTypes cannot be changed in place" in nodes["reasons"]
    system = changes["replaced", "system-nodes"]
    assert any("subnetIds comes from network-private-us-east-1a" in reason for reason in system["reasons"])
    assert ("created", "qwen-deployment") not in changes
    assert document["against"]["cost"]["usd_per_hour_max"] < document["cost"]["usd_per_hour_max"]
    assert document["against"]["commit"] == git(checkout, "rev-parse", "first").strip()


def test_a_revision_whose_stack_file_is_wrong_is_said_and_the_rest_is_shown(checkout: Path) -> None:
    code, document = report(checkout, "broken")
    assert code == 0, "what was wrong is not this change's fault"
    assert "did you mean models?" in document["against"]["problem"]
    assert document["resources"]
    assert [finding["severity"] for finding in document["findings"] if finding["rule"] == "against"] == ["warning"]


def test_a_revision_that_does_not_exist_is_wrong_input_and_the_rest_is_shown(checkout: Path) -> None:
    code, document = report(checkout, "nowhere")
    assert code == 2
    assert "git knows no revision nowhere" in document["against"]["problem"]
    assert document["models"]


def test_a_revision_with_a_preview_of_its_own_uses_that(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    root = make_checkout(folder)
    code, document = report(root, "HEAD")
    assert code == 0
    assert document["changes"] == []
    assert document["against"]["problem"] is None
    assert document["against"]["cost"]["usd_per_hour_min"] == document["cost"]["usd_per_hour_min"]


def test_without_git_it_is_said(tmp_path: Path, checkout: Path) -> None:
    root = tmp_path / "plain"
    shutil.copytree(checkout, root, ignore=shutil.ignore_patterns(".git"))
    code, document = report(root, "HEAD")
    assert code == 2
    assert document["resources"]
