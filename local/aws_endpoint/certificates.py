"""Certificates that DNS proves, which moto issues after a minute whatever stands there; and ids of hosted zones.

https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html, 2026-11-28: ACM issues one when it finds the CNAME
record of each name, which it asks public name servers for. Here these are the account's own public hosted zones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.acm.models import CertBundle
from moto.backends import get_backend
from moto.route53.models import HostedZoneIdentifier
from moto.utilities.utils import get_partition

PENDING, ISSUED = "PENDING_VALIDATION", "ISSUED"
# Not told of a certificate that is not issued (API_CertificateDetail).
_WHEN_ISSUED = ("IssuedAt", "NotBefore", "NotAfter", "Serial")


def install() -> None:
    """Patches moto's classes; once per process."""
    _issue_what_is_proven()
    _begin_ids_with_z()


def _issue_what_is_proven() -> None:
    original = CertBundle.describe

    def check(self: Any) -> None:
        if self.type == "AMAZON_ISSUED" and self.status == PENDING and _is_proven(self):
            self.status = ISSUED

    def describe(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = original(self)
        if self.status == PENDING:
            told["Certificate"] = {key: item for key, item in told["Certificate"].items() if key not in _WHEN_ISSUED}
        return told

    CertBundle.check, CertBundle.describe = check, describe


def _is_proven(certificate: Any) -> bool:
    """Whether the record of every name of it is there."""
    _, _, _, region, account, _ = certificate.arn.split(":", 5)
    found = set(public_records(account, get_partition(region)))
    options = certificate.describe()["Certificate"]["DomainValidationOptions"]
    asked = (option["ResourceRecord"] for option in options)
    return all((record["Name"], record["Type"], record["Value"]) in found for record in asked)


def public_records(account: str, partition: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and value of what the account's public zones answer, names and values with their last dot.

    Of a name that lies in several zones only the longest's: name servers ask on where a zone is delegated.
    """
    zones = [zone for zone in get_backend("route53")[account][partition].zones.values() if not zone.private_zone]
    for zone in zones:
        for record in zone.rrsets:
            if zone.name == max((each.name for each in zones if lies_in(record.name, each.name)), key=len):
                yield from ((dotted(record.name), record.type, dotted(str(value))) for value in record.records)


def lies_in(name: str, zone: str) -> bool:
    """Whether a DNS name is the zone's or below it."""
    return f".{dotted(name)}".endswith(f".{dotted(zone)}")


def dotted(name: str) -> str:
    """A DNS name as Route 53 gives it back: in lower case, with its last dot."""
    return f"{name.lower().removesuffix('.')}."


def _begin_ids_with_z() -> None:
    """moto's begin with any letter."""
    original = HostedZoneIdentifier.generate

    def generate(self: Any, *args: Any, **kwargs: Any) -> str:
        made: str = original(self, *args, **kwargs)
        return made if made.startswith("Z") else f"Z{made[1:]}"

    HostedZoneIdentifier.generate = generate
