"""The simulated cluster-autoscaler: acts while the pod of the chart's release is Ready, and as its arguments say.

The real program cannot be had from the Go module proxy (k8s.io/autoscaler/cluster-autoscaler, asked 2026-11-21). It
would set the capacity of Auto Scaling groups, which the AWS endpoint does not have: this sets the desired size of the
node groups that they belong to. It acts only with an AWS role, so only where a pod identity association gives its
service account one. Its times are shorter: no 30 s of waiting for GPU pods, a look every 2 s in place of 10 s.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.utils.duration import parse_duration

from local.control_plane.cluster import is_ready
from local.nodes.demand import LEAVING_TAINT, asks, group_value, is_expendable, is_waiting, keeps_its_node, node_values
from local.nodes.groups import PlatformNodeGroup
from local.nodes.scaling import Group, Growth, grow, leaving, unneeded_since

IMAGE = "autoscaling/cluster-autoscaler"
SCAN_SECONDS = 2.0
OWN_NAME = "simulated cluster-autoscaler"
# Of the real one, where the release does not say otherwise (its FAQ).
DEFAULTS = {
    "scale-down-unneeded-time": "10m",
    "scale-down-delay-after-add": "10m",
    "expendable-pods-priority-cutoff": "-10",
}


def own_pod(pods: Sequence[Any]) -> Any | None:
    """The Ready pod that it stands for."""
    return next((pod for pod in pods if _is_autoscaler(pod) and is_ready(pod)), None)


def _is_autoscaler(pod: Any) -> bool:
    images = [re.sub(r"(@.*|:[^/:@]+)$", "", container.image) for container in pod.spec.containers]
    return any(image.endswith(IMAGE) for image in images)


def flags_of(pod: Any) -> dict[str, str]:
    """`--name=value` of its command and arguments."""
    container = next(container for container in pod.spec.containers if IMAGE in container.image)
    words = [word for word in (*(container.command or ()), *(container.args or ())) if word.startswith("--")]
    return dict(word.removeprefix("--").partition("=")[::2] for word in words)


def cluster_of(flags: Mapping[str, str]) -> str | None:
    """The cluster whose groups it looks for: asg:tag=...,k8s.io/cluster-autoscaler/<cluster>."""
    tags = flags.get("node-group-auto-discovery", "").partition("tag=")[2].split(",")
    names = [tag.removeprefix("k8s.io/cluster-autoscaler/") for tag in tags if tag.startswith("k8s.io/cluster-autosc")]
    return next((name for name in names if name != "enabled"), None)


class NodeAutoscaler:
    """Looks at the cluster every now and then. As the real one it forgets its timers with a restart."""

    def __init__(self, core: Any, apps: Any, eks: Callable[[str], Any], say: Callable[[str], None]) -> None:
        self._core, self._apps, self._eks, self._say = core, apps, eks, say
        self._next_scan = 0.0
        self._grown_at = float("-inf")
        self._since: dict[str, float] = {}
        self._said = ""
        self._unhelped: set[str] = set()
        self.is_running = False

    def look(self, groups: Sequence[PlatformNodeGroup], nodes: Sequence[Any], pods: Sequence[Any], now: float) -> None:
        """One look, if it is time for one; `now` of a clock that only goes forward, s."""
        pod = own_pod(pods)
        self.is_running = pod is not None
        if pod is None:
            self._since = {}
            self._say_once("")
            return
        if now < self._next_scan:
            return
        self._next_scan = now + SCAN_SECONDS
        flags = {**DEFAULTS, **flags_of(pod)}
        cluster = cluster_of(flags)
        own = {
            group.arn: group for group in groups if group.cluster == cluster and group.described["status"] == "ACTIVE"
        }
        if not own:
            self._say_once(f"no node group of a cluster {cluster}")
            return
        if not self._has_role(pod, next(iter(own.values()))):
            self._say_once(f"no pod identity association for {pod.spec.service_account_name}: no AWS credentials")
            return
        self._say_once(f"looks after {', '.join(sorted(group.name for group in own.values()))} of {cluster}")
        self._act(own, nodes, pods, flags, now)

    def _act(
        self,
        own: Mapping[str, PlatformNodeGroup],
        nodes: Sequence[Any],
        pods: Sequence[Any],
        flags: Mapping[str, str],
        now: float,
    ) -> None:
        cutoff = int(flags["expendable-pods-priority-cutoff"])
        pods = [pod for pod in pods if not is_expendable(pod, cutoff)]
        waiting = {f"{p.metadata.namespace}/{p.metadata.name}": p for p in pods if is_waiting(p)}
        daemon_sets = self._apps.list_daemon_set_for_all_namespaces().items if waiting else []
        values = {arn: group_value(group, nodes, daemon_sets) for arn, group in own.items()}
        known = node_values(nodes, pods, own, values)
        growth = grow([asks(key, pod.spec) for key, pod in waiting.items()], known, list(values.values()))
        self._since = unneeded_since(known, growth.held, self._since, now)
        for key in set(growth.unhelped) - self._unhelped:
            words = "no node group may grow, or a new node would not hold the pod"
            self._event(waiting[key], "Pod", "NotTriggerScaleUp", f"pod didn't trigger scale-up: {words}")
        self._unhelped = set(growth.unhelped)
        if growth.added:
            self._grown_at = now
            self._grow(own, values, growth, waiting)
        elif now - self._grown_at >= _seconds(flags["scale-down-delay-after-add"]):
            patience = _seconds(flags["scale-down-unneeded-time"])
            by_name = {node.metadata.name: node for node in nodes}
            group_of = {node.name: own[node.group] for node in known}
            for name in leaving(known, values.values(), self._since, now, patience):
                self._shrink(group_of[name], by_name[name], cutoff)

    def _grow(
        self,
        own: Mapping[str, PlatformNodeGroup],
        values: Mapping[str, Group],
        growth: Growth,
        waiting: Mapping[str, Any],
    ) -> None:
        words = {}
        for arn, count in growth.added.items():
            before, most = values[arn].desired, values[arn].maximum
            self._set_desired(own[arn], before + count)
            words[arn] = f"{own[arn].name} {before}->{before + count} (max: {most})"
            self._say(f"{OWN_NAME}: scale-up {words[arn]}")
        for key, arn in growth.bought.items():
            self._event(waiting[key], "Pod", "TriggeredScaleUp", f"pod triggered scale-up: [{{{words[arn]}}}]")

    def _shrink(self, group: PlatformNodeGroup, node: Any, cutoff: int) -> None:
        """Taint, look again, and only then one node less: a pod may have come meanwhile."""
        name, before = node.metadata.name, list(node.spec.taints or [])
        taint = {"key": LEAVING_TAINT, "value": str(int(time.time())), "effect": "NoSchedule"}
        self._core.patch_node(name, {"spec": {"taints": [*map(_plain, before), taint]}})
        pods = self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}").items
        if any(keeps_its_node(pod) and not is_expendable(pod, cutoff) for pod in pods):
            self._core.patch_node(name, {"spec": {"taints": [_plain(node) for node in before]}})
            return
        # As it is now: of several nodes that leave in one look each takes one off.
        desired = self._described(group)["scalingConfig"]["desiredSize"]
        try:
            self._set_desired(group, desired - 1)
        except Exception:  # it stays then, and must not stay marked
            self._core.patch_node(name, {"spec": {"taints": [_plain(node) for node in before]}})
            raise
        self._event(node, "Node", "ScaleDown", "node removed by cluster autoscaler")
        self._say(f"{OWN_NAME}: scale-down {group.name} {desired}->{desired - 1}, empty {name} goes")

    def _described(self, group: PlatformNodeGroup) -> Mapping[str, Any]:
        group_found: Mapping[str, Any] = self._eks(group.region).describe_nodegroup(
            clusterName=group.cluster, nodegroupName=group.name
        )["nodegroup"]
        return group_found

    def _set_desired(self, group: PlatformNodeGroup, desired: int) -> None:
        self._eks(group.region).update_nodegroup_config(
            clusterName=group.cluster, nodegroupName=group.name, scalingConfig={"desiredSize": desired}
        )

    def _has_role(self, pod: Any, group: PlatformNodeGroup) -> bool:
        """Whether EKS Pod Identity would give the pod credentials."""
        associations = self._eks(group.region).list_pod_identity_associations(
            clusterName=group.cluster,
            namespace=pod.metadata.namespace,
            serviceAccount=pod.spec.service_account_name or "default",
        )
        return bool(associations["associations"])

    def _event(self, about: Any, kind: str, reason: str, message: str) -> None:
        namespace, now = about.metadata.namespace or "default", datetime.now(UTC).isoformat()
        body = {
            "metadata": {"generateName": f"{about.metadata.name}.", "namespace": namespace},
            "involvedObject": {
                "apiVersion": "v1", "kind": kind, "name": about.metadata.name, "uid": about.metadata.uid,
                **({"namespace": namespace} if kind == "Pod" else {}),
            },
            "reason": reason, "message": f"{message} ({OWN_NAME})", "type": "Normal", "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": {"component": "cluster-autoscaler"},
        }  # fmt: skip
        try:
            self._core.create_namespaced_event(namespace, body)
        except ApiException as error:
            self._say(f"{OWN_NAME}: event {reason} not written: {error.reason}")

    def _say_once(self, text: str) -> None:
        """A state that lasts is said when it begins."""
        if text and text != self._said:
            self._say(f"{OWN_NAME}: {text}")
        self._said = text


def _plain(taint: Any) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value or "", "effect": taint.effect}


def _seconds(duration: str) -> float:
    return float(parse_duration(duration).total_seconds())
