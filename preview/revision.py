"""The files of a git revision, written into a folder as git keeps them.

Not `git worktree add`, which writes into the repository and runs its hooks, and not `git archive`, which obeys the
revision's own attributes (`export-ignore` leaves files out) and packs links that point anywhere.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MIB = 2**20
MOST_FILES = 20_000
MOST_BYTES = 128 * MIB
MOST_LINK_BYTES = 4096
_LINK, _MODULE, _PROGRAM = "120000", "160000", "100755"


class RevisionError(Exception):
    """The revision's files cannot be had; one line that says why."""


@dataclass(frozen=True)
class _Entry:
    mode: str
    blob: str
    size: int
    path: PurePosixPath


def commit_of(root: Path, revision: str) -> str:
    """The commit's id; raises RevisionError."""
    try:
        completed = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except FileNotFoundError:
        raise RevisionError("git is not on PATH") from None
    except (ValueError, OSError):  # a zero byte, or longer than an argument may be
        raise RevisionError("this is no name of a revision") from None
    if completed.returncode == 0:
        return completed.stdout.decode("ascii", "replace").strip()
    raise RevisionError(f"git knows no revision {revision} (a shallow clone has few: git fetch --unshallow)")


def write_files(root: Path, commit: str, target: Path) -> None:
    """Writes every file of the commit below `target`; raises RevisionError."""
    listed = _git(root, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if listed.returncode != 0:
        raise RevisionError(f"its files cannot be listed: {_last_line(listed.stderr)}")
    entries = [entry for entry in _entries(listed.stdout) if entry.mode != _MODULE]
    size = sum(entry.size for entry in entries)
    if len(entries) > MOST_FILES or size > MOST_BYTES:
        raise RevisionError(
            f"it has {len(entries)} files of {size // MIB} MiB; at most {MOST_FILES} of {MOST_BYTES // MIB} MiB are "
            "read"
        )
    try:
        for entry, content in _contents(root, entries):
            _write(entry, content, target)
    except OSError as error:
        raise RevisionError(f"its files cannot be written: {error.strerror}") from None


def _entries(listing: bytes) -> Iterator[_Entry]:
    for row in filter(None, listing.split(b"\0")):
        about, _, name = row.partition(b"\t")
        mode, _, blob, size = about.decode("ascii").split()
        path = PurePosixPath(os.fsdecode(name))
        if path.is_absolute() or ".." in path.parts or ".git" in {part.lower() for part in path.parts}:
            raise RevisionError(f"its file {path} would lie outside of it")
        yield _Entry(mode, blob, 0 if size == "-" else int(size), path)


def _contents(root: Path, entries: list[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
    object_names = "".join(f"{entry.blob}\n" for entry in entries).encode()
    contents = _git(root, "cat-file", "--batch", sent=object_names).stdout
    at = 0
    for entry in entries:
        end = contents.find(b"\n", at)
        head = contents[at:end].split()
        if end < 0 or head[-1:] == [b"missing"] or len(contents) < end + 1 + entry.size:
            raise RevisionError(f"git does not have its file {entry.path} (a partial clone has few: git fetch)")
        yield entry, contents[end + 1 : end + 1 + entry.size]
        at = end + 1 + entry.size + 1


def _write(entry: _Entry, content: bytes, target: Path) -> None:
    path = target / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode != _LINK:
        # A tree may hold a link and a file below the link's name: the file must not be written where the link leads.
        if not path.parent.resolve().is_relative_to(target.resolve()):
            raise RevisionError(f"its file {entry.path} would lie outside of it")
        path.write_bytes(content)
        path.chmod(0o755 if entry.mode == _PROGRAM else 0o644)
        return
    leads_to = os.path.normpath(os.path.join(entry.path.parent, os.fsdecode(content[:MOST_LINK_BYTES])))
    if os.path.isabs(leads_to) or leads_to.split(os.sep)[0] == ".." or b"\0" in content:
        raise RevisionError(f"its link {entry.path} leads out of it")
    path.symlink_to(os.fsdecode(content[:MOST_LINK_BYTES]))


def _git(root: Path, *arguments: str, sent: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, input=sent, env=environment, capture_output=True, check=False)


def _last_line(errors: bytes) -> str:
    return (errors.decode(errors="replace").strip().splitlines() or ["git said nothing"])[-1]
