"""What a call of a role's own credentials asks of IAM: actions on resources, with tags that are asked for and there.

For the calls of a controller that launches nodes; of any other call its action on `*`. Which resources a call names and
which keys they carry: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.aws_endpoint.contract.permitted import PermissionNeed
from local.aws_endpoint.contract.world import EC2_SERVICE, AccountWorld

Given = Mapping[str, Any]


def role_needs(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    """Every permission that the call takes; `operation` as `ec2:CreateFleet`."""
    need = _NEEDS.get(operation)
    if need is not None:
        yield from need(operation, request, world)
        return
    named = _RESOURCES.get(operation.partition(":")[0])
    yield PermissionNeed(operation, (named(request, world) if named else None) or "*", _here(world))


def _here(world: AccountWorld) -> dict[str, str]:
    return {"aws:RequestedRegion": world.region}


def _ec2_arn(world: AccountWorld, kind: str, name: str = "*") -> str:
    account = "" if kind in ("image", "snapshot") else world.account_id
    return f"arn:{world.partition}:ec2:{world.region}:{account}:{kind}/{name}"


def _requested(request: Given) -> dict[str, dict[str, str]]:
    """By kind of resource: the tags that the call asks for, as condition keys."""
    return {
        specification["ResourceType"]: {
            f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in specification.get("Tags") or []
        }
        for specification in request.get("TagSpecifications") or []
    }


def _there(resource: Any) -> dict[str, str]:
    return {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in resource.get_tags()} if resource else {}


def _tagging(request: Given, world: AccountWorld, action: str) -> Iterator[PermissionNeed]:
    for kind, tags in _requested(request).items():
        yield PermissionNeed(
            "ec2:CreateTags", _ec2_arn(world, kind), {**_here(world), **tags, "ec2:CreateAction": action}
        )


def _template_of(specification: Given, world: AccountWorld) -> Any | None:
    keys = {specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName")} - {None}
    templates = world.ec2.launch_templates.values()
    return next((template for template in templates if {template.id, template.name} & keys), None)


def _launch(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    """CreateFleet and RunInstances: from these images, subnets and groups, by these templates, with these tags."""
    action, here = operation.partition(":")[2], _here(world)
    configs = request.get("LaunchTemplateConfigs") or [
        {"LaunchTemplateSpecification": request.get("LaunchTemplate") or {}}
    ]
    for kind in ("image", "subnet", "security-group"):
        yield PermissionNeed(operation, _ec2_arn(world, kind), here)
    for kind, tags in _requested(request).items():
        yield PermissionNeed(operation, _ec2_arn(world, kind), {**here, **tags})
    for config in configs:
        template = _template_of(config["LaunchTemplateSpecification"], world)
        if template is None:
            continue
        yield PermissionNeed(operation, _ec2_arn(world, "launch-template", template.id), {**here, **_there(template)})
        profile = (template.versions[-1].data.get("IamInstanceProfile") or {}).get("Name")
        for role in _roles_of(profile, world):
            passed = EC2_SERVICE.get(world.partition, EC2_SERVICE["aws"])
            yield PermissionNeed("iam:PassRole", role.arn, {"iam:PassedToService": passed})
    yield from _tagging(request, world, action)


def _roles_of(profile: str | None, world: AccountWorld) -> list[Any]:
    profiles = (candidate for candidate in world.iam.get_instance_profiles() if candidate.name == profile)
    return [role for profile in profiles for role in profile.roles]


def _make_template(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    tags = _requested(request).get("launch-template", {})
    yield PermissionNeed(operation, _ec2_arn(world, "launch-template"), {**_here(world), **tags})
    yield from _tagging(request, world, "CreateLaunchTemplate")


def _take_template(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    template = _template_of(request, world)
    name = template.id if template is not None else "*"
    yield PermissionNeed(operation, _ec2_arn(world, "launch-template", name), {**_here(world), **_there(template)})


def _instance(name: str, world: AccountWorld) -> Any | None:
    reservations = world.ec2.reservations.values()
    return next((instance for r in reservations for instance in r.instances if instance.id == name), None)


def _end(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    for name in request.get("InstanceIds") or []:
        tags = _there(_instance(name, world))
        yield PermissionNeed(operation, _ec2_arn(world, "instance", name), {**_here(world), **tags})


def _tag(operation: str, request: Given, world: AccountWorld) -> Iterator[PermissionNeed]:
    asked = {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in request.get("Tags") or []}
    keys = {"aws:TagKeys": ",".join(tag["Key"] for tag in request.get("Tags") or [])}
    for name in request.get("Resources") or []:
        kind = "instance" if name.startswith("i-") else "launch-template" if name.startswith("lt-") else "volume"
        there = _there(_instance(name, world)) if kind == "instance" else {}
        yield PermissionNeed(operation, _ec2_arn(world, kind, name), {**_here(world), **asked, **keys, **there})


def _queue(request: Given, world: AccountWorld) -> str | None:
    name = request.get("QueueName") or str(request.get("QueueUrl", "")).rsplit("/", 1)[-1]
    return f"arn:{world.partition}:sqs:{world.region}:{world.account_id}:{name}" if name else None


def _parameter(request: Given, world: AccountWorld) -> str | None:
    name = str(request.get("Name", ""))
    account = "" if name.startswith("/aws/service/") else world.account_id
    return f"arn:{world.partition}:ssm:{world.region}:{account}:parameter{name}" if name else None


def _secret(request: Given, world: AccountWorld) -> str | None:
    """By ARN or by name, to which Secrets Manager adds six characters of its own."""
    name = str(request.get("SecretId", ""))
    if not name or name.startswith("arn:"):
        return name or None
    return f"arn:{world.partition}:secretsmanager:{world.region}:{world.account_id}:secret:{name}-AbCdEf"


def _cluster(request: Given, world: AccountWorld) -> str | None:
    name = request.get("name") or request.get("clusterName")
    return f"arn:{world.partition}:eks:{world.region}:{world.account_id}:cluster/{name}" if name else None


def _of_iam(request: Given, world: AccountWorld) -> str | None:
    for key, kind in (("InstanceProfileName", "instance-profile"), ("RoleName", "role")):
        if request.get(key):
            return f"arn:{world.partition}:iam::{world.account_id}:{kind}/{request[key]}"
    return None


_NEEDS: Mapping[str, Callable[[str, Given, AccountWorld], Iterator[PermissionNeed]]] = {
    "ec2:CreateFleet": _launch,
    "ec2:RunInstances": _launch,
    "ec2:CreateLaunchTemplate": _make_template,
    "ec2:DeleteLaunchTemplate": _take_template,
    "ec2:TerminateInstances": _end,
    "ec2:CreateTags": _tag,
}
_RESOURCES: Mapping[str, Callable[[Given, AccountWorld], str | None]] = {
    "secretsmanager": _secret,
    "sqs": _queue,
    "ssm": _parameter,
    "eks": _cluster,
    "iam": _of_iam,
}
