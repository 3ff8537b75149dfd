"""The comment on a pull request, with a `gh` that keeps comments in a file, and the workflows' permissions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from tests.conftest import REPO

SCRIPT = REPO / ".github" / "comment.py"
WORKFLOWS = REPO / ".github" / "workflows"
MARKER = "<!-- vllm-on-eks preview -->"
COMMIT = "0123456789abcdef"
# `gh api` for the calls of the script; it keeps pull requests and comments in github.json and refuses any other call.
GH = """#!{python}
import json, pathlib, sys
state = pathlib.Path("github.json")
github = json.loads(state.read_text())
words = sys.argv[1:]
assert words[0] == "api" and words[1] == "--method", words
method, path = words[2], words[3]
fields = dict(word.split("=", 1) for word in words[4:] if "=" in word)
github["calls"].append([method, path])
if (method, path) == ("GET", "repos/o/r/pulls"):
    answer = [each for each in github["pulls"] if each["label"] == fields["head"] and fields["state"] == "open"]
elif (method, path) == ("GET", "repos/o/r/issues/7/comments"):
    assert "--paginate" in words and "--slurp" in words
    every = github["comments"]
    answer = [every[at:at + 2] for at in range(0, len(every), 2)]
elif method == "POST" and path == "repos/o/r/issues/7/comments":
    body = json.load(sys.stdin)["body"]
    made = {{"id": 100, "user": {{"login": "github-actions[bot]"}}, "body": body, "html_url": "https://new"}}
    github["comments"].append(made)
    answer = made
elif method == "PATCH":
    (answer,) = [each for each in github["comments"] if path == f"repos/o/r/issues/comments/{{each['id']}}"]
    answer["body"] = json.load(sys.stdin)["body"]
else:
    sys.exit(f"HTTP 404: {{method}} {{path}}")
state.write_text(json.dumps(github))
print(json.dumps(answer))
"""


def comment(id_: int, login: str, body: str) -> dict[str, Any]:
    return {"id": id_, "user": {"login": login}, "body": body, "html_url": f"https://{id_}"}


@pytest.fixture
def github(tmp_path: Path) -> Path:
    (tmp_path / "gh").write_text(GH.format(python=sys.executable))
    (tmp_path / "gh").chmod(0o755)
    pulls = [{"number": 7, "label": "fork:add $(x)", "head": {"sha": COMMIT}}]
    (tmp_path / "github.json").write_text(json.dumps({"pulls": pulls, "comments": [], "calls": []}))
    (tmp_path / "comment.md").write_text(f"{MARKER}\ndev: $1.40 per hour\n")
    return tmp_path


def state(github: Path) -> dict[str, Any]:
    return json.loads((github / "github.json").read_text())  # type: ignore[no-any-return]


def run(github: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    event = {
        "REPOSITORY": "o/r",
        "HEAD_REPOSITORY": "o/r",
        "HEAD_OWNER": "fork",
        "HEAD_BRANCH": "add $(x)",
        "HEAD_SHA": COMMIT,
        **changed,
    }
    return subprocess.run(
        [sys.executable, str(SCRIPT), "comment.md"], cwd=github, capture_output=True, text=True, check=False,
        env={"PATH": f"{github}{os.pathsep}/usr/bin:/bin", **event},
    )  # fmt: skip


def test_the_first_run_posts_and_every_later_one_updates_the_same_comment(github: Path) -> None:
    assert run(github).stdout == "https://new\n"
    (github / "comment.md").write_text(f"{MARKER}\ndev: $2.80 per hour\n")
    done = run(github)
    assert done.returncode == 0, done.stderr
    (only,) = state(github)["comments"]
    assert only["body"] == f"{MARKER}\ndev: $2.80 per hour\n"
    assert [method for method, _ in state(github)["calls"]] == ["GET", "GET", "POST", "GET", "GET", "PATCH"]


def test_our_comment_is_found_on_a_later_page_and_nobody_elses_is_touched(github: Path) -> None:
    others = [
        comment(1, "octocat", f"{MARKER} I quote the bot"),
        comment(2, "github-actions[bot]", "another workflow's"),
        comment(3, "octocat", "nice"),
        comment(4, "github-actions[bot]", f"{MARKER}\nold"),
    ]
    (github / "github.json").write_text(json.dumps({**state(github), "comments": others}))
    assert run(github).stdout == "https://4\n"
    bodies = [comment["body"] for comment in state(github)["comments"]]
    assert bodies == [*(other["body"] for other in others[:3]), (github / "comment.md").read_text()]


HOSTILE = [
    "@team look ![x](http://evil/x.png) [y](http://evil) <img src=http://evil/z>",
    "```\nout\n````\n`````\n@team\n~~~~\n<!-- -->",
    "\x1b[31mred\u202eright to left",
    "</details>\n# heading\n| a | b |",
    "x" * 60_000,
]


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("plain", [True, False])
def test_a_forks_words_are_one_block_of_code_that_they_cannot_end(github: Path, words: str, plain: bool) -> None:
    (github / "comment.md").write_text(f"{MARKER}\n{'as Markdown' if plain else words}\n")
    if plain:
        (github / "comment.txt").write_text(words)
    done = run(github, HEAD_REPOSITORY="fork/r")
    assert done.returncode == 0, done.stderr
    (only,) = state(github)["comments"]
    body: str = only["body"]
    assert len(body) < 31_000
    assert body.startswith(MARKER)
    before, fence, inside = body.partition("\n\n`")[0], re.search(r"^(`{3,})text$", body, re.MULTILINE), body
    assert "fork" in before
    assert fence is not None
    inside = body[fence.end() :]
    assert inside.count(f"\n{fence[1]}\n") == 1, "nothing inside ends the block"
    assert inside.endswith(f"\n{fence[1]}\n")
    assert all(each.isprintable() or each == "\n" for each in body)
    tokens = MarkdownIt().parse(body)
    assert [token.type for token in tokens if token.type in ("fence", "html_block", "heading_open")] == [
        "html_block",
        "fence",
    ]


def test_the_same_words_of_a_branch_of_ours_stay_markdown(github: Path) -> None:
    (github / "comment.md").write_text(f"{MARKER}\n**bold**\n")
    run(github)
    assert state(github)["comments"][0]["body"] == f"{MARKER}\n**bold**\n"


def test_a_pull_request_that_has_moved_on_gets_no_stale_comment(github: Path) -> None:
    done = run(github, HEAD_SHA="fedcba9876543210")
    assert done.returncode == 0
    assert "no open pull request" in done.stdout
    assert state(github)["comments"] == []


def test_without_a_report_nothing_is_asked(github: Path) -> None:
    (github / "comment.md").unlink()
    assert run(github).stdout == "the preview wrote no report; its run says why\n"
    assert state(github)["calls"] == []


@pytest.mark.parametrize("body", ["hello", f"{MARKER}{'x' * 70_000}"])
def test_a_file_that_is_no_report_is_not_posted(github: Path, body: str) -> None:
    (github / "comment.md").write_text(body)
    done = run(github)
    assert done.returncode == 1
    assert "is not a report" in done.stderr
    assert state(github)["calls"] == []


def test_a_refusal_of_github_fails_the_job_in_words(github: Path) -> None:
    done = run(github, REPOSITORY="o/other")
    assert done.returncode == 1
    assert "gh api GET repos/o/other/pulls: HTTP 404" in done.stderr
    assert "Traceback" not in done.stderr


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((WORKFLOWS / name).read_text())  # type: ignore[no-any-return]


def test_whatever_asks_the_engine_is_bound_by_the_policies() -> None:
    """The rules that a preview is judged by bind the update too, in every workflow and in every command of the docs."""
    steps = [
        (file.name, step["with"])
        for file in sorted(WORKFLOWS.glob("*.yml"))
        for job in workflow(file.name)["jobs"].values()
        for step in job["steps"]
        if str(step.get("uses", "")).startswith("pulumi/actions@") and "command" in step["with"]
    ]
    assert {given["command"] for _, given in steps} == {"preview", "up"}
    assert [name for name, given in steps if given.get("policyPacks") != "policies"] == []
    pages = [REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))]
    commands = [
        line
        for page in pages
        for line in page.read_text().splitlines()
        if re.search(r"pulumi (up|preview) .*--stack", line)
    ]
    assert len(commands) > 5
    assert [line for line in commands if "--policy-pack policies" not in line] == []


def test_code_of_a_pull_request_runs_where_nothing_can_be_written() -> None:
    preview = workflow("preview.yml")
    assert preview["permissions"] == {}
    assert {name: job["permissions"] for name, job in preview["jobs"].items()} == {"preview": {"contents": "read"}}
    assert "secrets." not in (WORKFLOWS / "preview.yml").read_text()


def test_what_may_write_runs_no_code_of_the_pull_request_and_pastes_none_of_its_words_into_a_shell() -> None:
    (job,) = workflow("preview-comment.yml")["jobs"].values()
    (checkout,) = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert "ref" not in checkout["with"], "the default branch"
    assert checkout["with"]["persist-credentials"] is False
    assert {key for key, value in job["permissions"].items() if value == "write"} == {"pull-requests"}
    assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_the_workflow_that_comments_waits_for_the_one_that_previews_by_its_name() -> None:
    trigger = workflow("preview-comment.yml")[True]["workflow_run"]  # YAML reads `on` as true
    assert trigger["workflows"] == [workflow("preview.yml")["name"]]


def test_the_preview_begins_its_comment_with_the_marker_that_is_looked_for() -> None:
    from preview.markdown import MARKER as WRITTEN

    assert WRITTEN == MARKER
    assert f'MARKER = "{MARKER}"' in SCRIPT.read_text()
