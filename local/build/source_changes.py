"""How a folder of tools/ is compiled: what is copied beside its go.mod, and changed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SourceChange:
    """One text of a file that is replaced by another."""

    path: str
    """File inside the module."""
    old: str
    new: str
    why: str
    times: int = 1
    """How often the text has to be there."""


@dataclass(frozen=True)
class Copy:
    """A pinned module that is copied into the workspace: some files, or the whole in the place of the original."""

    module: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Path inside the module -> path inside the workspace; JSON loses its white space. Empty: the whole module."""
    changes: tuple[SourceChange, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    """Files that the module lacks: path inside it -> content."""
    pinned_in: str = ""
    """Folder below tools/ whose go.mod and go.sum pin it, where it is not the workspace's own."""


@dataclass(frozen=True)
class Workspace:
    """How the programs of one folder below tools/ are compiled."""

    tags: str = ""
    """Build tags."""
    copies: tuple[Copy, ...] = ()
