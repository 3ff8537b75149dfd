"""Certificates that a load balancer holds, and the records of hosted zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local.aws_endpoint.certificates import dotted, lies_in
from local.aws_endpoint.contract.rule import Asked, Checks


def _used(asked: Asked) -> Mapping[str, Any] | None:
    """By a listener of any load balancer of the region."""
    arn = asked.given.get("CertificateArn")
    held = {
        certificate
        for balancer in asked.world.elbv2.load_balancers.values()
        for listener in balancer.listeners.values()
        for certificate in listener.certificates
    }
    return {"arn": arn, "account": asked.world.account_id} if arn in held else None


def _changes(asked: Asked, *actions: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The zone, where it is there, and each record set that is asked to be changed so."""
    zone = asked.world.route53.zones.get(str(asked.given.get("HostedZoneId")).removeprefix("/hostedzone/"))
    for change in (asked.given.get("ChangeBatch") or {}).get("Changes") or ():
        if zone is not None and change["Action"] in actions:
            yield zone, change["ResourceRecordSet"]


def _same(zone: Any, wanted: Mapping[str, Any]) -> Any | None:
    """The zone's record set of that name, type and identifier."""
    names = (dotted(wanted["Name"]), wanted["Type"], wanted.get("SetIdentifier"))
    return next((each for each in zone.rrsets if (dotted(each.name), each.type, each.set_identifier) == names), None)


def _outside(asked: Asked) -> Mapping[str, Any] | None:
    for zone, record in _changes(asked, "CREATE", "UPSERT"):
        if not lies_in(record["Name"], zone.name):
            return {"name": dotted(record["Name"]), "zone": dotted(zone.name)}
    return None


def _there(asked: Asked) -> Mapping[str, Any] | None:
    for zone, record in _changes(asked, "CREATE"):
        if _same(zone, record) is not None:
            return {"name": dotted(record["Name"]), "type": record["Type"]}
    return None


def _not_there(asked: Asked) -> Mapping[str, Any] | None:
    for zone, record in _changes(asked, "DELETE"):
        if _same(zone, record) is None:
            return {"name": dotted(record["Name"]), "type": record["Type"]}
    return None


def _other_values(asked: Asked) -> Mapping[str, Any] | None:
    for zone, record in _changes(asked, "DELETE"):
        there, values = _same(zone, record), [each["Value"] for each in record.get("ResourceRecords") or ()]
        if there is not None and (sorted(there.records), int(there.ttl or 0)) != (
            sorted(values), int(record.get("TTL") or 0)
        ):  # fmt: skip
            return {"name": dotted(record["Name"]), "type": record["Type"]}
    return None


CHECKS: Checks = {
    "certificate-used": _used,
    "record-zone": _outside,
    "record-there": _there,
    "record-absent": _not_there,
    "record-values": _other_values,
}
