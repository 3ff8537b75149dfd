"""An update of a managed node group's version, release or launch template, from its beginning to its end.

In a test in process there are no nodes: an update is over at once. Where nodes follow the groups (`Account.nodes_roll`)
the node watcher does what EKS' own workflow does with them: it asks for the updates under way, and says how each ended.
Until then the group is UPDATING and described as it was; an update that failed leaves it as it was
(https://github.com/crossplane-contrib/provider-aws/issues/1475).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend

from local.aws_endpoint import eks_store as store
from local.aws_endpoint.contract.account import ACCOUNT_ID, current

IN_PROGRESS, SUCCESSFUL, FAILED = "InProgress", "Successful", "Failed"


@dataclass(frozen=True)
class Launch:
    """What a group's nodes are launched with."""

    version: str
    release: str
    template: Mapping[str, str] | None

    @classmethod
    def of(cls, group: Any) -> Launch:
        """As moto's group has it now."""
        return cls(group.version, group.release_version, group.launch_template)

    def give(self, group: Any) -> None:
        """Writes it into moto's group."""
        group.version, group.release_version = self.version, self.release
        group.launch_template = self.template and dict(self.template)
        group.modified_at = store.now()


@dataclass(frozen=True)
class NodeUpdate:
    """The last update of a group."""

    record: store.Record
    before: Launch
    after: Launch
    force: bool


def begin(cluster: Any, group: Any, after: Launch, changed: Mapping[str, Any], force: bool) -> store.Record:
    """Records the update, and ends it where no nodes have to be rolled."""
    record = store.record_update(cluster, "VersionUpdate", dict(changed), {"nodegroupName": group.nodegroup_name})
    group.local_update = NodeUpdate(record, Launch.of(group), after, force)
    if current().nodes_roll:
        record["status"], group.status = IN_PROGRESS, "UPDATING"
    else:
        after.give(group)
    return record


def fail(group: Any, code: str, message: str, resources: list[str] | None = None) -> None:
    """Ends the group's last update with EKS' error."""
    update: NodeUpdate = group.local_update
    update.record["status"] = FAILED
    update.record["errors"] = [{"errorCode": code, "errorMessage": message, "resourceIds": resources or []}]
    update.before.give(group)
    group.status = "ACTIVE"


def _succeed(group: Any) -> None:
    update: NodeUpdate = group.local_update
    update.record["status"] = SUCCESSFUL
    update.after.give(group)
    group.status = "ACTIVE"


def under_way() -> Iterator[dict[str, Any]]:
    """Of every region, as the node watcher asks for them."""
    for region, eks in list(get_backend("eks")[ACCOUNT_ID].items()):
        for cluster in list(eks.clusters.values()):
            for group in list(cluster.nodegroups.values()):
                update: NodeUpdate | None = getattr(group, "local_update", None)
                if update is not None and update.record["status"] == IN_PROGRESS:
                    yield {
                        "region": region,
                        "cluster": cluster.name,
                        "group": group.nodegroup_name,
                        "arn": group.arn,
                        "update": update.record["id"],
                        "version": update.after.version,
                        "releaseVersion": update.after.release,
                        "launchTemplate": update.after.template,
                        "force": update.force,
                    }


def end(told: Mapping[str, Any]) -> None:
    """What the node watcher says of one of them: `code`, `message` and `resources` where it failed.

    Raises KeyError for an update that is not under way: its group was deleted, say.
    """
    cluster = get_backend("eks")[ACCOUNT_ID][told["region"]].clusters[told["cluster"]]
    group = cluster.nodegroups[told["group"]]
    update: NodeUpdate | None = getattr(group, "local_update", None)
    if update is None or (update.record["id"], update.record["status"]) != (told["update"], IN_PROGRESS):
        raise KeyError(f"update {told['update']} is not under way")
    if told.get("code"):
        fail(group, told["code"], told["message"], list(told.get("resources") or ()))
    else:
        _succeed(group)
