"""Updates of managed node groups, done to the cluster's nodes as EKS' own workflow does them (rolling.py decides).

What is under way is asked of the AWS endpoint; where each node stands is written on the node itself, so that the
watcher may be stopped and started at any time.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes.client.exceptions import ApiException

from local.aws_endpoint.contract.update_config import at_once, surge
from local.nodes.demand import keeps_its_node
from local.nodes.groups import NodeGroups, PlatformNodeGroup, WantedNode, rendered_nodes
from local.nodes.rendering import GROUP_ANNOTATION, INDEX_ANNOTATION, LAUNCH_ANNOTATION, launch_of
from local.nodes.rolling import Moves, Roll, RollingNode, next_moves

CHOSEN_ANNOTATION, DRAINED_ANNOTATION = "vllm-on-eks.local/chosen-at", "vllm-on-eks.local/drained-at"
MARKED_ANNOTATION = "vllm-on-eks.local/marked"
"""Who made a node unschedulable: an operator's own cordon is not taken back."""
BALANCER_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
TIMEOUT_SECONDS = 10
Ask = Callable[[str, Mapping[str, Any] | None], Any]


def endpoint(url: str) -> Ask:
    """Asks the endpoint's own switches; what is told is sent with POST."""

    def ask(path: str, told: Mapping[str, Any] | None) -> Any:
        data = None if told is None else json.dumps(told).encode()
        request = urllib.request.Request(f"{url}/moto-api/local/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    return ask


@dataclass(frozen=True)
class _Pool:
    """A group under way: as it was and as it becomes, its nodes by index."""

    group: PlatformNodeGroup
    after: PlatformNodeGroup
    update: Mapping[str, Any]
    nodes: Mapping[int, Any]

    def wanted(self, launched: Sequence[int], ended: Sequence[int]) -> dict[str, WantedNode]:
        nodes: dict[str, WantedNode] = {}
        new = [*launched, *(index for index in self.nodes if self.is_new(index))]
        old = [index for index in self.nodes if not self.is_new(index)]
        for group, indices in ((self.after, new), (self.group, old)):
            nodes |= rendered_nodes(group, sorted(set(indices) - set(ended)))
        return nodes

    def is_new(self, index: int) -> bool:
        return bool(self.nodes[index].metadata.annotations.get(LAUNCH_ANNOTATION) == launch_of(self.after.described))


class NodeRolls:
    """Looks at every group that is being updated."""

    def __init__(
        self, core: Any, groups: NodeGroups, ask: Ask, say: Callable[[str], None], settle_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._core, self._groups, self._ask, self._say = core, groups, ask, say
        self._settle_seconds, self._clock = settle_seconds, clock
        self.launched: set[str] = set()
        """Names of the nodes that the last look asked for: they boot first."""

    def under_way(self) -> dict[str, Mapping[str, Any]]:
        """Updates by the ARN of their group."""
        return {update["arn"]: update for update in self._ask("node-updates", None)}

    def look(
        self, updates: Mapping[str, Mapping[str, Any]], groups: Sequence[PlatformNodeGroup], nodes: Sequence[Any],
        pods: Sequence[Any],
    ) -> dict[str, WantedNode]:  # fmt: skip
        """One step of each update; the nodes that its group should have now, by name."""
        wanted: dict[str, WantedNode] = {}
        self.launched = set()
        for group in groups:
            if group.arn in updates:
                pool = self._pool(group, updates[group.arn], nodes)
                moves = next_moves(_states(pool, pods), self._roll(pool), self._clock())
                self._act(pool, moves, pods)
                wanted |= pool.wanted(moves.launch, moves.terminate)
                self.launched |= rendered_nodes(pool.after, moves.launch).keys()
        return wanted

    def _pool(self, group: PlatformNodeGroup, update: Mapping[str, Any], nodes: Sequence[Any]) -> _Pool:
        after = {name: update[name] for name in ("version", "releaseVersion", "launchTemplate") if update.get(name)}
        own = {
            int(node.metadata.annotations[INDEX_ANNOTATION]): node
            for node in nodes
            if node.metadata.annotations[GROUP_ANNOTATION] == group.arn
        }
        return _Pool(group, self._groups.with_launch(group, after), update, own)

    def _roll(self, pool: _Pool) -> Roll:
        config = pool.group.described.get("updateConfig") or {}
        desired = pool.group.described["scalingConfig"]["desiredSize"]
        zones = len({subnet["AvailabilityZone"] for subnet in pool.group.subnets})
        return Roll(
            desired=desired,
            surge=surge(config, zones, desired),
            at_once=at_once(config, desired),
            force=bool(pool.update["force"]),
            zones=len(pool.group.subnets),
            settle_seconds=self._settle_seconds,
        )

    def _act(self, pool: _Pool, moves: Moves, pods: Sequence[Any]) -> None:
        name, now = pool.group.name, str(self._clock())
        for index in moves.mark:
            self._patch(pool.nodes[index], True, {MARKED_ANNOTATION: "true"}, "true")
        for index in moves.choose:
            self._patch(pool.nodes[index], True, {CHOSEN_ANNOTATION: now}, "true")
            self._say(f"{name}: {pool.nodes[index].metadata.name} is drained")
        for index in moves.drained:
            self._patch(pool.nodes[index], True, {DRAINED_ANNOTATION: now}, "true")
        for index in moves.evict:
            self._evict(pool.nodes[index].metadata.name, pods)
        if moves.failed:
            self._fail(pool, moves.failed)
        elif moves.is_over:
            self._end(pool, {})

    def _evict(self, node: str, pods: Sequence[Any]) -> None:
        """Asks the API server to evict what has not begun to leave; a disruption budget says no with 429."""
        for pod in _leaving(node, pods):
            if pod.metadata.deletion_timestamp is not None:
                continue
            where = {"name": pod.metadata.name, "namespace": pod.metadata.namespace}
            try:
                self._core.create_namespaced_pod_eviction(**where, body={"metadata": where})
            except ApiException as error:
                if error.status not in (404, 429):
                    raise

    def _fail(self, pool: _Pool, failed: Sequence[int]) -> None:
        """Old nodes that are still there take pods again."""
        for node in pool.nodes.values():
            if MARKED_ANNOTATION in node.metadata.annotations:
                gone = dict.fromkeys((MARKED_ANNOTATION, CHOSEN_ANNOTATION, DRAINED_ANNOTATION))
                self._patch(node, None, gone, None)
        words = f"Reached max retries while trying to evict pods from nodes in node group {pool.group.name}"
        resources = [pool.nodes[index].metadata.name for index in failed]
        self._end(pool, {"code": "PodEvictionFailure", "message": words, "resources": resources})

    def _end(self, pool: _Pool, trouble: Mapping[str, Any]) -> None:
        asked = {name: pool.update[name] for name in ("region", "cluster", "group", "update")}
        self._ask("node-updates/ended", {**asked, **trouble})
        self._say(f"{pool.group.name}: update ended: {trouble.get('message') or 'all nodes are new'}")

    def _patch(
        self, node: Any, unschedulable: bool | None, annotations: Mapping[str, str | None], balancers: str | None
    ) -> None:
        metadata = {"annotations": dict(annotations), "labels": {BALANCER_LABEL: balancers}}
        self._core.patch_node(node.metadata.name, {"metadata": metadata, "spec": {"unschedulable": unschedulable}})


def _leaving(node: str, pods: Sequence[Any]) -> list[Any]:
    return [pod for pod in pods if pod.spec.node_name == node and keeps_its_node(pod)]


def _states(pool: _Pool, pods: Sequence[Any]) -> list[RollingNode]:
    zones = len(pool.group.subnets)
    return [
        RollingNode(
            index=index,
            zone=index % zones,
            is_new=pool.is_new(index),
            is_ready=_is_ready(node),
            is_marked=MARKED_ANNOTATION in node.metadata.annotations,
            chosen_at=_time(node, CHOSEN_ANNOTATION),
            drained_at=_time(node, DRAINED_ANNOTATION),
            is_empty=not _leaving(node.metadata.name, pods),
        )
        for index, node in sorted(pool.nodes.items())
    ]


def _time(node: Any, annotation: str) -> float | None:
    text = node.metadata.annotations.get(annotation)
    return None if text is None else float(text)


def _is_ready(node: Any) -> bool:
    return any(row.type == "Ready" and row.status == "True" for row in node.status.conditions or [])
