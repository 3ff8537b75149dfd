"""Examples of certificates, of records in a hosted zone that is there, and of the wait for what these prove."""

from __future__ import annotations

import uuid

import boto3

from tests.local.aws.driver import REGION
from tests.local.aws.needs import Case, Inputs


def hosted_zone(inputs: Inputs) -> str:
    """A public one."""
    made = boto3.client("route53", region_name=REGION).create_hosted_zone(CallerReference=uuid.uuid4().hex, **inputs)
    return str(made["HostedZone"]["Id"]).removeprefix("/hostedzone/")


ZONE = ("zone", hosted_zone, {"Name": "example.com"})
PROVEN = ("proven", "aws:acm/certificate:Certificate", {"domainName": "llm.example.com", "validationMethod": "DNS"})
_ASKED = "$proven.domainValidationOptions[0].resourceRecord"
PROOF = (
    "proof",
    "aws:route53/record:Record",
    {
        "zoneId": "$zone.id",
        "name": f"{_ASKED}Name",
        "type": f"{_ASKED}Type",
        "records": [f"{_ASKED}Value"],
        "ttl": 300,
        "allowOverwrite": True,
    },
)

CASES: tuple[Case, ...] = (
    Case(
        "aws:acm/certificate:Certificate",
        {"domainName": "chat.example.com", "validationMethod": "DNS", "tags": {"a": "1"}},
        update={"tags": {"b": "1"}},
        replace={"domainName": "other.example.com"},
        outputs=("arn", "domainValidationOptions", "status", "subjectAlternativeNames", "keyAlgorithm"),
    ),
    Case(
        "aws:route53/record:Record",
        {"zoneId": "$zone.id", "name": "www.example.com", "type": "CNAME", "records": ["a.example.net."], "ttl": 300},
        needs=(ZONE,),
        update={"records": ["b.example.net."], "ttl": 60},
        replace={"name": "web.example.com"},
        outputs=("fqdn",),
        import_id="{zoneId}_www.example.com_CNAME",
    ),
    Case(
        "aws:acm/certificateValidation:CertificateValidation",
        {"certificateArn": "$proven.arn", "validationRecordFqdns": ["$proof.fqdn"]},
        needs=(ZONE, PROVEN, PROOF),
        replace={"validationRecordFqdns": None},
        importable=False,
        stays=True,
    ),
)
