"""`ignore_changes` of every component: what a controller owns is said in planning/facts/controller_fields.csv only."""

from __future__ import annotations

from planning.cluster.controller_fields import ignored_fields


def controller_owned(type_: str, *, still_ours: bool = False) -> list[str]:
    """`ignore_changes` for a type (`kubernetes:Deployment`); nothing where the field is `still_ours` for now."""
    owned = list(ignored_fields(type_))
    return [] if still_ours else owned
