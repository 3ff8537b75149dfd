"""Who asks, and whether the principals, policies and keys that the plan names are there."""

from __future__ import annotations

from collections.abc import Iterator

from planning.model import CreateClusterPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict

_GONE = ("NoSuchEntity", "NotFoundException")


def _caller(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    account, arn = aws.caller["Account"], aws.caller["Arn"]
    said = f"{arn} in account {account}, {plan.region}"
    if arn.endswith(":root"):
        yield Answer("caller", "account", Verdict.WARNING, f"{said}: the root user", fix="use a role")
        return
    yield Answer("caller", "account", Verdict.OK, said)


def _principals(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.cluster, CreateClusterPlan)
    for index, entry in enumerate(plan.cluster.access_entries):
        path, arn = f"cluster.accessEntries[{index}].principalArn", entry.principal_arn
        _, _, _, _, account, resource = arn.split(":", 5)
        if account != aws.caller["Account"]:
            said = f"{arn} is of account {account}, and the caller of {aws.caller['Account']}: it cannot be looked up"
            yield Answer("principals", path, Verdict.UNKNOWN, said)
            continue
        kind, _, name = resource.partition("/")
        if kind == "root":
            continue
        short = name.rsplit("/", 1)[-1]
        operation, parameters = (
            ("get_role", {"RoleName": short}) if kind == "role" else ("get_user", {"UserName": short})
        )
        principal = aws.call("iam", operation, absent=_GONE, **parameters)
        if principal is None or principal[kind.capitalize()]["Arn"] != arn:
            said = f"{arn} does not exist, and EKS refuses it (invalid principal)"
            fix = "create it first, or remove the entry"
            yield Answer("principals", path, Verdict.ERROR, said, fix=fix)
        else:
            yield Answer("principals", path, Verdict.OK, f"{arn} exists")


def _policies(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    """Managed policies of add-ons: AWS moves and renames them, and not every partition has each."""
    missing = [arn for arn in _policy_arns(plan) if aws.call("iam", "get_policy", absent=_GONE, PolicyArn=arn) is None]
    for arn in missing:
        said = f"{arn} is not in this partition"
        fix = "take a newer release of this program, which names its successor"
        yield Answer("policies", "cluster", Verdict.ERROR, said, fix=fix)
    if not missing:
        yield Answer("policies", "cluster", Verdict.OK, f"{', '.join(_policy_arns(plan))}")


def _policy_arns(plan: StackPlan) -> list[str]:
    addons = plan.cluster.addons if isinstance(plan.cluster, CreateClusterPlan) else ()
    return [addon.pod_identity_policy_arn for addon in addons if addon.pod_identity_policy_arn]


def _key(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert isinstance(plan.cluster, CreateClusterPlan)
    arn, path = plan.cluster.kms_key_arn, "cluster.kmsKeyArn"
    key = aws.call("kms", "describe_key", absent=_GONE, KeyId=arn)
    state = key["KeyMetadata"]["KeyState"] if key else "not there"
    if state != "Enabled":
        said = f"{arn} is {state}"
        fix = "write a symmetric key that is Enabled, or remove it: the stack then makes one"
        yield Answer("key", path, Verdict.ERROR, said, fix=fix)
    else:
        yield Answer("key", path, Verdict.OK, f"{arn} is enabled")


def _entries_guess(plan: StackPlan) -> str | None:
    entries = plan.cluster.access_entries if isinstance(plan.cluster, CreateClusterPlan) else ()
    return f"{', '.join(entry.principal_arn for entry in entries)} exist" if entries else None


def _key_guess(plan: StackPlan) -> str | None:
    arn = plan.cluster.kms_key_arn if isinstance(plan.cluster, CreateClusterPlan) else None
    return f"{arn} exists and is enabled" if arn else None


def _policies_guess(plan: StackPlan) -> str | None:
    arns = _policy_arns(plan)
    return f"{', '.join(arns)} exist" if arns else None


QUESTIONS = (
    Question("caller", "account", lambda plan: f"the caller may make the stack in {plan.region}", _caller),
    Question("principals", "cluster.accessEntries", _entries_guess, _principals),
    Question("policies", "cluster", _policies_guess, _policies),
    Question("key", "cluster.kmsKeyArn", _key_guess, _key),
)
