"""A model that changes its serving backend: what comes first, what goes after, where its clients ask, what it needs.

Which resources mark a backend, and what is particular about moves to and from it, is switches.csv; the rest is the
plan's own figures (`StackPicture.moves`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from planning.model import MovePicture, StackPicture
from planning.units import amount
from preview.report_model import Step
from settings.findings import Finding, Severity

Resource = Mapping[str, Any]
TABLE = Path(__file__).resolve().parent / "switches.csv"
COMPONENT = "vllm-on-eks:index:VllmModel"


@dataclass(frozen=True)
class Mark:
    """A resource that only this backend's models have, by the end of its name; or a label of their Deployment.

    The other fields are words about a move, `{name}` the model's; empty: there is nothing to say.
    """

    backend: str
    endings: tuple[str, ...]
    """Any of them; none: its label tells."""
    label: str
    pods: str
    """Which backends share the pods: they stay where both sides have the same word."""
    comes: str
    goes: str
    comes_to_pods: str
    goes_from_pods: str
    """As `comes` and `goes`, where the pods stay."""
    at_once: str
    """The old servers leave at once: there is no condition of the new ones to wait for, only a number."""
    loses: str
    """Why a move to it or from it costs requests."""


@dataclass(frozen=True)
class Switch:
    """One model, from one backend to another; `made`, `gone`: URNs; `paths`: of its API, before and after."""

    move: MovePicture
    before: str
    after: str
    made: tuple[str, ...]
    gone: tuple[str, ...]
    paths: tuple[str, str]

    @property
    def takes_over(self) -> bool:
        """Whether the old servers leave at once."""
        return bool(marks()[self.after].at_once) and not self.move.exact

    @property
    def servers_move(self) -> bool:
        """Whether other pods serve afterwards."""
        return marks()[self.before].pods != marks()[self.after].pods


@cache
def marks() -> dict[str, Mark]:
    """By backend, in the order of the table: what says most comes first."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(line for line in file if not line.startswith("#"))
        words = {field.name for field in fields(Mark)} - {"endings"}
        rows = (Mark(endings=tuple(row["endings"].split()), **{word: row[word] for word in words}) for row in lines)
        return {row.backend: row for row in rows}


def switches(before: Sequence[Resource], after: Sequence[Resource], picture: StackPicture) -> list[Switch]:
    """The models that change their backend, in the plan's order: of two recordings."""
    switched = (_switch(move, before, after, picture.api_paths) for move in picture.moves)
    return [switch for switch in switched if switch is not None]


def _switch(
    move: MovePicture, before: Sequence[Resource], after: Sequence[Resource], paths: Mapping[str, str]
) -> Switch | None:
    old, new = _parts(move.model, before), _parts(move.model, after)
    was, will = _served_by(move.model, old), _served_by(move.model, new)
    if was is None or will is None or was == will:
        return None
    made, gone = ([part["urn"] for part in here.values() if part["urn"] not in _urns(there)]
                  for here, there in ((new, old), (old, new)))  # fmt: skip
    return Switch(move, was, will, tuple(made), tuple(gone), (paths[was], paths[will]))


def _parts(model: str, resources: Sequence[Resource]) -> dict[str, Resource]:
    """What marks a backend of this model, by its name; a model that is called as another one's part is none."""
    names = {f"{model}{ending}" for mark in marks().values() for ending in mark.endings}
    return {
        resource["name"]: resource for resource in resources
        if resource["name"] in names and COMPONENT in resource["urn"] and resource["type"] != COMPONENT
    }  # fmt: skip


def _urns(parts: Mapping[str, Resource]) -> set[str]:
    return {part["urn"] for part in parts.values()}


def _served_by(model: str, parts: Mapping[str, Resource]) -> str | None:
    """None: nothing serves it, so it is not there."""
    labels = {
        label for part in parts.values() for label in (part.get("inputs") or {}).get("metadata", {}).get("labels") or ()
    }
    for mark in marks().values():
        if mark.label in labels if not mark.endings else any(f"{model}{ending}" in parts for ending in mark.endings):
            return mark.backend
    return None


def steps_of(switched: Sequence[Switch]) -> Iterator[Step]:
    """One step each."""
    for switch in switched:
        low, high = map(round, switch.move.seconds)
        yield {
            "phase": "models",
            "what": f"servers of {switch.move.model}: backend {switch.before} → {switch.after}",
            "how": "replaced" if switch.servers_move else "in place",
            "urns": [*switch.made, *switch.gone],
            "low_seconds": low if switch.servers_move else None,
            "high_seconds": high if switch.servers_move else None,
            "words": [*_servers(switch), *_way(switch), *_address(switch)],
            "away": [],
        }


def _servers(switch: Switch) -> Iterator[str]:
    move = switch.move
    if not switch.servers_move:
        yield "its server pods stay" if marks()[switch.before].label == marks()[switch.after].label else "its pods roll"
        return
    where = "the node of its volume" if move.on_one_node else f"pool {move.pool}"
    free = f"{amount(move.gpus, 'GPU')} free in {where}"
    servers = amount(move.new_servers, "new server")
    if switch.takes_over:
        yield f"{servers} in the place of those that run"
        yield marks()[switch.after].at_once
    else:
        yield f"{servers} beside those that run: needs {free}"
        yield "the old ones leave when those are Ready, and finish their requests"
    if move.new_servers < move.fewest:
        yield (
            f"then the autoscaler goes from {move.new_servers} to {move.fewest}: for the move write "
            f"autoscaling: {{kind: none, minReplicas: {move.fewest}}}"
        )


def _way(switch: Switch) -> Iterator[str]:
    before, after = marks()[switch.before], marks()[switch.after]
    words = [after.comes, before.goes]
    if not switch.servers_move:
        words += [after.comes_to_pods, before.goes_from_pods]
    yield from (word.format(name=switch.move.model) for word in words if word)


def _address(switch: Switch) -> Iterator[str]:
    old, new = switch.paths
    yield (
        "the Service and its address stay" if old == new else f"clients of the Service ask below {new} then, not {old}"
    )


def of_switches(switched: Sequence[Switch]) -> Iterator[Finding]:
    """What stands against it: no room for the new servers beside the old, or requests that it would cost."""
    for switch in switched:
        yield from _costs(switch)
        if switch.servers_move and not switch.takes_over and not switch.move.fits_at_most:
            yield _no_room(switch)


def _costs(switch: Switch) -> Iterator[Finding]:
    """Where pods have labels of their own, by which Service, policies and budget go: these move at once."""
    why = marks()[switch.before].loses or marks()[switch.after].loses
    if why:
        name = switch.move.model
        yield Finding(
            name,
            "backend-move-loss",
            Severity.WARNING,
            f"moving from backend {switch.before} to {switch.after} loses requests: {why}",
            f"add a second model with backend {switch.after} beside {name}, move the clients, then take {name} away",
        )


def _no_room(switch: Switch) -> Finding:
    move = switch.move
    never = not move.fits_at_fewest
    when = "even at its fewest replicas" if never else "while its models have all their replicas"
    return Finding(
        move.model,
        "backend-move-room",
        Severity.ERROR if never else Severity.WARNING,
        f"to move from backend {switch.before} to {switch.after} pool {move.pool} needs room for "
        f"{amount(move.new_servers, 'server')} more, and has none {when}: the new ones would stay Pending, and the "
        "update would end with its time-out and the old ones still serving",
        f"raise nodePools {move.pool} maxNodes for the move, or lower a model's replicas there"
        + ("" if never else ", or move it while there is little traffic"),
    )
