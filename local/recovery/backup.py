"""A state file that cannot be read (disk full, power cut), and the copies that Pulumi's file backend keeps of it.

Beside `<stack>.json` there is `<stack>.json.bak`, the state before the last write, and under `history` a checkpoint
of every update that came to its end.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path


def is_readable(checkpoint: Path) -> bool:
    """True for a checkpoint file as Pulumi writes it."""
    try:
        return "latest" in json.loads(checkpoint.read_text())["checkpoint"]
    except (OSError, ValueError, LookupError, TypeError):
        return False


def copies(state_file: Path) -> list[Path]:
    """Copies of a stack's state, the newest first: of .pulumi/stacks/<project>/<stack>.json, in .pulumi/history."""
    project, stack = state_file.parent.name, state_file.stem
    history = state_file.parents[2] / "history" / project / stack
    copies = [state_file.with_name(f"{state_file.name}.bak"), *history.glob(f"{stack}-*.checkpoint.json")]
    return sorted((path for path in copies if path.exists()), key=lambda path: path.stat().st_mtime, reverse=True)


def restore(state_file: Path) -> Path | None:
    """Puts the newest readable copy in the place of a state file that cannot be read; None if there is no copy.

    The broken file stays beside it as `<stack>.json.broken`.
    """
    for copy in copies(state_file):
        if is_readable(copy):
            unfinished = state_file.with_name(f"{state_file.name}.restored")
            shutil.copyfile(copy, unfinished)
            if state_file.exists():
                os.replace(state_file, state_file.with_name(f"{state_file.name}.broken"))
            os.replace(unfinished, state_file)
            return copy
    return None
