"""Mistakes in launch templates and EKS inputs that neither botocore nor moto finds (see checks.py)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import yaml

from local.providers.aws.checks import Inputs, known, network_problem
from local.providers.aws.cloud import operation_model
from local.providers.aws.schema import Problem, did_you_mean

# gp3: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html (limits of 2025-09: 80,000 IOPS,
# 2,000 MiB/s); 500 IOPS per GiB above the base of 3,000, a quarter MiB/s per IOPS above the base of 125 MiB/s.
_GP3 = {"iops": (3000, 80_000), "throughput": (125, 2000)}
_GP3_IOPS_PER_GIB = 500
_GP3_MIBPS_PER_IOPS = 0.25


def instance_type_problems(names: Any, path: str) -> list[Problem]:
    """Names that EC2 does not have; its model lists them all."""
    shape = operation_model("ec2", "run_instances").input_shape.members["InstanceType"]
    return [
        Problem(path, f'"{name}" is no EC2 instance type.{did_you_mean(name, shape.enum)}')
        for name in names
        if isinstance(name, str) and name not in shape.enum
    ]


def launch_template(inputs: Inputs) -> list[Problem]:
    problems = []
    user_data = known(inputs, "userData")
    if user_data:
        try:
            base64.b64decode(user_data, validate=True)
        except (binascii.Error, ValueError):
            problems.append(Problem("userData", "must be base64; use base64encode of the text"))
    if known(inputs, "instanceType"):
        problems += instance_type_problems([inputs["instanceType"]], "instanceType")
    mappings = inputs.get("blockDeviceMappings")
    for index, mapping in enumerate(mappings if isinstance(mappings, list) else []):
        if isinstance(mapping, dict) and isinstance(mapping.get("ebs"), dict):
            problems += _ebs(mapping["ebs"], f"blockDeviceMappings[{index}].ebs")
    return problems


def _ebs(ebs: Inputs, path: str) -> list[Problem]:
    kind, problems = known(ebs, "volumeType"), []
    size, iops, throughput = (known(ebs, prop) for prop in ("volumeSize", "iops", "throughput"))
    if throughput is not None and kind not in (None, "gp3"):
        problems.append(Problem(f"{path}.throughput", f"only gp3 volumes have a throughput, not {kind}"))
    if kind in ("io1", "io2") and iops is None:
        problems.append(Problem(f"{path}.iops", f"{kind} volumes need iops"))
    if kind != "gp3":
        return problems
    for prop, value in (("iops", iops), ("throughput", throughput)):
        low, high = _GP3[prop]
        if value is not None and not low <= value <= high:
            problems.append(Problem(f"{path}.{prop}", f"gp3 has {low} to {high}, got {value}"))
    if size and iops and iops > max(_GP3["iops"][0], size * _GP3_IOPS_PER_GIB):
        problems.append(Problem(f"{path}.iops", f"{iops} needs more than {size} GiB ({_GP3_IOPS_PER_GIB} per GiB)"))
    allowed = (iops or _GP3["iops"][0]) * _GP3_MIBPS_PER_IOPS
    if throughput and throughput > allowed:
        problems.append(Problem(f"{path}.throughput", f"{throughput} MiB/s needs {throughput * 4} iops"))
    return problems


def eks_cluster(inputs: Inputs) -> list[Problem]:
    problems = []
    version = known(inputs, "version")
    if version is not None and not re.fullmatch(r"1\.\d{2}", version):
        problems.append(Problem("version", f'"{version}" is no Kubernetes minor version such as "1.34"'))
    vpc = inputs.get("vpcConfig")
    if isinstance(vpc, dict):
        for text in known(vpc, "publicAccessCidrs") or []:
            message = network_problem(text)
            if message:
                problems.append(Problem("vpcConfig.publicAccessCidrs", message))
        private, public = known(vpc, "endpointPrivateAccess"), known(vpc, "endpointPublicAccess")
        if public is False and not private:
            problems.append(Problem("vpcConfig.endpointPrivateAccess", "with endpointPublicAccess off it must be on"))
        subnets = vpc.get("subnetIds")
        if isinstance(subnets, list) and len(subnets) < 2:
            problems.append(Problem("vpcConfig.subnetIds", "EKS needs subnets in at least two availability zones"))
    types = inputs.get("enabledClusterLogTypes")
    allowed = ("api", "audit", "authenticator", "controllerManager", "scheduler")
    problems += [
        Problem("enabledClusterLogTypes", f'"{name}" is none of {", ".join(allowed)}')
        for name in (types if isinstance(types, list) else [])
        if isinstance(name, str) and name not in allowed
    ]
    return problems


def node_group(inputs: Inputs) -> list[Problem]:
    problems = _sizes(inputs.get("scalingConfig"))
    update = inputs.get("updateConfig")
    if isinstance(update, dict) and update.get("maxUnavailable") and update.get("maxUnavailablePercentage"):
        problems.append(
            Problem("updateConfig.maxUnavailablePercentage", "give maxUnavailable or the percentage, not both")
        )
    types = inputs.get("instanceTypes")
    if isinstance(types, list):
        problems += instance_type_problems(types, "instanceTypes")
        problems += _architecture(inputs, [name for name in types if isinstance(name, str)])
    template = inputs.get("launchTemplate")
    if template and inputs.get("diskSize") is not None:
        problems.append(Problem("diskSize", "must stand in the launch template when there is one"))
    if template and inputs.get("remoteAccess") is not None:
        problems.append(Problem("remoteAccess", "must stand in the launch template when there is one"))
    if isinstance(template, dict) and (template.get("id") is None) == (template.get("name") is None):
        problems.append(Problem("launchTemplate", "give exactly one of id and name"))
    return problems


def _sizes(scaling: Any) -> list[Problem]:
    if not isinstance(scaling, dict):
        return []
    low, desired, high = (known(scaling, prop) for prop in ("minSize", "desiredSize", "maxSize"))
    problems = []
    if low is not None and high is not None and low > high:
        problems.append(Problem("scalingConfig.minSize", f"minSize {low} is above maxSize {high}"))
    if desired is not None and low is not None and desired < low:
        problems.append(Problem("scalingConfig.desiredSize", f"desiredSize {desired} is below minSize {low}"))
    if desired is not None and high is not None and desired > high:
        problems.append(Problem("scalingConfig.desiredSize", f"desiredSize {desired} is above maxSize {high}"))
    return problems


# Graviton families end in "g" before their size and option letters (m7g, c7gn, g5g, im4gn) or are named a1.
_ARM = re.compile(r"(?:[a-z]+\d+g[a-z]*|a1)\.")


def _architecture(inputs: Inputs, types: list[str]) -> list[Problem]:
    ami = known(inputs, "amiType")
    if ami is None or not ("ARM_64" in ami or "x86_64" in ami or ami == "AL2_x86_64_GPU"):
        return []
    wants_arm = "ARM_64" in ami
    return [
        Problem("amiType", f"{ami} does not run on {name}, which is {'x86_64' if wants_arm else 'arm64'}")
        for name in types
        if bool(_ARM.match(name)) != wants_arm
    ]


def addon(inputs: Inputs) -> list[Problem]:
    text = known(inputs, "configurationValues")
    if text is None:
        return []
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [Problem("configurationValues", f"is neither JSON nor YAML: {error}")]
    if not isinstance(parsed, dict):
        return [Problem("configurationValues", "must be an object")]
    return []


def access_entry(inputs: Inputs) -> list[Problem]:
    kind = known(inputs, "type")
    if kind not in (None, "STANDARD") and inputs.get("kubernetesGroups"):
        return [Problem("kubernetesGroups", f"an entry of type {kind} has no groups of its own")]
    return []


def access_scope(inputs: Inputs) -> list[Problem]:
    scope = inputs.get("accessScope")
    if not isinstance(scope, dict) or known(scope, "type") is None:
        return []
    if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
        return [Problem("accessScope.namespaces", "type namespace needs namespaces, type cluster has none")]
    return []
