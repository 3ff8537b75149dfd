"""`python3 comment.py FILE`: one comment on a pull request, made once and updated from then on.

Run by preview-comment.yml on the default branch, with GitHub's own word (environment) on which commit was previewed.
The file comes from a run of the pull request's code: it is text that anybody may have written, and is only posted.
Standard library and the `gh` command only. Exit code 1: what to post is there, and it could not be posted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKER = "<!-- vllm-on-eks preview -->"
BOT = "github-actions[bot]"
LONGEST = 65_536  # characters that GitHub takes in a comment


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
    found = api("GET", f"repos/{repository}/pulls", {"state": "open", "head": f"{owner}:{branch}"})
    return next((each["number"] for each in found if each["head"]["sha"] == commit), None)


def post(repository: str, number: int, body: str) -> str:
    """Address of the comment: our own from before, with new text, or a new one."""
    comments = f"repos/{repository}/issues/{number}/comments"
    pages = api("GET", comments, {"per_page": "100"}, "--paginate", "--slurp")
    for each in (each for page in pages for each in page):
        if each["user"]["login"] == BOT and each["body"].startswith(MARKER):
            return str(api("PATCH", f"repos/{repository}/issues/comments/{each['id']}", {"body": body})["html_url"])
    return str(api("POST", comments, {"body": body})["html_url"])


def main(file: Path, environment: Mapping[str, str]) -> None:
    """Posts the file, or says why there is nothing to post."""
    if not file.is_file():
        print("the preview wrote no report; its run says why")
        return
    body = file.read_text(encoding="utf-8", errors="replace")
    if not body.startswith(MARKER) or len(body) > LONGEST:
        sys.exit(f"{file} is not a report of the preview: {len(body)} characters, beginning {body[:40]!r}")
    repository, commit = environment["REPOSITORY"], environment["HEAD_SHA"]
    number = pull_request(repository, environment["HEAD_OWNER"], environment["HEAD_BRANCH"], commit)
    if number is None:
        print(f"no open pull request has {commit} as its head any more")
        return
    print(post(repository, number, body))


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
