"""Records the program of a checkout that has no preview of its own: `python standalone.py CHECKOUT STACK`.

Everything but the preview comes from that checkout: its program, settings, planning and components. Prints
`{resources, outputs}`, or `{problem}`, as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def _import_this_preview() -> None:
    """Makes `preview` this folder, also where the checkout has a room of that name."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "preview", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["preview"] = module
    spec.loader.exec_module(module)


def _needed_secrets(texts: dict[str, str], stack: str) -> list[str]:
    """The config secrets that the checkout's own settings ask for."""
    from settings.read import read, secret_needs, section_keys

    sections = {
        key: text if key in ("region", "account") else json.loads(text)
        for key, text in texts.items()
        if key in section_keys()
    }
    loaded = read(sections, stack)
    return [need.key for need in secret_needs(loaded.settings)] if loaded.settings else []


def main(checkout: Path, stack: str) -> dict[str, Any]:
    """The recording, or what went wrong."""
    sys.path[0] = str(checkout)
    _import_this_preview()
    from preview.recorder import ProgramFailed, record_program
    from settings.stack_file import StackFileError, read_stack_file

    try:
        file = read_stack_file(checkout, stack)
        secrets = set(file.encrypted)
        secrets |= {f"{file.project}:{key}" for key in _needed_secrets(file.ours(), stack)}
        config = {**file.texts, **{key: f"stand-in for {key}" for key in secrets}}
        recording = record_program(checkout, file.project, stack, config, frozenset(secrets))
    except (StackFileError, ProgramFailed) as failure:
        return {"problem": str(failure)}
    return {"resources": recording.resources, "outputs": recording.outputs}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]).resolve(), sys.argv[2])))
