"""How an update goes on: what rolls, what is replaced, in which order, how long it takes, and what serves meanwhile.

Made of the changes against another revision. Which property makes nodes or pods roll is rolling.csv; how long that
takes are the plan's own figures (`StackPicture.rolls`). The order is the engine's: a resource comes after those that it
depends on, so the whole takes as long as the longest way through the recorded dependencies.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from planning.model import POOL_LABEL, AwayPicture, RollPicture, StackPicture
from planning.versions.definitions import definitions_of
from preview.dependencies import needed_by, reached
from preview.report_model import Action, Change, How, Phase, Step, Update
from preview.switches import Switch, steps_of
from preview.values import UNKNOWN
from preview.words import canary_words, kind

TABLE = Path(__file__).resolve().parent / "rolling.csv"
Resource = Mapping[str, Any]
CLUSTER, ADDON = "aws:eks/cluster:Cluster", "aws:eks/addon:Addon"
GROUP, RELEASE = "aws:eks/nodeGroup:NodeGroup", "kubernetes:Release"
PHASES: tuple[Phase, ...] = get_args(Phase)
_BY_HAND = "hand"


@cache
def rolling() -> Mapping[str, tuple[tuple[str, ...], str]]:
    """By type (of Kubernetes: by kind): the properties, none for all of them, and what they set going."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["type"]: (tuple(row["properties"].split()), row["what"]) for row in csv.DictReader(file)}


def short_type(token: str) -> str:
    """`kubernetes:Deployment` of `kubernetes:apps/v1:Deployment`; AWS' types as they are."""
    return f"kubernetes:{token.rsplit(':', 1)[-1]}" if token.startswith("kubernetes:") else token


def effect(change: Change) -> str | None:
    """What a change in place sets going, as rolling.csv has it; None: nothing but the change."""
    properties, what = rolling().get(short_type(change["type"]), ((), None))
    if what is None or change["action"] != "changed":
        return None
    moved = [field["path"] for field in change["fields"]]
    return (
        what if not properties or any(_below(path, property_) for path in moved for property_ in properties) else None
    )


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


@dataclass(frozen=True)
class _Stack:
    """What the steps are made of: resources of the working tree by URN, and the plan's figures."""

    resources: Mapping[str, Resource]
    picture: StackPicture

    def roll(self, name: str, what: str = "nodes", namespace: str = "") -> RollPicture | None:
        """The figures of a pool (`nodes`), or of a Deployment in its namespace (`pods`)."""
        key = (what, name, namespace)
        return next((roll for roll in self.picture.rolls if (roll.kind, roll.name, roll.namespace) == key), None)

    def time(self, step: str) -> tuple[float | None, float | None]:
        """Of a step that the plan has no figures of."""
        time = next(candidate for candidate in self.picture.step_times if candidate.step == step)
        return time.low_seconds, time.high_seconds

    def reached(self, urn: str) -> frozenset[str]:
        """All that a resource depends on."""
        return reached(urn, self.resources)


def update_of(
    changes: Sequence[Change], resources: Sequence[Resource], picture: StackPicture, switched: Sequence[Switch] = ()
) -> Update:
    """The steps in order, and how long they take together. Empty where nothing changes."""
    stack = _Stack({resource["urn"]: resource for resource in resources}, picture)
    own = [change for change in changes if not change["type"].startswith(("vllm-on-eks:", "pulumi:"))]
    update_steps = [*steps_of(switched), *_own_steps(own, stack), *_nodes_steps(own, stack)]
    steps = sorted(update_steps, key=lambda step: (PHASES.index(step["phase"]), step["what"]))
    steps += _rest(own, {urn for step in steps for urn in step["urns"]}, stack)
    steps.sort(key=lambda step: PHASES.index(step["phase"]))
    low, high = _longest(steps, stack)
    return {"steps": steps, "low_seconds": low, "high_seconds": high}


def _step(
    phase: Phase,
    what: str,
    how: How,
    urns: list[str],
    seconds: tuple[float | None, float | None],
    words: list[str],
    away: Sequence[AwayPicture] = (),
) -> Step:
    low, high = (None if end is None else round(end) for end in seconds)
    return {
        "phase": phase,
        "what": what,
        "how": how,
        "urns": urns,
        "low_seconds": low,
        "high_seconds": high,
        "words": words,
        "away": [
            {
                "model": away_from.model,
                "low_seconds": round(away_from.low_seconds),
                "high_seconds": round(away_from.high_seconds),
            }
            for away_from in away
        ],
    }


def _own_steps(changes: Sequence[Change], stack: _Stack) -> Iterator[Step]:
    """Control plane, add-ons, charts, models: a change each."""
    for change in changes:
        what, name, urns = effect(change), change["name"], [change["urn"]]
        if what == "control plane":
            move = next(field for field in change["fields"] if field["path"] == "version")
            said = f"Kubernetes {move['before']} → {move['after']}"
            words = ["the API server stays reachable, single requests may have to be sent again"]
            yield _step("control plane", said, "in place", urns, stack.time("control plane"), words)
            yield from _followers(str(move["after"]), changes, stack)
        elif what == "add-on":
            yield _addon(change["urn"], _moved(change, "addonVersion", name), stack)
        elif what == "chart":
            yield _chart(change, stack)
        elif what == "pods":
            yield _pods(change, stack)


def _followers(version: str, changes: Sequence[Change], stack: _Stack) -> Iterator[Step]:
    """Add-ons without a pin: EKS' default for the cluster's version, which only AWS knows."""
    urns = {change["urn"] for change in changes}
    for urn, resource in stack.resources.items():
        if resource["type"] == ADDON and urn not in urns and resource["inputs"].get("addonVersion") == UNKNOWN:
            yield _addon(urn, f"{resource['name']}: EKS' default for {version}", stack)


def _addon(urn: str, what: str, stack: _Stack) -> Step:
    later = any(stack.resources[waiting]["type"] == GROUP for waiting in stack.reached(urn))
    phase: Phase = "add-ons on nodes" if later else "add-ons"
    return _step(phase, f"add-on {what}", "in place", [urn], stack.time("add-on"), ["its pods roll node by node"])


def _moved(change: Change, path: str, name: str) -> str:
    move = next((field for field in change["fields"] if field["path"] == path), None)
    return name if move is None else f"{name}: {move['before'] or 'followed'} → {move['after'] or 'followed'}"


def _chart(change: Change, stack: _Stack) -> Step:
    inputs = stack.resources[change["urn"]]["inputs"]
    words = []
    moved = definitions_of(str(inputs.get("chart")))
    if moved is not None and moved.by != "none" and any(field["path"] == "version" for field in change["fields"]):
        before = "by hand, before this update: " if moved.by == _BY_HAND else ""
        words = [f"definitions (CRDs): {before}{moved.words}"]
    most = inputs.get("timeout")
    seconds = (stack.time("release")[0], float(most) if isinstance(most, int | float) else None)
    return _step("cluster", f"chart {_moved(change, 'version', str(inputs.get('name')))}", "in place", [change["urn"]],
                 seconds, words)  # fmt: skip


def _pods(change: Change, stack: _Stack) -> Step:
    metadata = stack.resources[change["urn"]]["inputs"].get("metadata") or {}
    roll = stack.roll(str(metadata.get("name")), "pods", str(metadata.get("namespace")))
    if roll is None:
        return _step("cluster", f"pods of {change['name']}", "rolls", [change["urn"]], (None, None), [])
    order = (
        f"{roll.at_once} new before as many old ones leave" if roll.first_new else "one leaves before a new one starts"
    )
    what, words = f"{_span(roll.count)} pods of {roll.name}", [order, *canary_words(roll.canary)]
    return _step("models", what, "rolls", [change["urn"]], roll.seconds, words, roll.away)


def _nodes_steps(changes: Sequence[Change], stack: _Stack) -> Iterator[Step]:
    """Pools whose nodes are replaced, whatever sets it going: their own fields, a template's, the control plane's."""
    causes: dict[str, list[str]] = {}
    for change in changes:
        what = effect(change)
        if what == "template":
            for urn, resource in stack.resources.items():
                named = resource.get("propertyDependencies", {}).get("launchTemplate", ())
                if resource["type"] == GROUP and change["urn"] in named:
                    causes.setdefault(urn, []).append(change["urn"])
        elif what in ("nodes", "karpenter"):
            causes.setdefault(change["urn"], []).append(change["urn"])
        elif what == "control plane":
            for urn, resource in stack.resources.items():
                if short_type(resource["type"]) == "kubernetes:NodePool":
                    causes.setdefault(urn, []).append(change["urn"])
        elif change["type"] == GROUP and change["action"] == "replaced":
            yield _pool(change["urn"], [change["urn"]], "replaced", stack)
    pools: dict[str, list[str]] = {}
    for urn, of in causes.items():
        pools.setdefault(_pool_name(stack.resources[urn]), []).extend((urn, *of))
    for urns in pools.values():
        yield _pool(urns[0], list(dict.fromkeys(urns)), "rolls", stack)


def _pool_name(resource: Resource) -> str:
    inputs = resource["inputs"]
    labels, metadata = inputs.get("labels"), inputs.get("metadata")
    if isinstance(labels, Mapping) and POOL_LABEL in labels:
        return str(labels[POOL_LABEL])
    return str((metadata or {}).get("name", resource["name"]))


def _pool(urn: str, urns: list[str], how: How, stack: _Stack) -> Step:
    name = _pool_name(stack.resources[urn])
    roll = stack.roll(name)
    if roll is None:
        return _step("nodes", f"nodes of {name}", how, urns, (None, None), [])
    of_karpenter = stack.resources[urn]["type"] != GROUP
    at_once = f"{roll.at_once} at once, " + (
        "new ones first" if roll.first_new else "a new one when an old one has left"
    )
    words = [at_once, "budgets of pods hold"]
    if how == "replaced":
        words = ["a new group first, then the old one is drained and goes", "budgets of pods hold"]
    if of_karpenter:
        words.append("Karpenter does it by itself, after the update has ended")
    elif roll.drain_seconds > stack.picture.eviction_seconds:
        words.append(
            f"a full node may drain for {roll.drain_seconds / 60:.0f} min, and EKS waits "
            f"{stack.picture.eviction_seconds / 60:.0f}: then the update fails (PodEvictionFailure) and is run again, "
            "or disruptionBudget.maxUnavailable lets more pods go at once"
        )
    phase: Phase = "afterwards" if of_karpenter else "nodes"
    return _step(phase, f"{_span(roll.count)} nodes of {name}", how, urns, roll.seconds, words, roll.away)


def _span(count: tuple[int, int]) -> str:
    return str(count[0]) if count[0] == count[1] else f"{count[0]}–{count[1]}"


def _rest(changes: Sequence[Change], urns_told: set[str], stack: _Stack) -> list[Step]:
    """All other changes, by phase and action: quick ones, and what is taken away, which the engine does last."""
    parts: dict[tuple[Phase, Action], list[Change]] = {}
    for change in changes:
        if change["urn"] in urns_told:
            continue
        phase: Phase = "afterwards" if change["action"] == "deleted" else _phase(change["type"])
        parts.setdefault((phase, change["action"]), []).append(change)
    steps = []
    for (phase, action), some in parts.items():
        names = [f"{kind(urn['type'])} {urn['name']}" for urn in some]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        how: How = "in place" if action == "changed" else action
        steps.append(_step(phase, shown, how, [urn["urn"] for urn in some], (None, None), []))
    return steps


def _phase(token: str) -> Phase:
    by_type: Mapping[str, Phase] = {CLUSTER: "control plane", ADDON: "add-ons", GROUP: "nodes"}
    return by_type.get(token) or ("cluster" if token.startswith("kubernetes:") else "account")


def _longest(steps: Sequence[Step], stack: _Stack) -> tuple[int, int]:
    """Seconds of the longest way through what depends on each other; Karpenter's nodes roll after it."""
    weights: dict[str, tuple[float, float]] = {}
    for step in steps:
        if step["phase"] != "afterwards":
            for urn in step["urns"][:1]:
                weights[urn] = (step["low_seconds"] or 0, step["high_seconds"] or 0)
    ends: dict[str, tuple[float, float]] = {}
    for urn in stack.resources:
        _end(urn, stack.resources, weights, ends)
    lows, highs = zip(*ends.values(), strict=True) if ends else ((0.0,), (0.0,))
    return round(max(lows)), round(max(highs))


def _end(urn: str, resources: Mapping[str, Resource], weights: Mapping[str, tuple[float, float]],
         ends: dict[str, tuple[float, float]]) -> tuple[float, float]:  # fmt: skip
    if urn not in ends:
        ends[urn] = (0.0, 0.0)  # a circle, which the engine would refuse, ends here
        before = [_end(urn, resources, weights, ends) for urn in needed_by(resources[urn]) if urn in resources]
        own = weights.get(urn, (0.0, 0.0))
        low, high = (max((urn[end] for urn in before), default=0.0) + own[end] for end in (0, 1))
        ends[urn] = (low, high)
    return ends[urn]
