"""What a stack says of its AWS account, and what the account's answers refuse."""

from __future__ import annotations

from dataclasses import replace

from planning.cluster.examples import check_examples
from planning.cluster.runner import plan_runner
from planning.findings import Findings
from planning.model import AccountPlan, CreateClusterPlan, ExistingClusterPlan, Finding, Severity
from settings.cluster import CreateCluster, CreateNetwork, EndpointAccess
from settings.stack import StackSettings

RULE = "private-endpoint"
PATH = "cluster.endpointAccess"
# https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html, 2026-11-27, "Accessing a private only API
# server": from a connected network or a host in the VPC, which the cluster's security group has to let in on 443.
_FIRST = (
    "write endpointAccess: publicAndPrivate with publicAccessCidrs: [<the address you run pulumi from>/32] for the "
    "first `pulumi up`, and private later, from a runner inside with privateAccessCidrs: [<its network>]"
)
# Of a file that says nothing: the command puts in the caller's own address only.
_ASK = "curl -s https://checkip.amazonaws.com"
_INSIDE = "privateAccessCidrs: [<the network you run pulumi from>] or privateAccessSecurityGroupIds: [<its group>]"


def plan_account(
    settings: StackSettings, stack: str, cluster: CreateClusterPlan | ExistingClusterPlan, findings: Findings
) -> AccountPlan:
    """The account, what is left of examples, and what a first `up` cannot do."""
    first = _check_way_in(settings, stack, findings)
    runner = plan_runner(settings, cluster, findings)
    return AccountPlan(settings.account, check_examples(settings, findings), first, cluster.name, runner)


def _check_way_in(settings: StackSettings, stack: str, findings: Findings) -> tuple[Finding, ...]:
    """A private endpoint against who could reach it: else the AWS half comes up, is paid for, and stays alone."""
    cluster = settings.cluster
    if not isinstance(cluster, CreateCluster) or cluster.endpoint_access is not EndpointAccess.PRIVATE:
        return ()
    made_here = isinstance(settings.network, CreateNetwork)
    if not cluster.private_access_cidrs and not cluster.private_access_security_group_ids:
        if made_here and "endpoint_access" not in cluster.model_fields_set:
            said = "nothing says who reaches the Kubernetes API, and the VPC that this `pulumi up` makes is still empty"
            findings.error(PATH, RULE, said, _addresses(stack))
        elif made_here:
            findings.error(
                PATH,
                RULE,
                "private, in a VPC that the same `pulumi up` makes: the runner is outside it, and `up` ends with nodes "
                "bought and the cluster unreachable",
                f"{_FIRST}; or network: {{kind: existing, ...}}, a VPC with the runner in it, with {_INSIDE}",
            )
        else:
            findings.error(
                PATH, RULE, "private, and the cluster's security group lets only itself in on 443", f"write {_INSIDE}"
            )
        return ()
    if not made_here:
        return ()
    words = (
        "private, in a VPC that the stack makes: works for a cluster that is up already; at a first `pulumi up` "
        "that VPC is still empty, and it is refused"
    )
    findings.warning(PATH, RULE, words, _FIRST)
    return (Finding(PATH, RULE, Severity.ERROR, words, _FIRST),)


def _addresses(stack: str) -> str:
    """What a first `up` of a file that says nothing needs, by hand or by a command that can be run as it stands."""
    return (
        f"write cluster: {{publicAccessCidrs: [<your address>/32]}} (`{_ASK}` prints it), or run: pulumi config set "
        f"--path 'vllm-on-eks:cluster.publicAccessCidrs[0]' \"$({_ASK})/32\" --stack {stack}"
    )


def refusals(plan: AccountPlan, caller_account: str, clusters: tuple[str, ...]) -> tuple[Finding, ...]:
    """What the caller's account (12 digits) and the names of its region's clusters say against the plan; empty: go on.

    An example's account that is the caller's own is no example.
    """
    findings = [
        replace(example.finding, severity=Severity.ERROR)
        for example in plan.examples
        if example.account != caller_account
    ]
    if (
        plan.id is not None
        and plan.id != caller_account
        and all(example.account != plan.id for example in plan.examples)
    ):
        words = f"the stack belongs to account {plan.id}, and the credentials are of {caller_account}"
        fix = f'set AWS_PROFILE (or what else names them) to one of {plan.id}, or write account: "{caller_account}"'
        findings.insert(0, Finding("account", "account", Severity.ERROR, words, fix))
    return (*findings, *(plan.on_first_up if plan.cluster_name not in clusters else ()))
