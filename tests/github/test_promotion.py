"""promotion.sh: what may be promoted, what is rendered and previewed, and the pull request that asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPO

SCRIPT = REPO / ".github" / "promotion.sh"
# Stands for .venv/bin/python: it writes down what it was asked, and the files that the real one would write.
PYTHON = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
with open("asked.jsonl", "a") as asked:
    asked.write(json.dumps(words) + chr(10))
out = pathlib.Path(words[words.index("--out") + 1])
if words[1] == "preview.gitops":
    out.mkdir(parents=True)
    (out / "project.yaml").write_text(pathlib.Path("Pulumi.canary.yaml").read_text())
else:
    out.write_text("the preview")
    sys.exit(1 if "refused" in pathlib.Path("Pulumi.canary.yaml").read_text() else 0)
"""
# `gh` for the three calls of the script; open pull requests are files.
GH = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
with open("{calls}", "a") as calls:
    calls.write(json.dumps(words) + chr(10))
there = pathlib.Path("{calls}.open")
if words[:2] == ["pr", "list"]:
    print("7" if there.exists() else "")
elif words[:2] == ["pr", "create"]:
    there.touch()
elif words[:2] != ["pr", "edit"]:
    sys.exit("unknown call")
"""


class Checkout:
    """A clone of a repository with three stages, and its remote."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.remote, self.calls = folder / "clone", folder / "remote.git", folder / "calls.jsonl"
        bin_, python = folder / "bin", self.folder / ".venv" / "bin" / "python"
        bin_.mkdir()
        (bin_ / "gh").write_text(GH.format(python=sys.executable, calls=self.calls))
        python.parent.mkdir(parents=True)
        python.write_text(PYTHON.format(python=sys.executable))
        for program in (bin_ / "gh", python):
            program.chmod(0o755)
        identity = {
            f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        apart = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": str(folder)}
        self.environment = {**os.environ, **identity, **apart, "PATH": f"{bin_}:{os.environ['PATH']}"}
        self.environment |= {"GH_TOKEN": "t", "REPOSITORY": "o/r", "PROMOTION_REMOTE": str(self.remote)}
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote), cwd=folder)
        self.git("init", "--quiet", "--initial-branch=main")
        (self.folder / ".gitignore").write_text(".venv\npromotion\nasked.jsonl\n")
        for stage in ("dev", "canary", "prod"):
            (self.folder / f"Pulumi.{stage}.yaml").write_text(f"{stage} 1\n")
        self.commit("first")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def run(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(SCRIPT), *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr.strip()

    def promoted(self, to: str, revision: str) -> None:
        """What a merged promotion leaves on main."""
        there = self.folder / "clusters" / to
        there.mkdir(parents=True, exist_ok=True)
        (there / "revision.txt").write_text(f"{revision}\n")
        self.commit(f"promoted {to}")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "clone").mkdir()
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("dev", "prod"), "dev is not the stage before prod"),
        (("canary", "dev"), "canary is not the stage before dev"),
        (("dev", "test"), "no stage test"),
        (("canary", "prod"), "clusters/canary was never rendered"),
        (("dev", "canary", "main; rm -rf ."), "no commit id"),
        (("dev", "canary", "0" * 40), "no commit of main"),
    ],
)
def test_what_may_not_be_promoted_is_refused_and_nothing_is_made(
    checkout: Checkout, words: tuple[str, ...], told: str
) -> None:
    code, error = checkout.run("check", *words)
    assert (code, told in error) == (1, True), error
    assert not (checkout.folder / "promotion").exists()


def test_a_stage_gets_what_the_one_before_has_and_nothing_newer(checkout: Checkout) -> None:
    first = checkout.git("rev-parse", "HEAD")
    checkout.promoted("canary", first)
    (checkout.folder / "Pulumi.dev.yaml").write_text("dev 2\n")
    newer = checkout.commit("newer")
    code, error = checkout.run("check", "canary", "prod", newer)
    assert code == 1
    assert f"canary has {first}, which is older than {newer}" in error
    assert checkout.run("check", "canary", "prod", first) == (0, "")
    assert checkout.git("rev-parse", "HEAD") == first, "rendered from that revision, not from main's head"


def test_a_directory_and_the_preview_against_what_the_stage_has_are_rendered(checkout: Checkout) -> None:
    before = checkout.git("rev-parse", "HEAD")
    checkout.promoted("canary", before)
    (checkout.folder / "Pulumi.canary.yaml").write_text("canary 2\n")
    revision = checkout.commit("a change")
    assert checkout.run("check", "dev", "canary") == (0, "")
    assert checkout.run("render", "canary", "https://git.example.com/o/r.git") == (0, "")
    gitops, preview = map(json.loads, (checkout.folder / "asked.jsonl").read_text().splitlines())
    assert gitops[1:3] == ["preview.gitops", "canary"]
    assert gitops[gitops.index("--path") + 1] == "clusters/canary"
    assert preview[1:4] == ["preview", "canary", "--offline"]
    assert preview[preview.index("--against") + 1] == before
    made = checkout.folder / "promotion" / "clusters" / "canary"
    assert (made / "revision.txt").read_text().strip() == revision
    assert (made / "project.yaml").read_text() == "canary 2\n"


def test_a_plan_that_is_refused_is_not_proposed(checkout: Checkout) -> None:
    (checkout.folder / "Pulumi.canary.yaml").write_text("refused\n")
    checkout.commit("a change")
    assert checkout.run("check", "dev", "canary")[0] == 0
    assert checkout.run("render", "canary", "https://git.example.com/o/r.git")[0] == 1


def test_a_pull_request_is_opened_once_and_updated_then_with_the_preview_as_its_text(checkout: Checkout) -> None:
    for number in (1, 2):
        checkout.git("checkout", "--quiet", "main")
        (checkout.folder / "Pulumi.canary.yaml").write_text(f"canary {number}\n# {number}\n")
        revision = checkout.commit(f"change {number}")
        subprocess.run(["rm", "-rf", str(checkout.folder / "promotion")], check=True)
        assert checkout.run("check", "dev", "canary") == (0, "")
        assert checkout.run("render", "canary", "https://git.example.com/o/r.git") == (0, "")
        checkout.git("checkout", "--quiet", "main")
        code, error = checkout.run("propose", "dev", "canary")
        assert code == 0, error
        checkout.git("checkout", "--quiet", "--detach", revision)
        checkout.git("branch", "--force", "main", revision)
    calls = [json.loads(line) for line in checkout.calls.read_text().splitlines()]
    assert [call[1] for call in calls] == ["list", "create", "list", "edit"]
    assert all("promotion/preview.md" in call for call in calls if call[1] != "list")
    tree = checkout.git("ls-tree", "-r", "--name-only", "promote-canary", "clusters", cwd=checkout.remote)
    assert tree.splitlines() == ["clusters/canary/project.yaml", "clusters/canary/revision.txt"]
    files = checkout.git("diff", "--name-only", f"{revision}..promote-canary", cwd=checkout.remote).splitlines()
    assert all(file.startswith("clusters/canary/") for file in files), "nothing but the stage's directory"


def test_the_same_again_asks_nobody(checkout: Checkout) -> None:
    assert checkout.run("check", "dev", "canary") == (0, "")
    assert checkout.run("render", "canary", "https://git.example.com/o/r.git") == (0, "")
    made = checkout.folder / "promotion" / "clusters"
    checkout.git("checkout", "--quiet", "main")
    subprocess.run(["cp", "-R", str(made), str(checkout.folder / "clusters")], check=True)
    checkout.commit("merged")
    assert checkout.run("propose", "dev", "canary")[0] == 0
    assert not checkout.calls.exists()


def test_the_job_that_runs_the_stacks_code_has_nothing_to_write_with() -> None:
    jobs = yaml.safe_load((REPO / ".github" / "workflows" / "promote.yml").read_text())["jobs"]
    assert jobs["render"]["permissions"] == {"contents": "read"}
    assert jobs["propose"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert not any("make setup" in str(step.get("run")) or ".venv" in str(step) for step in jobs["propose"]["steps"])
