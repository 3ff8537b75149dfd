"""The watcher plays an update of a group on nodes of the API server, and tells the endpoint how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from local.aws_endpoint.contract.update_config import EVICTION_SECONDS
from local.nodes.groups import PlatformNodeGroup, WantedNode
from local.nodes.rendering import GROUP_ANNOTATION, LAUNCH_ANNOTATION, LAUNCH_LABELS, render_nodes
from local.nodes.rolls import BALANCER_LABEL, NodeRolls
from tests.local.nodes.test_autoscaler import READY, live, server
from tests.local.nodes.test_watcher import CAPACITY, GROUP, SUBNETS

OLD = {
    **GROUP, "clusterName": "prod", "releaseVersion": "1.34.2-20251108",
    "launchTemplate": {"id": "lt-1", "version": "1"}, "updateConfig": {"updateStrategy": "MINIMAL"},
    "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 2},
}  # fmt: skip
UPDATE = {
    "region": "eu-west-1", "cluster": "prod", "group": "l4", "arn": GROUP["nodegroupArn"], "update": "u",
    "version": "1.35", "releaseVersion": "1.35.0-20260128", "launchTemplate": {"id": "lt-1", "version": "2"},
    "force": False,
}  # fmt: skip


class Played:
    """API server, endpoint, clock; nodes join and leave as the watcher makes them. `budget`: evictions it forbids."""

    def __init__(self, budget: bool = False, **described: Any) -> None:
        self.described = {**OLD, **described}
        self.now, self.budget, self.told, self.evicted = 0.0, budget, [], []  # type: ignore[var-annotated]
        self.nodes = {each["metadata"]["name"]: self._live(each) for each in
                      render_nodes(self.described, SUBNETS, CAPACITY, range(2))}  # fmt: skip
        first = next(iter(self.nodes))
        self.pods = [server("a", first)]
        self.rolls = NodeRolls(self, self, self._ask, lambda _: None, 60.0, lambda: self.now)  # type: ignore[arg-type]

    @staticmethod
    def _live(manifest: Mapping[str, Any]) -> Any:
        made = json.loads(json.dumps(manifest))
        made["status"]["conditions"] = READY
        return live("V1Node", made)

    def _ask(self, path: str, told: Mapping[str, Any] | None) -> Any:
        if told is None:
            return [] if self.told else [UPDATE]
        self.told.append((path, told))
        return None

    def with_launch(self, group: PlatformNodeGroup, after: Mapping[str, Any]) -> PlatformNodeGroup:
        return PlatformNodeGroup(group.region, {**group.described, **after}, SUBNETS, CAPACITY)

    def patch_node(self, name: str, patch: Mapping[str, Any]) -> None:
        node = self.nodes[name]
        for kind in ("annotations", "labels"):
            kept = {**getattr(node.metadata, kind), **patch["metadata"].get(kind, {})}
            setattr(node.metadata, kind, {key: value for key, value in kept.items() if value is not None})
        node.spec.unschedulable = patch["spec"]["unschedulable"]

    def create_namespaced_pod_eviction(self, name: str, namespace: str, body: Any) -> None:
        assert body == {"metadata": {"name": name, "namespace": namespace}}
        if self.budget:
            raise ApiException(status=429)
        self.evicted.append(name)
        self.pods = []

    def look(self) -> dict[str, WantedNode]:
        group = PlatformNodeGroup("eu-west-1", self.described, SUBNETS, CAPACITY)
        wanted = self.rolls.look(self.rolls.under_way(), [group], list(self.nodes.values()), self.pods)
        if not self.told:
            self.nodes = {name: self.nodes.get(name) or self._live(wanted[name].manifest) for name in wanted}
        self.now += 20
        return wanted


def test_every_node_is_drained_replaced_and_the_end_is_told() -> None:
    played = Played()
    before = set(played.nodes)
    while not played.told:
        assert played.now < 2000
        played.look()
        assert len(played.nodes) in (1, 2), "minimal: one leaves before one comes"
    assert not before & set(played.nodes)
    assert played.evicted == ["a"]
    assert played.told == [
        ("node-updates/ended", {"region": "eu-west-1", "cluster": "prod", "group": "l4", "update": "u"})
    ]
    for node in played.nodes.values():
        assert node.metadata.annotations[LAUNCH_ANNOTATION] == "1.35 1.35.0-20260128 lt-1 2"
        assert node.metadata.labels[LAUNCH_LABELS[1]] == "2"
        assert node.status.node_info.kubelet_version.startswith("v1.35")
        assert not node.spec.unschedulable


def test_all_old_nodes_take_no_pods_and_no_traffic_from_outside_from_the_beginning() -> None:
    played = Played()
    played.look()
    assert {(node.spec.unschedulable, node.metadata.labels[BALANCER_LABEL]) for node in played.nodes.values()} == {
        (True, "true")
    }


def test_a_budget_that_never_lets_go_ends_the_update_and_the_old_nodes_take_pods_again() -> None:
    played = Played(budget=True)
    names = list(played.nodes)
    while not played.told:
        assert played.now < 2 * EVICTION_SECONDS
        played.look()
    ((_, told),) = played.told
    assert (told["code"], told["resources"]) == ("PodEvictionFailure", names[:1])
    assert played.now > EVICTION_SECONDS
    assert list(played.nodes) == names
    for node in played.nodes.values():
        assert node.spec.unschedulable is None
        assert BALANCER_LABEL not in node.metadata.labels
        assert not [key for key in node.metadata.annotations if key.endswith(("marked", "-at"))]


def test_another_error_of_the_api_server_is_raised() -> None:
    played = Played()
    played.look(), played.look()
    played.create_namespaced_pod_eviction = _refuses  # type: ignore[method-assign,assignment]
    with pytest.raises(ApiException):
        played.look()


def _refuses(**_: Any) -> None:
    raise ApiException(status=500)


def test_a_group_that_is_not_updated_is_not_touched() -> None:
    played = Played(nodegroupArn=GROUP["nodegroupArn"] + "-other")
    assert played.look() == {}
    assert {node.metadata.annotations[GROUP_ANNOTATION] for node in played.nodes.values()} == set()
