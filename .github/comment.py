"""`python3 comment.py FILE`: one comment on a pull request, made once and updated from then on.

Run by preview-comment.yml on the default branch, with GitHub's own word (environment) on which commit was previewed.
The file comes from a run of the pull request's code. From a fork it is text that anybody may have written: it is shown
as code, bounded, in which nothing is a link, a mention or a picture.
Standard library and the `gh` command only. Exit code 1: what to post is there, and it could not be posted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKER = "<!-- vllm-on-eks preview -->"
BOT = "github-actions[bot]"
LONGEST = 65_536  # characters that GitHub takes in a comment
LONGEST_OF_A_FORK = 30_000
FORK = "The preview of a pull request from a fork, in the words of its own code:"


def api(method: str, path: str, fields: Mapping[str, str] | None = None, *more: str) -> Any:
    """What `gh api` answers. Fields go through standard input: their text is never a command line."""
    if method == "GET":
        given = [part for key, value in (fields or {}).items() for part in ("--raw-field", f"{key}={value}")]
        command, text = ["gh", "api", "--method", "GET", path, *given, *more], None
    else:
        command, text = ["gh", "api", "--method", method, path, "--input", "-", *more], json.dumps(fields)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"gh api {method} {path}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def pull_request(repository: str, owner: str, branch: str, commit: str) -> int | None:
    """Number of the open pull request whose head is that commit; None when it has moved on or was closed."""
    pulls = api("GET", f"repos/{repository}/pulls", {"state": "open", "head": f"{owner}:{branch}"})
    return next((each["number"] for each in pulls if each["head"]["sha"] == commit), None)


def post(repository: str, number: int, body: str) -> str:
    """Address of the comment: our own from before, with new text, or a new one."""
    comments = f"repos/{repository}/issues/{number}/comments"
    pages = api("GET", comments, {"per_page": "100"}, "--paginate", "--slurp")
    for each in (each for page in pages for each in page):
        if each["user"]["login"] == BOT and each["body"].startswith(MARKER):
            return str(api("PATCH", f"repos/{repository}/issues/comments/{each['id']}", {"body": body})["html_url"])
    return str(api("POST", comments, {"body": body})["html_url"])


def as_code(text: str) -> str:
    """A fork's words: one block of code that they cannot end, every character seen, the rest cut and told."""
    seen = "".join(each if each == "\n" or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    left_out = len(seen) - LONGEST_OF_A_FORK
    if left_out > 0:
        seen = f"{seen[:LONGEST_OF_A_FORK]}\n({left_out} characters more are in the run's artifact)"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", seen)), default=0))
    return f"{MARKER}\n\n{FORK}\n\n{fence}text\n{seen.strip()}\n{fence}\n"


def read(file: Path) -> str:
    """A file's text, no more of it than could be posted and told to be too long."""
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(4 * LONGEST)


def main(file: Path, environment: Mapping[str, str]) -> None:
    """Posts the file, or says why there is nothing to post."""
    if not file.is_file():
        print("the preview wrote no report; its run says why")
        return
    body = read(file)
    if not body.startswith(MARKER) or len(body) > LONGEST:
        sys.exit(f"{file} is not a report of the preview: {len(body)} characters, beginning {body[:40]!r}")
    repository, commit = environment["REPOSITORY"], environment["HEAD_SHA"]
    if environment["HEAD_REPOSITORY"] != repository:
        plain = file.with_suffix(".txt")
        body = as_code(read(plain) if plain.is_file() else body.removeprefix(MARKER))
    number = pull_request(repository, environment["HEAD_OWNER"], environment["HEAD_BRANCH"], commit)
    if number is None:
        print(f"no open pull request has {commit} as its head any more")
        return
    print(post(repository, number, body))


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
