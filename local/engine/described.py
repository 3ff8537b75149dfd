"""Models that only a stack file describes (`models[].architecture`).

vLLM reads a model's config.json, which comes with its weights; nothing is downloaded here. The platform's own copies of
the stack files stand for it where they describe a model. Nothing of that is in the pod: the product carries nothing for
the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planning.architectures.described import architecture_of
from planning.architectures.shape import Architecture
from planning.serving.sources import named_to_vllm
from settings.read import read
from settings.yaml_text import yaml_file


class StackFiles:
    """The stack files of a folder, each read again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, dict[str, Architecture]]] = {}

    def architecture(self, model: str) -> Architecture | None:
        """What the latest stack file that describes the model says of it; None where none does."""
        for path, written_ns in self._files():
            if self._read.get(path, (None,))[0] != written_ns:
                self._read[path] = (written_ns, _described(path))
            if model in self._read[path][1]:
                return self._read[path][1][model]
        return None

    def _files(self) -> list[tuple[Path, int]]:
        """Latest first."""
        lines = []
        for path in self._folder.glob("Pulumi.*.yaml"):
            try:
                lines.append((path, path.stat().st_mtime_ns))
            except OSError:
                continue  # gone in between
        return sorted(lines, key=lambda item: -item[1])


def _described(path: Path) -> dict[str, Architecture]:
    """By what vLLM is told, and by served name. What is wrong with a file `up` tells; here it describes nothing."""
    try:
        document = yaml_file(path)
    except ValueError:
        return {}
    settings = read({"models": list(_models(document))}, "platform").settings
    architectures: dict[str, Architecture] = {}
    for model in settings.models if settings else ():
        if (architecture := architecture_of(model)) is not None:
            architectures |= {named_to_vllm(model)[0]: architecture, model.answers_to: architecture}
    return architectures


def _models(document: Any) -> Iterator[Mapping[str, Any]]:
    """Models with a description; their namespaces and pools do not matter here."""
    config = document.get("config") if isinstance(document, Mapping) else None
    for key, section in (config if isinstance(config, Mapping) else {}).items():
        if str(key).endswith(":models") and isinstance(section, list):
            yield from (key for key in section if isinstance(key, Mapping) and set(key) & {"architecture", "copyOf"})
