"""Starts a policy pack for the platform's language host: `python policy_pack.py ENGINE`, called by bin/pulumi-python.

A later host is told by the CLI where the pack is; ours loses it (bin/pulumi-python says why). So it is read where it
was written first: on the command line of the CLI that started us, `--policy-pack FOLDER`. The pack is then run as the
later hosts run it: `python -u -m pulumi.policy ENGINE FOLDER` (pulumi-language-python v3.258.0, RunPlugin).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

FLAG = "--policy-pack"


def packs_on(command_line: Sequence[str]) -> list[str]:
    """The folders that a CLI's command line names; the flag may be repeated, and may hold several with commas."""
    packs = []
    for index, word in enumerate(command_line):
        name, equals, value = word.partition("=")
        if name == FLAG:
            packs.append(value if equals else command_line[index + 1] if index + 1 < len(command_line) else "")
    return [folder for text in packs for folder in text.split(",") if folder]


def the_pack(process: psutil.Process) -> Path:
    """Folder of the one pack that the CLI above `process` was given. Raises ValueError where it cannot be known."""
    for parent in process.parents():
        packs = packs_on(parent.cmdline())
        if len(packs) > 1:
            raise ValueError(f"the embedded platform runs one policy pack at a time, not {', '.join(packs)}")
        if packs:
            return (Path(parent.cwd()) / packs[0]).resolve()  # the CLI has gone to its --cwd by now
    raise ValueError(f"the embedded platform runs Python plugins only where the command line says {FLAG} FOLDER")


def main(arguments: Sequence[str]) -> None:
    """Becomes the pack's process."""
    try:
        pack = the_pack(psutil.Process())
    except ValueError as refusal:
        sys.exit(str(refusal))
    os.execv(sys.executable, [sys.executable, "-u", "-m", "pulumi.policy", arguments[0], str(pack)])


if __name__ == "__main__":
    main(sys.argv[1:])
