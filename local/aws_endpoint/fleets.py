"""CreateFleet of type `instant`, as Karpenter calls it: one answer with instances, or with why there are none.

moto takes the first override whatever it is, drops subnets' errors, security groups, profile and user data, and knows
no Errors in the answer. Fleets of other types stay moto's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import convert_tag_spec

from local.aws_endpoint import market
from local.aws_endpoint.contract.account import current as account
from local.aws_endpoint.contract.rolling import quota_code, used_vcpus, vcpus
from local.aws_endpoint.contract.world import AccountWorld
from local.aws_endpoint.market import ON_DEMAND, SPOT, Offering

Override = Mapping[str, Any]
Candidate = tuple[Mapping[str, Any], Override]
"""A launch template's specification and one override."""
_BY_PRIORITY = ("prioritized", "capacity-optimized-prioritized")


def install() -> None:
    """Patches moto's class; once per process."""
    EC2Response.create_fleet = _create_fleet(EC2Response.create_fleet)


def _create_fleet(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def create_fleet(response: Any) -> ActionResult:
        if response._get_param("Type") != "instant":
            return original(response)
        return ActionResult(_instant(response))

    return create_fleet


def _instant(response: Any) -> dict[str, Any]:
    ec2 = response.ec2_backend
    target = response._get_param("TargetCapacitySpecification", {})
    lifecycle = target.get("DefaultTargetCapacityType") or ON_DEMAND
    options = response._get_param("SpotOptions" if lifecycle == SPOT else "OnDemandOptions", {})
    candidates = list(_candidates(ec2, response._get_param("LaunchTemplateConfigs", [])))
    response.error_on_dryrun()
    tags = convert_tag_spec(response._get_param("TagSpecifications", []))
    instances, errors = [], []
    capacity = int(target["TotalTargetCapacity"])
    for specification, override in _in_order(ec2, candidates, lifecycle, options.get("AllocationStrategy") or ""):
        words = _no_profile(ec2, specification) or _why_not(ec2, override, lifecycle)
        terms = _told(specification, override, lifecycle)
        if words is not None:
            errors.append({**terms, "ErrorCode": words[0], "ErrorMessage": words[1]})
            continue
        made = [_launch(ec2, specification, override, lifecycle, tags) for _ in range(capacity)]
        instances.append(
            {**terms, "InstanceIds": [instance.id for instance in made], "InstanceType": override["InstanceType"]}
        )
        break
    return {"FleetId": f"fleet-{uuid.uuid4()}", "Instances": instances, "Errors": errors if not instances else []}


def _candidates(ec2: Any, configs: Sequence[Mapping[str, Any]]) -> Iterator[Candidate]:
    """Every override of every template; raises moto's error for a template that is not there."""
    for config in configs:
        specification = dict(config["LaunchTemplateSpecification"])
        version = ec2._get_template_from_args(specification)
        specification["LaunchTemplateId"] = version.template.id
        specification["Version"] = str(version.number)
        for override in config.get("Overrides") or [{}]:
            yield specification, {"InstanceType": version.data.get("InstanceType"), **override}


def _zone(ec2: Any, override: Override) -> str:
    if override.get("SubnetId"):
        return str(ec2.get_subnet(override["SubnetId"]).availability_zone)
    return str(override.get("AvailabilityZone") or f"{ec2.region_name}a")


def _in_order(ec2: Any, candidates: list[Candidate], lifecycle: str, strategy: str) -> list[Candidate]:
    """By priority where the strategy says so, otherwise the cheapest first; what has no price comes last.

    Of price-capacity-optimized and capacity-optimized only the price is played: EC2's pools are not known.
    """

    def key(candidate: Candidate) -> float:
        override = candidate[1]
        if strategy in _BY_PRIORITY:
            return float(override.get("Priority", float("inf")))
        known = market.price(Offering(override["InstanceType"], _zone(ec2, override), lifecycle))
        return float("inf") if known is None else known

    return sorted(candidates, key=key)


def _told(specification: Mapping[str, Any], override: Override, lifecycle: str) -> dict[str, Any]:
    return {
        "LaunchTemplateAndOverrides": {"LaunchTemplateSpecification": specification, "Overrides": override},
        "Lifecycle": lifecycle,
    }


def _profile(ec2: Any, specification: Mapping[str, Any]) -> str:
    """Name of the instance profile that the template names; empty where it names none."""
    return str((ec2._get_template_from_args(specification).data.get("IamInstanceProfile") or {}).get("Name") or "")


def _no_profile(ec2: Any, specification: Mapping[str, Any]) -> tuple[str, str] | None:
    """Code and words where the template's instance profile is not there."""
    name = _profile(ec2, specification)
    iam = get_backend("iam")[ec2.account_id][ec2.partition]
    if not name or any(profile.name == name for profile in iam.get_instance_profiles()):
        return None
    words = f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
    return "InvalidParameterValue", words


def _why_not(ec2: Any, override: Override, lifecycle: str) -> tuple[str, str] | None:
    """Code and words of the error for which this one is not launched."""
    kind, zone = override["InstanceType"], _zone(ec2, override)
    if not market.current().has(Offering(kind, zone, lifecycle)):
        return sold_out(ec2, kind, zone, lifecycle)
    code = quota_code(kind, "SPOT" if lifecycle == SPOT else "ON_DEMAND")
    limit = account().quotas.get(code)
    used = used_vcpus(AccountWorld(ec2.account_id, ec2.region_name, ec2.partition))[code] if limit is not None else 0
    if limit is None or used + vcpus(kind) <= limit:
        return None
    if lifecycle == SPOT:
        return "MaxSpotInstanceCountExceeded", "Max spot instance count exceeded"
    return (
        "VcpuLimitExceeded",
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket "
        "that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to "
        "request an adjustment to this limit.",
    )


def sold_out(ec2: Any, kind: str, zone: str, lifecycle: str) -> tuple[str, str]:
    """InsufficientInstanceCapacity in EC2's words."""
    if lifecycle == SPOT:
        return "InsufficientInstanceCapacity", "There is no Spot capacity available that matches your request."
    zones = [described.name for described in ec2.describe_availability_zones() if described.name != zone]
    others = [name for name in zones if market.current().has(Offering(kind, name, lifecycle))]
    instead = f" or choosing {', '.join(others)}" if others else ""
    return (
        "InsufficientInstanceCapacity",
        f"We currently do not have sufficient {kind} capacity in the Availability Zone you requested ({zone}). Our "
        f"system will be working on provisioning additional capacity. You can currently get {kind} capacity by not "
        f"specifying an Availability Zone in your request{instead}.",
    )


def _launch(
    ec2: InstanceBackend,
    specification: Mapping[str, Any],
    override: Override,
    lifecycle: str,
    tags: Mapping[str, Mapping[str, str]],
) -> Any:
    """One instance, with all that the template says; raises moto's error for what it names and is not there."""
    template = {key: specification[key] for key in ("LaunchTemplateId", "Version")}
    data = ec2._get_template_from_args(template).data
    interfaces = data.get("NetworkInterfaces") or [{}]
    reservation = ec2.run_instances(
        override.get("ImageId") or data.get("ImageId"),
        1,
        data.get("UserData"),
        [],
        instance_type=override["InstanceType"],
        is_instance_type_default=False,
        region_name=ec2.region_name,
        subnet_id=override.get("SubnetId") or interfaces[0].get("SubnetId"),
        security_group_ids=[*(data.get("SecurityGroupIds") or []), *(interfaces[0].get("Groups") or [])],
        associate_public_ip=interfaces[0].get("AssociatePublicIpAddress"),
        tags={kind: dict(tag) for kind, tag in tags.items()},
        launch_template=template,
        instance_market_options={"MarketType": "spot"} if lifecycle == SPOT else {},
        monitoring_state="enabled" if (data.get("Monitoring") or {}).get("Enabled") else "disabled",
        metadata_options=data.get("MetadataOptions") or {},
        ebs_optimized=data.get("EbsOptimized") or False,
        block_device_mappings=data.get("BlockDeviceMappings") or [],
    )
    (instance,) = reservation.instances
    for interface in instance.nics.values():
        interface.delete_on_termination = True
    zones = ec2.describe_availability_zones()
    instance.placement.availability_zone_id = next(
        (zone.zone_id for zone in zones if zone.name == instance.availability_zone), None
    )
    if profile := _profile(ec2, specification):
        ec2.associate_iam_instance_profile(instance_id=instance.id, iam_instance_profile_name=profile)
    if lifecycle == SPOT:
        instance.spot_instance_request_id = f"sir-{uuid.uuid4().hex[:8]}"
    return instance
