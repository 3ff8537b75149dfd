"""Whether nodes will mount the weights' file system: one that is there, or one mount target for each zone."""

from __future__ import annotations

from collections.abc import Iterator

from planning.findings import listed
from planning.model import ExistingNetworkPlan, StackPlan
from preflight.account import AwsAccount
from preflight.model import Answer, Question, Verdict
from preflight.questions.places import subnets_of

_ID, _SUBNETS = "fileSystem.id", "fileSystem.subnetIds"


def _asked(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    assert plan.file_system is not None
    if plan.file_system.id is None:
        if isinstance(plan.network, ExistingNetworkPlan):
            yield _one_for_each_zone(plan, aws, plan.file_system.new.subnet_ids if plan.file_system.new else ())
        return
    name = plan.file_system.id
    answer = aws.call("efs", "describe_file_systems", absent=("FileSystemNotFound",), FileSystemId=name)
    if answer is None:
        fix = "write the id of one that is there, or leave fileSystem out: the stack makes one"
        yield Answer("files", _ID, Verdict.ERROR, f"there is no file system {name} in {plan.region}", fix=fix)
        return
    (file_system,) = answer["FileSystems"]
    if not file_system.get("Encrypted"):
        said = f"{name} is not encrypted, and cannot become so"
        yield Answer("files", _ID, Verdict.WARNING, said, fix="copy what is on it to one that is")
    yield _mounted(plan, aws, name)


def _mounted(plan: StackPlan, aws: AwsAccount, name: str) -> Answer:
    targets = aws.call("efs", "describe_mount_targets", FileSystemId=name)["MountTargets"]
    there = {target["AvailabilityZoneName"] for target in targets if target["LifeCycleState"] == "available"}
    network = plan.network
    if isinstance(network, ExistingNetworkPlan):
        zones = {each["AvailabilityZone"] for each in subnets_of(plan, aws)}
        other = [target["VpcId"] for target in targets if target["VpcId"] != network.vpc_id]
    else:
        zones, other = set(network.zones), [target["VpcId"] for target in targets]
    if other:
        said = f"{name} has its mount targets in {listed(sorted(set(other)))}, and the nodes are in another VPC"
        fix = "write network: {kind: existing, ...} with that VPC, or leave fileSystem out"
        return Answer("files", _ID, Verdict.ERROR, said, fix=fix)
    if missing := sorted(zones - there):
        said = f"{name} has no mount target in {listed(missing)}: pods of nodes there stay in ContainerCreating"
        return Answer("files", _ID, Verdict.ERROR, said, fix=f"make mount targets in {listed(missing)}")
    return Answer("files", _ID, Verdict.OK, f"{name} has mount targets in {listed(sorted(there))}")


def _one_for_each_zone(plan: StackPlan, aws: AwsAccount, wanted: tuple[str, ...]) -> Answer:
    """EFS refuses a second mount target in a zone."""
    subnets = [each for each in subnets_of(plan, aws) if not wanted or each["SubnetId"] in wanted]
    by_zone: dict[str, list[str]] = {}
    for subnet in subnets:
        by_zone.setdefault(subnet["AvailabilityZone"], []).append(subnet["SubnetId"])
    twice = {zone: ids for zone, ids in by_zone.items() if len(ids) > 1}
    if twice:
        said = "; ".join(f"{listed(ids)} are in {zone}" for zone, ids in sorted(twice.items()))
        first = ", ".join(ids[0] for _, ids in sorted(by_zone.items()))
        more = f"{said}, and EFS makes one mount target for each zone"
        return Answer("files", _SUBNETS, Verdict.ERROR, more, fix=f"write subnetIds: [{first}]")
    return Answer("files", _SUBNETS, Verdict.OK, f"one mount target in each of {listed(sorted(by_zone))}")


def _guess(plan: StackPlan) -> str | None:
    files = plan.file_system
    if files is None:
        return None
    if files.id is not None:
        return f"{files.id} is encrypted, and its mount targets let the nodes in, in every zone of theirs"
    if isinstance(plan.network, ExistingNetworkPlan):
        return "no two of the network's private subnets are in one zone, where EFS makes one mount target"
    return None


QUESTIONS = (Question("files", "fileSystem", _guess, _asked),)
