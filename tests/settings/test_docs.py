"""docs/settings.md and docs/stack.schema.json are generated; what they say of a field stands beside the field."""

from __future__ import annotations

import importlib
import pkgutil

import settings
from settings.types import Section


def _sections() -> set[type[Section]]:
    for module in pkgutil.walk_packages(settings.__path__, "settings."):
        if module.name != "settings.load":  # needs Pulumi
            importlib.import_module(module.name)
    known, todo = set(), [Section]
    while todo:
        section = todo.pop()
        known.add(section)
        todo += section.__subclasses__()
    return {section for section in known if section.__module__.startswith("settings.")}


def test_every_field_of_the_stack_file_is_described_where_it_is_defined() -> None:
    silent = [
        f"{section.__name__}.{name}"
        for section in _sections()
        for name, field in section.model_fields.items()
        if not field.description and name != "kind"  # the word that chooses among sections
    ]
    assert len(_sections()) > 60
    assert sorted(silent) == []
