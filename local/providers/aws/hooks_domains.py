"""Records of hosted zones, and the wait for a certificate that they prove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.providers.aws.hooks import Properties
from local.providers.aws.resource import LiveResource
from local.providers.aws.waiting import poll
from local.providers.rpc import ProviderError

# The provider's own is 75 minutes, and ACM's three days; here nothing is slow.
PATIENCE_SECONDS = 60.0
# Go's zero time as text: the provider takes the time of issue for an id before it waits for it.
_NEVER = "0001-01-01 00:00:00 +0000 UTC"


def _full_name(resource: LiveResource, zone: str) -> str:
    """The name as the provider asks for it: what does not end like the zone is taken for a part of it
    (internal/service/route53/record.go, expandRecordName)."""
    name, zone = str(resource.value("name")).lower().removesuffix("."), zone.removesuffix(".")
    return name if name.endswith(zone) else f"{name}.{zone}"


def _zone(resource: LiveResource) -> str:
    answer = resource.call("get_hosted_zone", {"Id": resource.value("zoneId")})
    return str(answer["HostedZone"]["Name"])


def _record_set(resource: LiveResource, properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": properties["type"],
        "TTL": properties["ttl"],
        "ResourceRecords": [{"Value": value} for value in properties["records"]],
    }


def _change(resource: LiveResource, *changes: tuple[str, Mapping[str, Any]]) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    resource.call("change_resource_record_sets", {"HostedZoneId": resource.value("zoneId"), "ChangeBatch": batch})


def _found(resource: LiveResource, name: str, type_: str) -> dict[str, Any] | None:
    """The record set that is there."""
    answer = resource.call(
        "list_resource_record_sets",
        {
            "HostedZoneId": resource.value("zoneId"),
            "StartRecordName": f"{name}.",
            "StartRecordType": type_,
            "MaxItems": "1",
        },
    )
    sets: list[dict[str, Any]] = answer["ResourceRecordSets"]
    return next((each for each in sets if (each["Name"], each["Type"]) == (f"{name}.", type_)), None)


def make_record(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """CREATE, which is refused where the record is there, or UPSERT with `allowOverwrite`."""
    inputs = resource.inputs
    record = _record_set(resource, inputs, _full_name(resource, _zone(resource)))
    _change(resource, ("UPSERT" if inputs.get("allowOverwrite") else "CREATE", record))
    return "_".join((inputs["zoneId"], str(inputs["name"]).lower().removesuffix("."), inputs["type"]))


def change_record(resource: LiveResource, old: Mapping[str, Any], changed: set[str]) -> None:
    """UPSERT; of another type the old one goes in the same batch."""
    if not changed & {"ttl", "records", "type"}:
        return
    name, inputs = _full_name(resource, _zone(resource)), resource.inputs
    if "type" in changed:
        action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
        before, after = _record_set(resource, old, name), _record_set(resource, inputs, name)
        _change(resource, ("DELETE", before), (action, after))
    else:
        _change(resource, ("UPSERT", _record_set(resource, inputs, name)))


def observe_record(resource: LiveResource, seen: Properties) -> Properties | None:
    """Read by its name in the zone; None where it is not there."""
    name, type_ = _full_name(resource, resource.live["Name"]), str(resource.value("type"))
    live = _found(resource, name, type_)
    if live is None:
        return None
    said = resource.inputs.get("name")
    return {
        "zoneId": resource.value("zoneId"),
        "name": said or resource.value("name"),
        "type": type_,
        "fqdn": name,
        "ttl": int(live["TTL"]),
        "records": [each["Value"] for each in live["ResourceRecords"]],
    }


def delete_record(resource: LiveResource) -> None:
    """DELETE of what is there now, also where it is no longer what the program said."""
    live = _found(resource, _full_name(resource, resource.live["Name"]), str(resource.value("type")))
    if live is not None:
        _change(resource, ("DELETE", live))


def await_issue(resource: LiveResource, tagged: dict[str, Any]) -> str:
    """Judges the names of records that the program made, then waits until ACM has found them
    (internal/service/acm/certificate_validation.go; AWS makes nothing)."""
    arn = str(resource.inputs["certificateArn"])

    def asked() -> Mapping[str, Any]:
        told: Mapping[str, Any] = resource.call("describe_certificate", {"CertificateArn": arn})["Certificate"]
        return told

    certificate = asked()
    if certificate["Type"] != "AMAZON_ISSUED":
        raise ProviderError(f"ACM Certificate ({arn}) has type {certificate['Type']}, no validation necessary")
    if fqdns := resource.inputs.get("validationRecordFqdns"):
        _judge_names(certificate, {str(fqdn).removesuffix(".") for fqdn in fqdns})

    def is_issued() -> bool:
        status = asked()["Status"]
        if status not in ("PENDING_VALIDATION", "ISSUED"):
            raise ProviderError(f"waiting for ACM Certificate ({arn}) to be issued: unexpected state '{status}'")
        return bool(status == "ISSUED")

    if not poll(is_issued, resource.timeout_seconds or PATIENCE_SECONDS):
        raise ProviderError(
            f"waiting for ACM Certificate ({arn}) to be issued: timeout while waiting for state to become 'ISSUED'"
        )
    issued = certificate.get("IssuedAt")
    return f"{issued:%Y-%m-%d %H:%M:%S} +0000 UTC" if issued else _NEVER


def _judge_names(certificate: Mapping[str, Any], fqdns: set[str]) -> None:
    missing = []
    for option in certificate["DomainValidationOptions"]:
        if option["ValidationMethod"] != "DNS":
            raise ProviderError(f"validation_record_fqdns is not valid for {option['ValidationMethod']} validation")
        name = option["ResourceRecord"]["Name"].removesuffix(".")
        if name not in fqdns:
            missing.append(f"missing {option['DomainName']} DNS validation record: {name}")
    if missing:
        raise ProviderError("\n".join(missing))
