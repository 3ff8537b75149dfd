"""Service quotas against the plan at most nodes and in an update, and what the account has used of those that count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planning.cluster.quotas import quotas
from planning.model import QuotaNeed, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

_ABSENT = ("NoSuchResourceException",)


def _quotas(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    least = {need.quota.code: need.needed for need in quotas(at_fewest(plan))}
    used = _used(plan, aws)
    for need in quotas(plan):
        have = _value(need, aws)
        if have is None:
            said = f"{_named(need)} is not in Service Quotas here; {need.needed} {need.quota.unit} are needed"
            yield Answer("quotas", "account", Verdict.UNKNOWN, said)
            continue
        yield _judged(need, have, least.get(need.quota.code, 0), used.get(need.quota.code, 0), plan.region)


def at_fewest(plan: StackPlan) -> StackPlan:
    """The plan with as many nodes as it begins with, and no update running."""
    groups = [
        replace(group, max_nodes=group.desired_nodes, update_strategy="MINIMAL")
        for group in (plan.system_nodes, *plan.gpu_pools)
    ]
    return replace(plan, system_nodes=groups[0], gpu_pools=tuple(groups[1:]))


def _judged(need: QuotaNeed, have: float, least: int, used: int, region: str) -> Answer:
    quota, free = need.quota, have - used
    taken = f", {used} of them taken" if used else ""
    said = f"{_named(need)}: {have:g} {quota.unit}{taken}"
    ask_for = used + need.needed
    fix = (
        f"ask for {ask_for}: aws service-quotas request-service-quota-increase --service-code {quota.service} "
        f"--quota-code {quota.code} --desired-value {ask_for} --region {region}"
    )
    uses = "; ".join(need.used_by)
    if free < least:
        return Answer("quotas", "account", Verdict.ERROR, f"{said}, and `up` needs {least} at once", fix=fix)
    if free < need.needed:
        return Answer("quotas", "account", Verdict.WARNING, f"{said}, and {need.needed} are needed ({uses})", fix=fix)
    return Answer("quotas", "account", Verdict.OK, f"{said}; {need.needed} are needed")


def _value(need: QuotaNeed, aws: AwsAccount) -> float | None:
    """The account's own value; where it never was changed Service Quotas may know the default only."""
    asked = {"ServiceCode": need.quota.service, "QuotaCode": need.quota.code}
    for operation in ("get_service_quota", "get_aws_default_service_quota"):
        quota = aws.call("service-quotas", operation, absent=_ABSENT, **asked)
        if quota is not None:
            return float(quota["Quota"]["Value"])
    return None


def _used(plan: StackPlan, aws: AwsAccount) -> dict[str, int]:
    """What a new stack finds taken. vCPUs are not counted: what runs now says little of what will run."""
    mine = {"project": plan.tags["project"], "stack": plan.tags["stack"]}
    vpcs = aws.pages("ec2", "describe_vpcs", "Vpcs")
    addresses = aws.call("ec2", "describe_addresses")["Addresses"]
    return {
        "L-F678F1CE": sum(not _has(vpc, mine) for vpc in vpcs),
        "L-0263D0A3": sum(not _has(address, mine) for address in addresses),
    }


def _has(resource: dict[str, object], tags: dict[str, str]) -> bool:
    stack_tags = {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}  # type: ignore[attr-defined]
    return tags.items() <= stack_tags.items()


def _named(need: QuotaNeed) -> str:
    return f"quota {need.quota.code} ({need.quota.name})"


def _guess(plan: StackPlan) -> str | None:
    needs = [f"{need.needed} {need.quota.unit} of {need.quota.code}" for need in quotas(plan)]
    return f"the account's quotas allow {', '.join(needs)}" if needs else None


QUESTIONS = (Question("quotas", "account", _guess, _quotas),)
