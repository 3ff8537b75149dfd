"""A certificate for the gateway's host, as a program registers it: proven by a record, and read by the Ingress."""

from __future__ import annotations

from typing import Any

import pytest

from components.aws.certificate import HostCertificate, HostCertificateArgs
from planning.model import NewCertificatePlan
from tests.engine import UNKNOWN, Engine, record
from tests.engine_answers import ACCOUNT, ANSWERS, Asked
from tests.program import example, run_program

CERTIFICATE, RECORD = "aws:acm/certificate:Certificate", "aws:route53/record:Record"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
ANNOTATION = "alb.ingress.kubernetes.io/certificate-arn"
PLAN = NewCertificatePlan("llm.example.com", "Z0123456789ABCDEFGHIJ", 300, ANNOTATION)
ARN = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/"


def _made(preview: bool = False) -> Engine:
    return record(lambda: HostCertificate("host", HostCertificateArgs(PLAN, {"stack": "dev"})), preview=preview)


def test_the_record_is_what_acm_says_and_the_certificate_is_waited_for_behind_it() -> None:
    engine = _made()
    certificate, proof, validation = (engine.only(type_) for type_ in (CERTIFICATE, RECORD, VALIDATION))
    assert certificate.inputs == {
        "domainName": "llm.example.com",
        "validationMethod": "DNS",
        "tags": {"stack": "dev", "Name": "host-certificate"},
    }
    asked = Asked(CERTIFICATE, certificate.name, certificate.inputs, "us-west-2")
    (said,) = ANSWERS[CERTIFICATE](asked)["domainValidationOptions"]
    assert proof.inputs == {
        "zoneId": "Z0123456789ABCDEFGHIJ",
        "name": said["resourceRecordName"],
        "type": "CNAME",
        "records": [said["resourceRecordValue"]],
        "ttl": 300,
        "allowOverwrite": True,
    }
    assert validation.inputs["validationRecordFqdns"] == [said["resourceRecordName"].rstrip(".")]
    assert "host-proof" in validation.dependency_names
    assert not any(each.delete_before_replace for each in engine.registrations), "one in use cannot be deleted first"


def test_a_first_preview_knows_the_host_and_not_yet_what_acm_will_say() -> None:
    engine = _made(preview=True)
    assert engine.only(CERTIFICATE).inputs["domainName"] == "llm.example.com"
    assert engine.only(RECORD).inputs["name"] == UNKNOWN


def test_an_ingress_reads_the_arn_of_the_certificate_that_was_validated() -> None:
    engine = run_program(example("alb"), "alb")
    ingress = engine.only(INGRESS)
    assert ingress.inputs["metadata"]["annotations"][ANNOTATION].startswith(ARN)
    assert "host-validation" in ingress.dependency_names
    assert engine.only(CERTIFICATE).inputs["tags"]["stack"] == "alb"


def test_a_stack_whose_certificate_is_there_makes_none() -> None:
    sections: dict[str, Any] = {**example("alb")}
    arn = "arn:aws:acm:us-east-1:444455556666:certificate/12345678-1234"
    sections["gateway"] = {**sections["gateway"], "certificate": {"kind": "acm", "arn": arn}}
    engine = run_program(sections, "alb")
    assert [made for type_ in (CERTIFICATE, RECORD, VALIDATION) for made in engine.all(type_)] == []
    assert engine.only(INGRESS).inputs["metadata"]["annotations"][ANNOTATION] == arn


@pytest.mark.parametrize("type_", [CERTIFICATE, RECORD, VALIDATION])
def test_two_hosts_have_certificates_beside_each_other(type_: str) -> None:
    def build() -> None:
        for name in ("one", "two"):
            HostCertificate(name, HostCertificateArgs(PLAN, {}))

    assert len(record(build).all(type_)) == 2
