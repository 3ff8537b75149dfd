"""`EksAccess`: IAM principals that may use the cluster, the caller of `pulumi up` among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.ask import ask
from components.naming import arn_slug
from components.ownership import controller_owned
from components.tags import named
from planning.model import AccessEntryPlan, Tags

CALLER = "caller"


@dataclass(frozen=True)
class EksAccessArgs:
    """`entries`: one per principal and policy; a principal may have several. `caller_policy_arn`: what who runs
    `pulumi up` is given for the whole cluster; None: only `entries`. `called`: the name of a cluster of this stack,
    where EKS may have made entries by itself; empty: not asked."""

    cluster_name: pulumi.Input[str]
    entries: Sequence[AccessEntryPlan]
    tags: Tags
    caller_policy_arn: str | None = None
    called: str = ""


class EksAccess(pulumi.ComponentResource):
    """One access entry per principal, one association per policy of it. A caller who is listed has one entry, too."""

    def __init__(self, name: str, args: EksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:EksAccess", name, None, opts)
        self._name, self._args = name, args
        self._asked = pulumi.InvokeOptions(parent=self)
        self._caller = caller_arn(self._asked) if args.caller_policy_arn else None
        self._exists = bool(args.called) and _exists(args.called, self._asked)
        entries = list(args.entries)
        listed = {entry.principal_arn for entry in entries}
        if args.caller_policy_arn is not None:
            own = AccessEntryPlan(self._caller if self._caller in listed else CALLER, args.caller_policy_arn, ())
            entries += [own] if own not in entries else []
        groups: dict[str, list[str]] = {}
        for entry in entries:
            groups.setdefault(entry.principal_arn, []).extend(entry.groups)
        principals = {arn: self._entry(arn, list(dict.fromkeys(its))) for arn, its in groups.items()}
        for entry in entries:
            if entry.policy_arn is not None:
                self._associate(entry, entry.policy_arn, principals[entry.principal_arn])
        self.register_outputs({"principals": list(principals)})

    def _entry(self, arn: str, groups: list[str]) -> aws.eks.AccessEntry:
        name = f"{self._name}-{_slug(arn)}"
        options = self._options(arn, f"{self._name}-{CALLER}")
        return aws.eks.AccessEntry(
            name,
            cluster_name=self._args.cluster_name,
            principal_arn=self._principal(arn),
            type="STANDARD",
            kubernetes_groups=groups or None,
            tags=named(self._args.tags, name),
            opts=pulumi.ResourceOptions.merge(options, self._taken_over(arn, groups)),
        )

    def _taken_over(self, arn: str, groups: list[str]) -> pulumi.ResourceOptions:
        """Where EKS has made the entry by itself, which it does once for who made the cluster, that one is ours from
        now on, with the tags that it has: another one for the principal is refused (ResourceInUseException).

        Of a stack that is up it is asked each time: an import of what is in the state already is none.
        """
        principal = self._caller if arn == CALLER else arn
        if not self._exists or principal is None or not _made_by_eks(self._args.called, principal, groups, self._asked):
            return pulumi.ResourceOptions()
        return pulumi.ResourceOptions(
            import_=f"{self._args.called}:{principal}",
            ignore_changes=controller_owned("aws:eks/accessEntry:AccessEntry"),
        )

    def _associate(self, entry: AccessEntryPlan, policy_arn: str, principal: aws.eks.AccessEntry) -> None:
        policy = policy_arn.rsplit("/", 1)[-1]
        aws.eks.AccessPolicyAssociation(
            f"{self._name}-{_slug(entry.principal_arn)}-{policy}",
            cluster_name=self._args.cluster_name,
            principal_arn=principal.principal_arn,
            policy_arn=policy_arn,
            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(
                type="namespace" if entry.namespaces else "cluster",
                namespaces=list(entry.namespaces) or None,
            ),
            opts=self._options(entry.principal_arn, f"{self._name}-{CALLER}-{policy}"),
        )

    def _principal(self, arn: str) -> pulumi.Input[str]:
        if arn != CALLER:
            return arn
        unknown = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).arn
        return self._caller if self._caller is not None else unknown

    def _options(self, arn: str, as_caller: str) -> pulumi.ResourceOptions:
        """Who was the caller and is listed now has the same entry under another name."""
        aliases = [pulumi.Alias(name=as_caller)] if arn == self._caller else None
        return pulumi.ResourceOptions(parent=self, aliases=aliases)


def _slug(arn: str) -> str:
    return arn if arn == CALLER else arn_slug(arn)


def _exists(cluster: str, opts: pulumi.InvokeOptions) -> bool:
    clusters = ask("aws:eks/getClusters:getClusters", {}, opts)
    return clusters is not None and cluster in clusters["names"]


def _made_by_eks(cluster: str, principal: str, groups: list[str], opts: pulumi.InvokeOptions) -> bool:
    """Whether the principal has an entry without a tag, which every one of ours has, that is otherwise as asked."""
    try:
        entry = ask("aws:eks/getAccessEntry:getAccessEntry", {"clusterName": cluster, "principalArn": principal}, opts)
    except Exception:  # no entry, or no right to look: it is made, and EKS says what is against it
        return False
    return entry is not None and not entry.get("tags") and sorted(entry.get("kubernetesGroups") or []) == sorted(groups)


def caller_arn(opts: pulumi.InvokeOptions) -> str | None:
    """The IAM role or user that runs the program (of a session its role); None where no cloud is asked (preview)."""
    answer = ask("aws:index/getCallerIdentity:getCallerIdentity", {}, opts)
    if answer is None:
        return None
    arn = str(answer["arn"])
    return str(aws.iam.get_session_context(arn=arn, opts=opts).issuer_arn) if ":assumed-role/" in arn else arn
