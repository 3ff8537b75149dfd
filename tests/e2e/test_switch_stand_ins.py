"""Moves to and from AIBrix and KubeAI under load, whose control planes are stand-ins here (ADR 44): test_switch.py.

What docs/backends/moving.md says of each holds: AIBrix sees no rollout of a Deployment that is there, neither when it
gets the labels nor when it loses them; KubeAI's path is another one, and two Leases of its stay.

Each move takes minutes: `BACKENDS=none`, as `make e2e` has it, leaves them out; so does any that names neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from local.commands.completion import ask
from local.engine.operators.aibrix.model_router import grant_name
from tests.e2e.asking import MOVED
from tests.e2e.cluster import Cluster, eventually
from tests.e2e.conftest import Platform
from tests.e2e.inventory import Inventory
from tests.e2e.loading import changed_stack
from tests.e2e.moving import MovingModel, two_servers
from tests.e2e.prerequisites import prerequisites, replaced_with_nodes, through_its_gateway

pytestmark = pytest.mark.e2e

SAMPLE = {name for name in os.environ.get("BACKENDS", "").split(",") if name}
STACK, MODEL = "local", "qwen"
ROUTE = ("gateway.networking.k8s.io", "v1", "aibrix-system", "httproutes", f"{MODEL}-router")
GRANT = ("gateway.networking.k8s.io", "v1beta1", "models", "referencegrants", grant_name("models"))
OF_AIBRIX = {f"HTTPRoute {ROUTE[2]}/{ROUTE[4]}", f"ReferenceGrant {GRANT[2]}/{GRANT[4]}"}
# docs/backends/kubeai.md: they have no owner.
LEASES = {"kubeai.org", "cc6bca10.substratus.ai"}


def _settings(settings: dict[str, Any], model: dict[str, Any]) -> None:
    """What both ask for: the name, weights on a volume, the usual drain."""
    two_servers(settings, model)
    settings["cluster"]["storageClasses"] = ["efs"]
    model |= {"servedName": MODEL, "cache": {"kind": "persistentVolume", "storageClass": "efs"}}


@pytest.fixture(scope="module")
def before(request: pytest.FixtureRequest) -> Iterator[Inventory]:
    """The platform with what both pages say to be there first."""
    if SAMPLE and not SAMPLE & {"aibrix", "kubeai"}:
        pytest.skip(f"neither aibrix nor kubeai is in BACKENDS={','.join(sorted(SAMPLE))}")
    platform: Platform = request.getfixturevalue("platform")
    nothing = Inventory.settled(platform)
    with prerequisites(platform, "aibrix"), prerequisites(platform, "kubeai"):
        yield nothing.and_now(platform)


@pytest.fixture(scope="module")
def moving(before: Inventory, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovingModel]:
    file = changed_stack(tmp_path_factory.mktemp("switch"), _settings)
    platform.run("up", "--stack-file", str(file))
    try:
        yield MovingModel(platform, file)
    finally:
        if platform.stack(STACK).resource_count() > 1:
            platform.run("down", "--stack", STACK, check=False)


@pytest.fixture(scope="module")
def cluster(moving: MovingModel) -> Cluster:
    return Cluster(moving.platform)


def _is_there(cluster: Cluster, group: str, version: str, namespace: str, plural: str, name: str) -> bool:
    try:
        cluster.custom.get_namespaced_custom_object(group, version, namespace, plural, name)
    except ApiException as error:
        if error.status != 404:
            raise
        return False
    return True


def _restart_aibrix(cluster: Cluster) -> None:
    """`kubectl -n aibrix-system rollout restart deployment/aibrix-controller-manager`."""
    annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    cluster.apps.patch_namespaced_deployment("aibrix-controller-manager", "aibrix-system", patch)


def _assert_routed(moving: MovingModel, cluster: Cluster) -> None:
    eventually("routed", lambda: _is_there(cluster, *ROUTE) and _is_there(cluster, *GRANT))
    assert eventually("answered", lambda: ask(through_its_gateway(moving.platform, "aibrix"))).model == MODEL


def test_aibrix_gets_a_rollout_of_the_deployment_and_its_route_when_its_controller_restarts(
    moving: MovingModel, cluster: Cluster
) -> None:
    first = moving.objects()
    uid = _deployment(cluster)
    assert not moving.to("aibrix").again
    assert _deployment(cluster) == uid
    assert moving.objects() == first, "no route yet"
    _restart_aibrix(cluster)
    _assert_routed(moving, cluster)
    assert not moving.to("deployment").again
    assert _deployment(cluster) == uid
    assert moving.objects() - first == OF_AIBRIX, "it sees no rollout either way"
    for kind in (ROUTE, GRANT):
        cluster.custom.delete_namespaced_custom_object(*kind[:4], kind[4])
    assert moving.objects() == first


def _deployment(cluster: Cluster) -> str:
    return str(cluster.apps.read_namespaced_deployment(MODEL, "models").metadata.uid)


def test_kubeai_asks_below_another_path_and_leaves_two_leases(moving: MovingModel, cluster: Cluster) -> None:
    first = moving.objects()
    for backend in ("kubeai", "deployment"):
        assert moving.to(backend).again.keys() <= {MOVED}
    eventually("left nothing else", lambda: moving.objects() == first, lambda: moving.objects() ^ first)
    leases = client.CoordinationV1Api(cluster.api).list_namespaced_lease("models").items
    assert {lease.metadata.name for lease in leases} == LEASES


def test_between_the_two_the_deployment_goes_and_comes_and_aibrix_sees_both(
    moving: MovingModel, cluster: Cluster
) -> None:
    moving.to("aibrix")
    _restart_aibrix(cluster)
    _assert_routed(moving, cluster)
    moving.to("kubeai")
    eventually("unrouted", lambda: not _is_there(cluster, *ROUTE) and not _is_there(cluster, *GRANT))
    moving.to("aibrix")
    _assert_routed(moving, cluster)


def test_a_destroy_leaves_what_was_there_before(moving: MovingModel, before: Inventory) -> None:
    moving.platform.run("down", "--stack", STACK)
    assert moving.platform.stack(STACK).resource_count() == 0
    before.assert_nothing_more(moving.platform, other=replaced_with_nodes("aibrix"))
