"""Mistakes in certificates and records that the provider finds before any call."""

from __future__ import annotations

from local.providers.aws.checks import Inputs, known
from local.providers.aws.cloud import operation_model
from local.providers.aws.schema import Problem, did_you_mean


def domain_name(inputs: Inputs) -> list[Problem]:
    """terraform-provider-aws internal/service/acm/certificate.go: exactly one of it and a private key, which the
    stand-in does not import."""
    return [] if inputs.get("domainName") is not None else [Problem("domainName", "is required and was not given")]


def record_type(inputs: Inputs) -> list[Problem]:
    type_ = known(inputs, "type")
    members = operation_model("route53", "list_resource_record_sets").input_shape.members
    types = members["StartRecordType"].enum
    if type_ is None or type_ in types:
        return []
    return [Problem("type", f'must be one of {", ".join(types)}; got "{type_}".{did_you_mean(type_, types)}')]


def record_values(inputs: Inputs) -> list[Problem]:
    """internal/service/route53/record.go: one of alias and records, and with these a time to live."""
    return [
        Problem(prop, "is required where there is no alias, which the stand-in does not make")
        for prop in ("records", "ttl")
        if inputs.get(prop) is None
    ]
