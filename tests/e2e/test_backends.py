"""Every serving backend on the platform: one model, three, a changed flag, load, and all of it gone again.

`BACKENDS=ray,kserve` brings up only those, `BACKENDS=none` (as `make e2e` has it: each takes minutes) nothing; without
it: all of which the operator's program is built. Rows of `backends.csv` say what is special about each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from local.commands.completion import ask
from local.stacks.stack_files import tool_needs
from planning.backends.table import OURS, rendered
from tests.e2e.asking import asking
from tests.e2e.backend_runs import STACK, BackendRun, Served, backend_runs, refused
from tests.e2e.cluster import eventually, skip_unless_built
from tests.e2e.conftest import Platform
from tests.e2e.engine_events import engine_steps, operations
from tests.e2e.inventory import Inventory
from tests.e2e.prerequisites import CONTROL_PLANES, prerequisites, replaced_with_nodes, through_its_gateway
from tests.e2e.told import recorded, told

pytestmark = pytest.mark.e2e

ROWS = backend_runs()
SAMPLE = [name for name in os.environ.get("BACKENDS", "").split(",") if name]
assert {row.name for row in ROWS} == set(rendered()), "a row of backends.csv for each backend"
assert set(SAMPLE) <= {*rendered(), "none"}, f"BACKENDS names what is no backend: {SAMPLE}"

THREE = {"qwen": {}, "second": {}, "third": {}}
CHANGED = {**THREE, "second": {"maxNumSeqs": 32}}


@pytest.fixture(scope="module")
def before(platform: Platform) -> Inventory:
    """What was there before any stack."""
    return Inventory.settled(platform)


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BackendRun:
    """A backend that can come up here; otherwise skipped with the reason."""
    its_row: BackendRun = request.param
    if SAMPLE and its_row.name not in SAMPLE:
        pytest.skip(f"not in BACKENDS={','.join(SAMPLE)}")
    if its_row.without:
        pytest.skip(its_row.without)
    platform: Platform = request.getfixturevalue("platform")
    file = its_row.write(tmp_path_factory.mktemp("needs"), THREE)
    skip_unless_built(*tool_needs(platform.paths, STACK, file))
    return its_row


@pytest.fixture(scope="module")
def there(row: BackendRun, platform: Platform, before: Inventory) -> Iterator[Inventory]:
    """With what the backend's page says to be in the cluster first; without it afterwards."""
    with prerequisites(platform, row.name):
        yield before.and_now(platform)


@pytest.fixture(scope="module")
def served(
    row: BackendRun, platform: Platform, there: Inventory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The platform for the backend's stack, which is not there afterwards."""
    began = time.monotonic()
    try:
        yield Served(platform, row, tmp_path_factory.mktemp(row.name))
    finally:
        if platform.stack(STACK).resource_count() > 1:
            platform.run("down", "--stack", STACK, check=False)
    print(f"{row.name}: {time.monotonic() - began:.0f} s from nothing to nothing")


def test_one_model_is_served(served: Served) -> None:
    output = served.up({"qwen": {}})
    assert ask(served.address("qwen")).model == "qwen", output
    assert len(served.pods("qwen")) == 1
    if served.row.name in CONTROL_PLANES:
        eventually("answered", lambda: ask(through_its_gateway(served.platform, served.row.name)).text)
    if served.row.program:
        assert served.platform.processes.is_alive(served.row.program)


def test_three_models_are_served_each_by_its_own_pods_and_name(served: Served) -> None:
    (first,) = served.pods("qwen")
    served.up(THREE)
    done = operations(engine_steps(served.platform, STACK))
    of_the_first = {name: what for name, what in done.items() if name.startswith("qwen")}
    assert of_the_first == {}, "what serves already is left alone"
    for name in THREE:
        assert ask(served.address(name)).model == name
    pods = {name: [pod.metadata.uid for pod in served.pods(name)] for name in THREE}
    assert pods["qwen"] == [first.metadata.uid]
    assert [len(uids) for uids in pods.values()] == [1, 1, 1]


def test_every_object_has_only_fields_that_its_kind_has(served: Served) -> None:
    bodies = list(served.written())
    kinds = {(body["apiVersion"], body["kind"], body["metadata"]["name"]) for body in bodies}
    version, kind, name = served.row.kind
    own = (version, kind, name.format(name="qwen"))
    assert own in kinds
    assert refused(served, bodies) == {}
    (body,) = [body for body in bodies if (body["apiVersion"], body["kind"], body["metadata"]["name"]) == own]
    (message,) = refused(served, [{**body, "spec": {**body["spec"], "noSuchField": 1}}]).values()
    assert "noSuchField" in message, "or nothing is looked at"


def test_prometheus_has_the_series_of_each_model_by_the_name_that_alerts_know(served: Served) -> None:
    for name in THREE:
        pods = {pod.metadata.name for pod in served.pods(name)}
        expression = f'vllm:num_requests_running{{namespace="models",model_name="{name}"}}'

        def scraped(asked: str = expression, pods: set[str] = pods) -> bool:
            return {series["metric"]["pod"] for series in served.query(asked)} == pods

        eventually(f"series of {name}'s pods", scraped, lambda asked=expression: served.query(asked))


def test_another_flag_of_one_model_updates_that_model_alone_as_the_preview_tells(
    served: Served, tmp_path: Path
) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    others = {name: [pod.metadata.uid for pod in served.pods(name)] for name in ("qwen", "third")}
    first = recorded(served.platform, STACK, folders[0])
    served.up(CHANGED)
    updates = dict.fromkeys(served.row.updated("second"), "update")
    assert operations(engine_steps(served.platform, STACK)) == updates
    said, _ = told(first, recorded(served.platform, STACK, folders[1]))
    assert {change["name"]: change["action"] for change in said} == dict.fromkeys(updates, "changed")
    told_so = ("--max-num-seqs=32", '"max_num_seqs": 32')

    def is_told() -> bool:
        return any(words in argument for argument in served.arguments("second") for words in told_so)

    # KubeAI says of no pod that it is outdated, so that `up` has nothing to wait for.
    eventually("told", is_told, lambda: served.arguments("second"))
    for name, uids in others.items():
        assert not any(words in argument for argument in served.arguments(name) for words in told_so)
        assert [pod.metadata.uid for pod in served.pods(name)] == uids
    assert ask(served.address("second")).model == "second"
    assert served.platform.stack(STACK).up(refresh=True).changes == 0


def test_replicas_follow_the_load_by_one_autoscaler_and_every_request_is_answered(served: Served) -> None:
    listed = client.AutoscalingV2Api(served.api).list_namespaced_horizontal_pod_autoscaler("models").items
    ours = {name: served.of_backend.deployment_of(name) for name in THREE} if served.of_backend.scaler == OURS else {}
    assert {item.metadata.name: item.spec.scale_target_ref.name for item in listed} == ours

    def ready() -> int:
        return sum(
            any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or ())
            for pod in served.pods("qwen")
        )

    began = time.monotonic()
    with asking(served.address("qwen"), "qwen") as asked:
        eventually("a second replica", lambda: ready() == 2, lambda: (ready(), asked))
    print(f"{served.row.name}: two replicas after {time.monotonic() - began:.0f} s; {asked}")
    assert asked.lost == []
    assert sum(asked.answered.values()) > 10, "or nothing was asked"
    for name in ("second", "third"):
        eventually(f"one server of {name}", lambda model=name: len(served.pods(model)) == 1)


def test_a_destroy_leaves_what_was_there_before(served: Served, there: Inventory) -> None:
    served.platform.run("down", "--stack", STACK)
    assert served.platform.stack(STACK).resource_count() == 0
    if served.row.program:
        assert not served.platform.processes.is_alive(served.row.program)
    there.assert_nothing_more(served.platform, other=replaced_with_nodes(served.row.name))
