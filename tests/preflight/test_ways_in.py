"""A certificate of AWS Certificate Manager, asked of ACM; an IngressClass, asked of an existing cluster."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.model import PreflightReport, Verdict
from preflight.questions.ways_in import CLASSES, DEPLOYMENTS, judged_certificate
from tests.e2e.authorities import Authority
from tests.preflight.accounts import account, asked, own, planned, said
from tests.preflight.test_existing_cluster import ALL, GP3, api_server, made, stack

HOST = "llm.example.com"
ACM = {"host": HOST, "kind": "ingress", "ingressClass": "alb"}
PATH = "gateway.certificate.arn"


def report_of(arn: str, aws: Any) -> PreflightReport:
    gateway = {**ACM, "certificate": {"kind": "acm", "arn": arn}}
    return asked(planned(own("dev", gateway=gateway, systemNodes={"minNodes": 3})), aws)


def requested(name: str = HOST, *others: str) -> Callable[[], str]:
    def request() -> str:
        more = {"SubjectAlternativeNames": list(others)} if others else {}
        acm = boto3.client("acm", region_name="us-east-1")
        return str(acm.request_certificate(DomainName=name, ValidationMethod="DNS", **more)["CertificateArn"])

    return request


def imported() -> str:
    public, private = Authority("test").issue(HOST)
    acm = boto3.client("acm", region_name="us-east-1")
    return str(acm.import_certificate(Certificate=public, PrivateKey=private)["CertificateArn"])


def absent() -> str:
    return f"arn:aws:acm:us-east-1:{boto3.client('sts').get_caller_identity()['Account']}:certificate/none"


@pytest.mark.parametrize(
    ("there", "verdict", "words"),
    [
        (absent, Verdict.ERROR, "there is no certificate"),
        (requested(), Verdict.ERROR, "it is PENDING_VALIDATION, and clients would be refused; make the DNS record"),
        (imported, Verdict.WARNING, "it was imported, and AWS renews none of these"),
    ],
)
def test_a_certificate_of_acm_is_looked_at(there: Callable[[], str], verdict: Verdict, words: str) -> None:
    with account() as aws:
        report = report_of(there(), aws)
    (told,) = said(report, verdict)[PATH]
    assert words in told


@pytest.mark.parametrize(
    ("name", "others", "verdict"),
    [
        (HOST, [], Verdict.OK),
        ("*.example.com", [], Verdict.OK),
        ("example.com", ["LLM.example.com"], Verdict.OK),
        ("example.com", ["*.llm.example.com", "*.com"], Verdict.ERROR),
        ("other.example.com", [], Verdict.ERROR),
    ],
)
def test_a_certificate_has_to_be_of_the_host(name: str, others: list[str], verdict: Verdict) -> None:
    issued = {
        "Status": "ISSUED",
        "DomainName": name,
        "SubjectAlternativeNames": [name, *others],
        "Type": "AMAZON_ISSUED",
    }
    answer = judged_certificate({**issued, "NotAfter": datetime.datetime(2027, 1, 1)}, HOST)
    assert answer.verdict is verdict
    assert HOST in answer.message
    assert verdict is Verdict.OK or name in answer.message


def zone(name: str = "example.com", private: bool = False) -> Callable[[], str]:
    def make() -> str:
        vpc = {"VPC": {"VPCRegion": "us-east-1", "VPCId": "vpc-0123456789abcdef0"}} if private else {}
        config = {"PrivateZone": private, "Comment": ""}
        route53 = boto3.client("route53", region_name="us-east-1")
        made = route53.create_hosted_zone(Name=name, CallerReference=name, HostedZoneConfig=config, **vpc)
        return str(made["HostedZone"]["Id"]).removeprefix("/hostedzone/")

    return make


@pytest.mark.parametrize(
    ("there", "verdict", "words"),
    [
        (lambda: "Z0123456789ABCDEFGHIJ", Verdict.ERROR, "there is no hosted zone Z0123456789ABCDEFGHIJ"),
        (zone(private=True), Verdict.ERROR, "(example.com) is private"),
        (zone("other.example.com"), Verdict.ERROR, "is of other.example.com, and gateway.host llm.example.com"),
        (zone("m.example.com"), Verdict.ERROR, "does not lie in it"),
        (zone(), Verdict.OK, "llm.example.com lies in example.com, which is public"),
        (zone("llm.example.com"), Verdict.OK, "which is public"),
    ],
)
def test_the_zone_in_which_a_certificate_is_proven_is_public_and_the_hosts(
    there: Callable[[], str], verdict: Verdict, words: str
) -> None:
    with account() as aws:
        gateway = {**ACM, "certificate": {"kind": "acm", "hostedZoneId": there()}}
        report = asked(planned(own("dev", gateway=gateway, systemNodes={"minNodes": 3})), aws)
    (told,) = said(report, verdict)["gateway.certificate.hostedZoneId"]
    assert words in told
    assert PATH not in said(report), "nothing is asked about a certificate that is not there yet"


def _class(controller: str, name: str = "edge") -> dict[str, Any]:
    return {f"{CLASSES}/{name}": {"metadata": {"name": name}, "spec": {"controller": controller}}}


PODS = {"/api/v1/namespaces/lb": {"metadata": {"name": "lb"}}}
OTHERS = {CLASSES: {"items": [{"metadata": {"name": "kong"}}]}}


@pytest.mark.parametrize(
    ("objects", "controller", "told"),
    [
        ({**PODS, **_class("traefik.io/ingress-controller")}, "traefik", {}),
        ({**PODS, **_class("haproxy.org/ingress-controller/edge")}, "haproxy", {}),
        ({**PODS, **_class("company.example.com/lb")}, "other", {}),
        ({**PODS, **OTHERS}, "traefik", {"gateway.ingressClass": "no IngressClass edge (it has kong)"}),
        (
            {**PODS, **_class("ingress-controllers.konghq.com/kong")},
            "traefik",
            {"gateway.controller": "does not read the words of Traefik; write controller: kong"},
        ),
        (
            {**PODS, **_class("company.example.com/lb")},
            "traefik",
            {"gateway.controller": "does not read the words of Traefik; write controller: other"},
        ),
        (
            {**PODS, **_class("k8s.io/ingress-nginx")},
            "other",
            {"gateway.controller": "is served by ingress-nginx, whose annotations are known; write controller: nginx"},
        ),
        (
            _class("traefik.io/ingress-controller"),
            "traefik",
            {"gateway.controllerNamespace": "no namespace lb, from which alone the proxies take requests"},
        ),
    ],
)
def test_the_class_of_an_ingress_is_the_controllers_whose_words_the_plan_writes(
    tmp_path: Path, objects: dict[str, Any], controller: str, told: dict[str, str]
) -> None:
    gateway = {
        "kind": "ingress",
        "ingressClass": "edge",
        "controller": controller,
        "controllerNamespace": "lb",
        "host": HOST,
        "certificate": {"kind": "secret", "name": "tls"},
        "sourceRanges": ["10.9.0.0/16"],
    }
    with account() as aws, api_server(tmp_path, {**GP3, **objects}):
        report = asked(planned({**stack(made(ALL)), "gateway": gateway, "systemNodes": {"minNodes": 3}}), aws)
    answers = {path: text for path, (text, *_) in said(report).items() if path.startswith("gateway")}
    assert set(answers) == set(told)
    assert all(words in answers[path] for path, words in told.items()), answers


CONTROLLER = "loadBalancerController.install"
DEPLOYED = "aws-load-balancer-controller"


def _deployed(namespace: str) -> dict[str, Any]:
    return {DEPLOYMENTS: {"items": [{"metadata": {"name": DEPLOYED, "namespace": namespace}}]}}


def _released(namespace: str) -> dict[str, Any]:
    made_by = {"meta.helm.sh/release-namespace": namespace}
    metadata = {"name": "alb", "annotations": made_by}
    return {f"{CLASSES}/alb": {"metadata": metadata, "spec": {"controller": "ingress.k8s.aws/alb"}}}


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ({}, None),
        ({**_deployed("load-balancers"), **_released("load-balancers")}, None),
        (_deployed("kube-system"), "an AWS Load Balancer Controller in namespace kube-system; write false"),
        (_released("kube-system"), "an IngressClass alb already, which is not the stack's; write false"),
        (_class("ingress.k8s.aws/alb", "alb"), "an IngressClass alb already, which is not the stack's; write false"),
    ],
)
def test_where_the_stack_installs_its_controller_there_is_no_other_one(
    tmp_path: Path, objects: dict[str, Any], words: str | None
) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    gateway = {**ACM, "certificate": {"kind": "acm", "arn": arn}, "sourceRanges": ["10.9.0.0/16"]}
    sections = {"gateway": gateway, "systemNodes": {"minNodes": 3}, "loadBalancerController": {"install": True}}
    with account() as aws, api_server(tmp_path, {**GP3, **objects}):
        report = asked(planned({**stack(made(ALL)), **sections}), aws)
    told = {path: text for path, (text, *_) in said(report).items()}
    assert (CONTROLLER in told) == (words is not None)
    assert words is None or words in told[CONTROLLER]
    assert "gateway.ingressClass" not in told, "the class is the release's"
