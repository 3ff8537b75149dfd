"""A certificate and its record, as the provider and Route 53 treat them where something is not as it should be."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from local.providers.aws import hooks_domains
from local.providers.rpc import ProviderError, plain
from tests.local.aws.cases_domains import hosted_zone
from tests.local.aws.driver import REGION, Deployed, Driver

CERTIFICATE, RECORD = "aws:acm/certificate:Certificate", "aws:route53/record:Record"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"


def certificate(driver: Driver, host: str) -> tuple[Deployed, dict[str, Any]]:
    """It, and inputs of the record that proves it, but for the zone."""
    made = driver.create(CERTIFICATE, "host", {"domainName": host, "validationMethod": "DNS"})
    (option,) = plain(made.outputs)["domainValidationOptions"]
    proof = {
        "name": option["resourceRecordName"],
        "type": option["resourceRecordType"],
        "records": [option["resourceRecordValue"]],
        "ttl": 300,
    }
    return made, proof


def validation(driver: Driver, made: Deployed, *records: Deployed) -> Deployed:
    fqdns = {"validationRecordFqdns": [record.outputs["fqdn"] for record in records]} if records else {}
    return driver.create(VALIDATION, "wait", {"certificateArn": made.id, **fqdns})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks_domains, "PATIENCE_SECONDS", 0.3)


def test_a_certificate_is_waited_for_until_its_record_is_there(driver: Driver) -> None:
    made, proof = certificate(driver, "llm.wait.example.com")
    with pytest.raises(ProviderError, match="timeout while waiting for state to become 'ISSUED'"):
        validation(driver, made)
    record = driver.create(RECORD, "proof", {**proof, "zoneId": hosted_zone({"Name": "wait.example.com"})})
    done = validation(driver, made, record)
    assert driver.refresh(made)
    assert made.outputs["status"] == "ISSUED"
    assert driver.refresh(done)
    driver.delete(record)
    driver.delete(made)
    assert not driver.refresh(done)


def test_a_record_of_a_private_zone_proves_nothing(driver: Driver) -> None:
    made, proof = certificate(driver, "llm.private.example.com")
    private = {
        "HostedZoneConfig": {"PrivateZone": True, "Comment": ""},
        "VPC": {"VPCRegion": REGION, "VPCId": "vpc-0123456789abcdef0"},
    }
    zone = hosted_zone({"Name": "private.example.com", **private})
    record = driver.create(RECORD, "proof", {**proof, "zoneId": zone})
    with pytest.raises(ProviderError, match="timeout while waiting"):
        validation(driver, made, record)


def test_in_a_zone_that_the_host_does_not_lie_in_the_record_gets_another_name_and_proves_nothing(
    driver: Driver,
) -> None:
    made, proof = certificate(driver, "llm.here.example.com")
    record = driver.create(RECORD, "proof", {**proof, "zoneId": hosted_zone({"Name": "elsewhere.example.org"})})
    assert record.outputs["fqdn"].endswith(".llm.here.example.com.elsewhere.example.org")
    with pytest.raises(ProviderError, match=r"missing llm\.here\.example\.com DNS validation record: _"):
        validation(driver, made, record)


def test_a_zone_that_is_not_there_and_one_whose_name_the_records_only_ends_like_are_refused(driver: Driver) -> None:
    _, proof = certificate(driver, "llm.another-example.com")
    with pytest.raises(ProviderError, match="NoSuchHostedZone"):
        driver.create(RECORD, "proof", {**proof, "zoneId": "Z0123456789ABCDEFGHIJ"})
    with pytest.raises(ProviderError, match=r"RRSet with DNS name _\w+\.llm\.another-example\.com\. is not permitted"):
        driver.create(RECORD, "proof", {**proof, "zoneId": hosted_zone({"Name": "example.com"})})


def test_a_record_that_is_there_is_written_over_only_where_that_is_allowed(driver: Driver) -> None:
    zone = hosted_zone({"Name": "over.example.com"})
    first = {"zoneId": zone, "name": "x.over.example.com", "type": "CNAME", "records": ["a.example.net."], "ttl": 300}
    driver.create(RECORD, "first", first)
    second = {**first, "records": ["b.example.net."]}
    with pytest.raises(ProviderError, match=r"Tried to create resource record set .* but it already exists"):
        driver.create(RECORD, "second", second)
    kept = driver.create(RECORD, "second", {**second, "allowOverwrite": True})
    assert plain(kept.outputs)["records"] == ["b.example.net."]


def test_a_record_that_another_program_took_away_is_deleted_already(driver: Driver) -> None:
    zone = hosted_zone({"Name": "gone.example.com"})
    inputs = {"zoneId": zone, "name": "x.gone.example.com", "type": "CNAME", "records": ["a.example.net."], "ttl": 60}
    record, twin = (
        driver.create(RECORD, "one", inputs),
        driver.create(RECORD, "two", {**inputs, "allowOverwrite": True}),
    )
    driver.delete(record)
    assert not driver.refresh(twin)
    driver.delete(twin)
    boto3.client("route53", region_name=REGION).delete_hosted_zone(Id=zone)


def test_a_certificate_of_a_key_of_ones_own_has_nothing_to_wait_for(driver: Driver) -> None:
    from tests.e2e.authorities import Authority

    public, private = Authority("test").issue("llm.example.com")
    acm = boto3.client("acm", region_name=REGION)
    arn = acm.import_certificate(Certificate=public, PrivateKey=private)["CertificateArn"]
    with pytest.raises(ProviderError, match="has type IMPORTED, no validation necessary"):
        driver.create(VALIDATION, "wait", {"certificateArn": arn})


def test_one_that_a_load_balancer_has_is_not_deleted(driver: Driver) -> None:
    from tests.local.aws.needs import SUBNETS, VPC

    made, _ = certificate(driver, "llm.held.example.com")
    vpc = driver.create(VPC[1], "vpc", VPC[2])
    subnets = [driver.create(token, name, {**inputs, "vpcId": vpc.id}).id for name, token, inputs in SUBNETS]
    elb = boto3.client("elbv2", region_name=REGION)
    balancer = elb.create_load_balancer(Name="held", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": made.id}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]["ListenerArn"]
    with pytest.raises(ProviderError, match=f"Certificate {made.id} in account .* is in use"):
        driver.delete(made, timeout_seconds=0.3)
    elb.delete_listener(ListenerArn=listener)
    driver.delete(made)
    assert not driver.refresh(made)
