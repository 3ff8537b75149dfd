"""`EksAccess`: IAM principals that may use the cluster, the caller of `pulumi up` among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.ask import ask
from components.naming import arn_slug
from components.tags import named
from planning.model import AccessEntryPlan, Tags

CALLER = "caller"


@dataclass(frozen=True)
class EksAccessArgs:
    """`entries`: one per principal and policy; a principal may have several. `caller_policy_arn`: what who runs
    `pulumi up` is given for the whole cluster; None: only `entries`."""

    cluster_name: pulumi.Input[str]
    entries: Sequence[AccessEntryPlan]
    tags: Tags
    caller_policy_arn: str | None = None


class EksAccess(pulumi.ComponentResource):
    """One access entry per principal, one association per policy of it. A caller who is listed has one entry, too."""

    def __init__(self, name: str, args: EksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:EksAccess", name, None, opts)
        self._name, self._args = name, args
        self._caller = caller_arn(pulumi.InvokeOptions(parent=self)) if args.caller_policy_arn else None
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
        return aws.eks.AccessEntry(
            name,
            cluster_name=self._args.cluster_name,
            principal_arn=self._principal(arn),
            type="STANDARD",
            kubernetes_groups=groups or None,
            tags=named(self._args.tags, name),
            opts=self._options(arn, f"{self._name}-{CALLER}"),
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


def caller_arn(opts: pulumi.InvokeOptions) -> str | None:
    """The IAM role or user that runs the program (of a session its role); None where no cloud is asked (preview)."""
    answer = ask("aws:index/getCallerIdentity:getCallerIdentity", {}, opts)
    if answer is None:
        return None
    arn = str(answer["arn"])
    return str(aws.iam.get_session_context(arn=arn, opts=opts).issuer_arn) if ":assumed-role/" in arn else arn
