"""A model that changes its serving backend: the preview says how, and whether there is room."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.serving.backends import BACKENDS
from planning.backends.table import backends, rendered
from planning.model import MovePicture, ServedModel, StackPicture
from planning.picture import picture
from preview.switches import COMPONENT, TABLE, Switch, marks, of_switches, steps_of, switches
from preview.words import step_line
from settings.findings import Severity
from tests.components.plans import CANARY_MODEL, GROUP_MODEL, MODEL, on
from tests.components.serving.recorded import recorded
from tests.golden import assert_matches
from tests.planning.stacks import model, planned, pool, stack

GOLDEN = Path(__file__).parent / "goldens" / "switches.txt"
MOVE = MovePicture(
    model=MODEL.name, pool="l4", new_servers=1, gpus=1, fewest=1, fits_at_fewest=True,
    fits_at_most=True, on_one_node=False, exact=False, seconds=(60, 600),
)  # fmt: skip


@cache
def served_on(backend: str) -> list[dict[str, Any]]:
    return resources(on(MODEL, backend))


def resources(*models: ServedModel) -> list[dict[str, Any]]:
    return [
        {"urn": each.urn, "type": each.type, "name": each.name, "inputs": each.inputs}
        for each in recorded(*models).registrations
    ]


def pictured(**changed: Any) -> StackPicture:
    paths = {name: row.path for name, row in backends().items()}
    return StackPicture((), (), (), moves=(replace(MOVE, **changed),), api_paths=paths)


def switched(before: str, after: str, **changed: Any) -> list[Switch]:
    return switches(served_on(before), served_on(after), pictured(**changed))


def test_every_way_between_two_backends_is_told() -> None:
    lines = []
    for before in rendered():
        assert switched(before, before) == []
        for after in rendered():
            if before == after:
                continue
            (switch,) = switched(before, after)
            (step,) = steps_of([switch])
            lines.append(step_line(step))
            assert (switch.before, switch.after) == (before, after)
            servers = {
                name.removeprefix(MODEL.name) for urn in step["urns"]
                for name in (urn.rpartition("::")[2],)
                if name.endswith(("-deployment", "-inference-service", "-ray-service", "-kubeai-model"))
            }  # fmt: skip
            assert bool(servers) == (step["how"] == "replaced"), "pods that stay are no servers that move"
            assert len(servers) in (0, 2), "those that come and those that go"
    assert_matches(GOLDEN, "\n".join(lines) + "\n")


def test_no_other_change_is_a_switch() -> None:
    here = on(MODEL, "kserve")
    flag = replace(here, args=(*here.args, "--max-num-seqs=32"))
    assert switches(resources(here), resources(flag), pictured()) == []
    assert switches([], resources(here), pictured()) == [], "a model that is new"
    assert switches(resources(here), [], pictured()) == [], "one that goes"
    plain = on(MODEL, "deployment")
    beside = replace(plain, name=f"{MODEL.name}-router")
    both = switches(resources(plain), resources(plain, beside), pictured())
    assert both == [], "a model that is called as another one's part"


@pytest.mark.parametrize(
    ("most", "severity"),
    [({}, None), ({"fits_at_most": False}, "warning"), ({"fits_at_most": False, "fits_at_fewest": False}, "error")],
)
def test_a_pool_without_room_for_both_is_told_before(most: dict[str, bool], severity: str | None) -> None:
    findings = list(of_switches(switched("deployment", "kserve", **most)))
    assert [finding.severity for finding in findings] == ([] if severity is None else [Severity(severity)])
    assert all("maxNodes" in finding.fix and "l4" in finding.text for finding in findings)
    assert list(of_switches(switched("deployment", "production-stack", **most))) == [], "no other server starts"


def test_where_the_old_servers_leave_at_once_no_room_beside_them_is_asked_for() -> None:
    full = switched("deployment", "kubeai", fits_at_most=False, fits_at_fewest=False)
    assert [finding.rule for finding in of_switches(full)] == ["backend-move-loss"]
    (step,) = steps_of(full)
    assert not [word for word in step["words"] if "beside" in word]
    waited = switched("deployment", "kubeai", fits_at_most=False, exact=True)
    assert "backend-move-room" in [finding.rule for finding in of_switches(waited)]


@pytest.mark.parametrize("before", [CANARY_MODEL, GROUP_MODEL], ids=["canary", "group"])
def test_servers_that_are_no_deployment_are_seen_to_move(before: ServedModel) -> None:
    served = replace(MODEL, name=before.name)
    moved = switches(resources(before), resources(on(served, "kserve")), pictured(model=before.name))
    assert [(switch.before, switch.after) for switch in moved] == [("deployment", "kserve")]


@pytest.mark.parametrize("backend", rendered())
def test_only_kubeai_costs_requests(backend: str) -> None:
    other = "kserve" if backend == "deployment" else "deployment"
    for before, after in ((backend, other), (other, backend)):
        told = [finding.rule for finding in of_switches(switched(before, after))]
        assert told == (["backend-move-loss"] if backend == "kubeai" else [])


def test_fewer_servers_than_the_autoscaler_holds_and_a_volume_are_told() -> None:
    (step,) = steps_of(switched("kserve", "deployment", fewest=3, on_one_node=True))
    assert any("autoscaling: {kind: none, minReplicas: 3}" in word for word in step["words"])
    assert any("the node of its volume" in word for word in step["words"])


@pytest.mark.parametrize(
    ("nodes", "scaling", "fits"),
    [
        (1, {"maxReplicas": 1}, (False, False)),
        (2, {"maxReplicas": 1}, (True, True)),
        (2, {"minReplicas": 1, "maxReplicas": 2}, (True, False)),
        (2, {"kind": "none", "minReplicas": 2}, (False, False)),
        (4, {"kind": "none", "minReplicas": 2}, (True, True)),
    ],
)
def test_the_plan_knows_whether_the_pool_has_room_for_both(
    nodes: int, scaling: dict[str, Any], fits: tuple[bool, bool]
) -> None:
    sections = {"nodePools": [pool(maxNodes=nodes)], "models": [model(autoscaling=scaling)]}
    (move,) = picture(planned(**sections), stack(**sections)).moves
    assert (move.fits_at_fewest, move.fits_at_most) == fits
    assert move.new_servers == (2 if scaling.get("kind") == "none" else 1)


def test_every_pod_of_a_replica_on_several_nodes_is_counted() -> None:
    group = {"nodes": 2, "tensorParallel": 4, "pipelineParallel": 2, "autoscaling": {"kind": "none", "minReplicas": 1}}
    sections = {
        "nodePools": [pool(instanceTypes=["g6.12xlarge"], zones=["us-east-1a"], minNodes=2, maxNodes=2)],
        "models": [model(**group)],
    }
    (move,) = picture(planned(**sections), stack(**sections)).moves
    assert (move.gpus, move.fits_at_fewest) == (8, False)


def test_every_backend_has_its_mark_with_a_dated_source() -> None:
    assert set(marks()) == set(BACKENDS)
    assert list(marks())[-1] == "deployment", "it is taken where nothing else is marked"
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(line for line in file if not line.startswith("#"))
        assert all(row["source"] and row["read"] for row in lines)
    assert COMPONENT in resources(MODEL)[-1]["urn"]


def test_what_is_particular_about_a_backend_is_said_by_its_row_alone() -> None:
    """A backend of the table is no branch of the code."""
    code = (Path(switches.__code__.co_filename)).read_text(encoding="utf-8")
    assert [name for name in BACKENDS if f'"{name}"' in code or f"Backend.{name.upper()}" in code] == []
