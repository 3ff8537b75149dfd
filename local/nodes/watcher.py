"""`python -m local.nodes.watcher`: makes the cluster's nodes follow node groups and instances at the AWS endpoint.

Every second it compares what should be with what is and acts on the difference, so that it may be stopped and
started at any time. KWOK keeps the nodes alive; this process makes and removes them, and plays the parts of the
GPU operator's programs (gpu_features), of the EBS CSI driver (volumes), of the cloud's load balancers (balancers)
and of the cluster-autoscaler (node_autoscaler).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from kubernetes.client.exceptions import ApiException

from local.control_plane.cluster import connect
from local.nodes import gpu_features
from local.nodes.autoscaler import NodeAutoscaler
from local.nodes.balancers import reconcile_balancers
from local.nodes.demand import LEAVING_TAINT
from local.nodes.groups import NodeGroups, WantedNode, wanted_nodes
from local.nodes.instances import Instances
from local.nodes.rendering import GROUP_ANNOTATION, INDEX_ANNOTATION, INSTANCE_ANNOTATION, LAUNCH_LABELS
from local.nodes.rolls import NodeRolls, endpoint
from local.nodes.volumes import reconcile_volumes
from planning.model import GPU_RESOURCE

# Not of a node group.
TAINTS_OF_KUBERNETES_AND_AUTOSCALER = ("node.kubernetes.io/", LEAVING_TAINT)
LABELS_ANNOTATION = "vllm-on-eks.local/labels"
"""Names of the labels that came from the group, so that one taken out of the group leaves the node too."""


def say(text: str) -> None:
    """One line of the log."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


class NodeWatcher:
    """Compares and acts; what it holds it could read again, or wait for again."""

    def __init__(self, kubeconfig: Path, boot_seconds: float, settle_seconds: float) -> None:
        apis = connect(kubeconfig)
        self._core, self._apps, self._storage = apis.core, apis.apps, apis.storage
        self._networking = apis.networking
        self._groups = NodeGroups()
        self._instances = Instances(self._groups.client)
        self._autoscaler = NodeAutoscaler(apis.core, apis.apps, self._groups.eks, say)
        self._rolls = NodeRolls(apis.core, self._groups, endpoint(self._groups.endpoint_url), say, settle_seconds)
        self._boot_seconds = boot_seconds
        self._joins_at: dict[str, float] = {}

    def round(self) -> None:
        """One comparison."""
        groups = self._groups.read()
        present = {node.metadata.name: node for node in self._core.list_node().items if _is_ours(node)}
        of_groups = {name: node for name, node in present.items() if GROUP_ANNOTATION in node.metadata.annotations}
        updates = self._rolls.under_way()
        settled = [group for group in groups if group.arn not in updates]
        of_groups_wanted = wanted_nodes(settled, _indices(of_groups.values()))
        self._rolls.launched = set()
        if updates:
            pods = self._core.list_pod_for_all_namespaces().items
            of_groups_wanted |= self._rolls.look(updates, groups, list(of_groups.values()), pods)
        bought = self._instances.wanted(self._groups.regions)
        nodes_wanted = {**of_groups_wanted, **bought}
        asked_for = bought.keys() | self._rolls.launched
        for name in self._booted(nodes_wanted.keys() - present.keys(), time.monotonic(), asked_for):
            self._create(nodes_wanted[name])
        for name in present.keys() - nodes_wanted.keys():
            self._remove(present[name])
        stay = {name: present[name] for name in present.keys() & nodes_wanted.keys()}
        for name in stay.keys() & of_groups_wanted.keys():
            self._follow_group(stay[name], nodes_wanted[name].manifest)
        pods = self._core.list_pod_for_all_namespaces().items
        self._follow_operator(stay, nodes_wanted, pods)
        self._autoscaler.look(groups, [stay[name] for name in stay.keys() & of_groups.keys()], pods, time.monotonic())
        zones = {name: node.metadata.labels["topology.kubernetes.io/zone"] for name, node in stay.items()}
        reconcile_volumes(self._core, self._storage, zones, say)
        reconcile_balancers(self._core, self._networking, pods, say)

    def _booted(self, missing: Set[str], now: float, bought: Set[str] = frozenset()) -> list[str]:
        """Those that join now. The nodes of a new stack's groups are there at once: only what an autoscaler asked for,
        or what was `bought` as an instance or for an update, boots first."""
        waits = {name: self._autoscaler.is_running or name in bought for name in missing}
        self._joins_at = {
            name: self._joins_at.get(name, now + (self._boot_seconds if waits[name] else 0.0)) for name in missing
        }
        return sorted(name for name in missing if self._joins_at[name] <= now)

    def _create(self, node: WantedNode) -> None:
        manifest = json.loads(json.dumps(node.manifest))
        manifest["metadata"]["annotations"][LABELS_ANNOTATION] = ",".join(sorted(manifest["metadata"]["labels"]))
        self._core.create_node(manifest)
        say(f"node {manifest['metadata']['name']} joins")

    def _remove(self, node: Any) -> None:
        """As when an instance is terminated: its pods go with it, controllers make them again elsewhere.

        Who has put a finalizer on the node (Karpenter) takes it away when it has seen that the instance is gone.
        """
        name = node.metadata.name
        for pod in self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}").items:
            where = (pod.metadata.name, pod.metadata.namespace)
            _unless_gone(self._core.delete_namespaced_pod, *where, grace_period_seconds=0)
        if node.metadata.deletion_timestamp is None:
            _unless_gone(self._core.delete_node, name)
            say(f"node {name} leaves")

    def _follow_group(self, node: Any, manifest: Mapping[str, Any]) -> None:
        """Labels and taints of a group reach its nodes, as EKS does it."""
        labels = {key: value for key, value in manifest["metadata"]["labels"].items() if key not in LAUNCH_LABELS}
        before = (node.metadata.annotations.get(LABELS_ANNOTATION) or "").split(",")
        changes = {key: value for key, value in labels.items() if node.metadata.labels.get(key) != value}
        changes |= {key: None for key in before if key and key not in (*labels, *LAUNCH_LABELS)}
        patch: dict[str, Any] = {}
        if changes:
            patch["metadata"] = {"labels": changes, "annotations": {LABELS_ANNOTATION: ",".join(sorted(labels))}}
        taints = taints_to_set(node.spec.taints or [], manifest["spec"].get("taints", []))
        if taints is not None:
            patch["spec"] = {"taints": taints}
        if patch:
            self._core.patch_node(node.metadata.name, patch)
            say(f"node {node.metadata.name} follows its group: labels {sorted(changes)}, taints {taints}")

    def _follow_operator(
        self, nodes: Mapping[str, Any], nodes_wanted: Mapping[str, WantedNode], every_pod: Sequence[Any]
    ) -> None:
        with_gpus = {name: node for name, node in nodes.items() if nodes_wanted[name].capacity.gpu_count}
        if not with_gpus:
            return
        deployments = self._apps.list_deployment_for_all_namespaces().items
        installed = any(gpu_features.is_operator(deployment) for deployment in deployments)
        pods = list(every_pod) if installed else []
        maps = self._core.list_config_map_for_all_namespaces(label_selector=gpu_features.CONFIG_SELECTOR).items
        configs = gpu_features.plugin_configs(maps)
        for name, node in with_gpus.items():
            capacity = nodes_wanted[name].capacity
            sharing = gpu_features.sharing_of(node.metadata.labels, configs)
            labels = gpu_features.label_changes(node.metadata.labels, capacity, installed, sharing)
            if labels:
                self._core.patch_node(name, {"metadata": {"labels": labels}})
                say(f"node {name} labelled as the GPU operator does: {sorted(labels)}")
            advertised = gpu_features.advertised_gpus(name, capacity, sharing, pods)
            own = nodes_wanted[name].own_plugin
            if own is not None:  # a service of the image, there before the kubelet is Ready
                advertised = gpu_features.shares(capacity, own.sharing)
            status = gpu_features.gpu_change(node.status.allocatable, advertised)
            if status:
                self._core.patch_node_status(name, {"status": status})
                say(f"node {name} now has {status['allocatable'][GPU_RESOURCE] or 'no'} {GPU_RESOURCE}")


def _is_ours(node: Any) -> bool:
    annotations = node.metadata.annotations or {}
    return GROUP_ANNOTATION in annotations or INSTANCE_ANNOTATION in annotations


def _indices(nodes: Iterable[Any]) -> dict[str, dict[int, bool]]:
    """By group: the indices of its nodes, and whether each is marked to leave."""
    indexes: dict[str, dict[int, bool]] = {}
    for node in nodes:
        annotations = node.metadata.annotations
        leaving = any(taint.key == LEAVING_TAINT for taint in node.spec.taints or [])
        indexes.setdefault(annotations[GROUP_ANNOTATION], {})[int(annotations.get(INDEX_ANNOTATION, -1))] = leaving
    return indexes


def taints_to_set(current: list[Any], taints_wanted: list[Mapping[str, str]]) -> list[dict[str, str]] | None:
    """The whole list for a patch, or None when nothing is to change; Kubernetes' and the autoscaler's taints stay."""

    def plain(taint: Any) -> dict[str, str]:
        return {"key": taint.key, "value": taint.value or "", "effect": taint.effect}

    own = [plain(taint) for taint in current if taint.key.startswith(TAINTS_OF_KUBERNETES_AND_AUTOSCALER)]
    group = [plain(taint) for taint in current if not taint.key.startswith(TAINTS_OF_KUBERNETES_AND_AUTOSCALER)]
    order = ("key", "effect", "value")
    as_set = [sorted(tuple(taint[k] for k in order) for taint in taints) for taints in (group, taints_wanted)]
    return None if as_set[0] == as_set[1] else [*own, *(dict(taint) for taint in taints_wanted)]


def _unless_gone(call: Any, *arguments: Any, **options: Any) -> None:
    try:
        call(*arguments, **options)
    except ApiException as error:
        if error.status != 404:
            raise


def main() -> None:
    """Runs until SIGTERM. A round that fails is said and tried again: both ends may be restarting."""
    parser = argparse.ArgumentParser(prog="python -m local.nodes.watcher", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True, help="written after the first whole round")
    parser.add_argument("--interval-seconds", type=float, default=1.0)
    parser.add_argument("--node-boot-seconds", type=float, default=3.0, help="of a node that an autoscaler asked for")
    parser.add_argument("--settle-seconds", type=float, default=3.0, help="between a node's drain and its end; EKS: 60")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    watcher = NodeWatcher(arguments.kubeconfig, arguments.node_boot_seconds, arguments.settle_seconds)
    said = ""
    while True:
        try:
            watcher.round()
            arguments.ready_file.touch()
            said = ""
        except (ApiException, BotoCoreError, ClientError, OSError, urllib3.exceptions.HTTPError, LookupError) as error:
            text = f"round failed, trying again: {type(error).__name__}: {error}"
            if text != said:
                say(text)
            said = text
        time.sleep(arguments.interval_seconds)


if __name__ == "__main__":
    main()
