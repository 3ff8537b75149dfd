"""Hosted zones, their records, and certificates that these prove."""

from __future__ import annotations

from typing import Any

from tests.local.aws_endpoint.land import Land, new_name


def certificate(here: Land, name: str = "llm.example.com") -> str:
    """The ARN of one that was asked for."""
    return str(here.acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"])


def status(here: Land, arn: str) -> str:
    return str(here.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])


def proof(here: Land, arn: str) -> tuple[str, str]:
    """Name and value of the CNAME record that ACM asks for."""
    (option,) = here.acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    return option["ResourceRecord"]["Name"], option["ResourceRecord"]["Value"]


def held(here: Land) -> str:
    """A certificate that a listener has."""
    arn = certificate(here)
    balancer = here.elbv2.create_load_balancer(Name=new_name("lb"), Subnets=here.subnets)["LoadBalancers"][0]
    here.elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )
    return arn


def zone(here: Land, name: str = "example.com", **more: Any) -> str:
    """The id of a hosted zone of its own."""
    made = here.route53.create_hosted_zone(Name=name, CallerReference=new_name("zone"), **more)
    return str(made["HostedZone"]["Id"]).removeprefix("/hostedzone/")


def private_zone(here: Land, name: str = "example.com") -> str:
    vpc = {"VPCRegion": here.region, "VPCId": here.vpc}
    return zone(here, name, HostedZoneConfig={"PrivateZone": True, "Comment": ""}, VPC=vpc)


def change(here: Land, where: str, name: str, action: str = "CREATE", value: str = "a.example.net.") -> None:
    """Of one CNAME record."""
    record = {"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": value}]}
    changes = [{"Action": action, "ResourceRecordSet": record}]
    here.route53.change_resource_record_sets(HostedZoneId=where, ChangeBatch={"Changes": changes})


def changed_again(here: Land, *actions: tuple[str, str]) -> None:
    """A record that is there, and then: what is done, with which value."""
    where = zone(here)
    change(here, where, "x.example.com")
    for action, value in actions:
        change(here, where, "x.example.com", action, value)
