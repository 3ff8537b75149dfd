"""What a way in from outside rests on: a certificate of AWS Certificate Manager, or the hosted zone of one to be made,
and the class of an Ingress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planning.cluster.ingress_table import controllers, of_words
from planning.findings import listed
from planning.model import EntryPlan, LoadBalancerControllerPlan, StackPlan
from preflight.account import AwsAccount
from preflight.kube import ClusterApi
from preflight.model import Answer, Question, Verdict

PATH = "gateway.certificate.arn"
ZONE_PATH = "gateway.certificate.hostedZoneId"
DEPLOYMENTS = "/apis/apps/v1/deployments"
RULE = ("existing-cluster",)  # planning/cluster/existing.py
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
ISSUED, IMPORTED = "ISSUED", "IMPORTED"
# What to do about a certificate that is in another state (acm, API_CertificateDetail, Status).
FIXES = {
    "PENDING_VALIDATION": "make the DNS record that `aws acm describe-certificate` shows, and wait for ISSUED",
}


def _certificate(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    entry = plan.entry
    if entry is None or entry.certificate_arn is None:
        return
    absent = ("ResourceNotFoundException",)
    told = aws.call("acm", "describe_certificate", absent=absent, CertificateArn=entry.certificate_arn)
    if told is None:
        said = f"there is no certificate {entry.certificate_arn} in this account"
        fix = f"write the ARN of one that `aws acm list-certificates --region {plan.region}` lists"
        yield Answer("certificate", PATH, Verdict.ERROR, said, fix=fix)
        return
    yield judged_certificate(told["Certificate"], entry.gateway.host)


def judged_certificate(certificate: Any, host: str) -> Answer:
    status = str(certificate["Status"])
    names = list(dict.fromkeys((str(certificate["DomainName"]), *certificate.get("SubjectAlternativeNames", ()))))
    if status != ISSUED:
        fix = FIXES.get(status, "write the ARN of another")
        return Answer("certificate", PATH, Verdict.ERROR, f"it is {status}, and clients would be refused", fix=fix)
    if not any(_covers(name, host) for name in names):
        said = f"it is of {listed(names)}, and clients ask for {host}"
        return Answer("certificate", PATH, Verdict.ERROR, said, fix="write the ARN of one of that name, or its host")
    if certificate.get("Type") == IMPORTED:
        last_day = certificate.get("NotAfter", "an unknown day")
        said = f"it was imported, and AWS renews none of these: it ends on {last_day}"
        fix = "import the next one before that, or request one of ACM"
        return Answer("certificate", PATH, Verdict.WARNING, said, fix=fix)
    return Answer("certificate", PATH, Verdict.OK, f"a certificate of {host} is issued")


def _covers(name: str, host: str) -> bool:
    """A wildcard stands for one label (RFC 6125, 6.4.3)."""
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:].lower()
    return name.lower() == host


def _guess(plan: StackPlan) -> str | None:
    entry = plan.entry
    return f"{entry.certificate_arn} is issued for {entry.gateway.host}" if entry and entry.certificate_arn else None


def _zone(plan: StackPlan, aws: AwsAccount) -> Iterator[Answer]:
    if plan.entry is None or plan.entry.new_certificate is None:
        return
    wanted = plan.entry.new_certificate
    told = aws.call("route53", "get_hosted_zone", absent=("NoSuchHostedZone",), Id=wanted.hosted_zone_id)
    yield judged_zone(wanted.hosted_zone_id, wanted.host, None if told is None else told["HostedZone"])


def judged_zone(zone_id: str, host: str, zone: Any) -> Answer:
    """`zone`: HostedZone of Route 53, or None. Whether the world asks its name servers is not looked at."""
    if zone is None:
        said = f"there is no hosted zone {zone_id} in this account"
        fix = "write the id of one that `aws route53 list-hosted-zones` lists, or certificate: {kind: acm, arn: ...}"
        return Answer("zone", ZONE_PATH, Verdict.ERROR, said, fix=fix)
    name = str(zone["Name"]).removesuffix(".")
    if zone.get("Config", {}).get("PrivateZone"):
        said = f"{zone_id} ({name}) is private, and AWS Certificate Manager asks the internet for the record"
        return Answer("zone", ZONE_PATH, Verdict.ERROR, said, fix=f"write the id of the public zone of {host}")
    if not f".{host}".endswith(f".{name}"):
        said = f"{zone_id} is of {name}, and gateway.host {host} does not lie in it"
        return Answer(
            "zone", ZONE_PATH, Verdict.ERROR, said, fix="write the id of the host's zone, or a host in this one"
        )
    return Answer("zone", ZONE_PATH, Verdict.OK, f"{host} lies in {name}, which is public")


def _zone_guess(plan: StackPlan) -> str | None:
    wanted = plan.entry.new_certificate if plan.entry else None
    return f"hosted zone {wanted.hosted_zone_id} is public, and {wanted.host} lies in it" if wanted else None


def ingress_class(entry: EntryPlan, api: ClusterApi) -> Iterator[Answer]:
    """Of an existing cluster: the class is there, and is the controller's whose annotations the plan writes."""
    name, path = entry.ingress.class_name, "gateway.ingressClass"
    found = api.get(f"{CLASSES}/{name}")
    if found is None:
        have = sorted(str(item["metadata"]["name"]) for item in api.items(CLASSES))
        said = f"the cluster has no IngressClass {name} (it has {listed(have) or 'none'})"
        yield Answer("inside", path, Verdict.ERROR, said, fix="write one of them, or install its controller first")
        return
    says = str(found.get("spec", {}).get("controller", ""))
    row, planned = of_words(says), controllers().get(entry.ingress.controller)
    if planned is not None and row is not planned:
        said = f"IngressClass {name} is served by {says or 'no one'}, which does not read the words of {planned.title}"
        fix = f"write controller: {row.name if row else 'other'}"
        yield Answer("inside", "gateway.controller", Verdict.ERROR, said, fix=fix)
    elif planned is None and row is not None:
        said = f"IngressClass {name} is served by {row.title}, whose annotations are known"
        yield Answer("inside", "gateway.controller", Verdict.WARNING, said, fix=f"write controller: {row.name}")
    for namespace in entry.callers:
        if api.get(f"/api/v1/namespaces/{namespace}") is None:
            said = f"the cluster has no namespace {namespace}, from which alone the proxies take requests"
            fix = "write the namespace of the controller's pods"
            yield Answer("inside", "gateway.controllerNamespace", Verdict.ERROR, said, fix=fix)


def load_balancer_controller(plan: LoadBalancerControllerPlan, api: ClusterApi) -> Iterator[Answer]:
    """Of an existing cluster where the stack installs the controller: there is no other, and its class is free."""
    path, fix = "loadBalancerController.install", "write false, two of them make the same load balancers"
    others = {
        str(item["metadata"]["namespace"])
        for item in api.items(DEPLOYMENTS)
        if "aws-load-balancer-controller" in str(item["metadata"]["name"])
    } - {plan.namespace}
    found = api.get(f"{CLASSES}/{plan.ingress_class}")
    release = str((found or {}).get("metadata", {}).get("annotations", {}).get(RELEASE_NAMESPACE, ""))
    if others:
        said = f"there is an AWS Load Balancer Controller in namespace {listed(sorted(others))}"
        yield Answer("inside", path, Verdict.ERROR, said, RULE, fix=fix)
    elif found is not None and release != plan.namespace:
        said = f"the cluster has an IngressClass {plan.ingress_class} already, which is not the stack's"
        yield Answer("inside", path, Verdict.ERROR, said, RULE, fix="write false, or another gateway.ingressClass")
    else:
        yield Answer("inside", path, Verdict.OK, "no other AWS Load Balancer Controller", RULE)


QUESTIONS = (
    Question("certificate", "gateway", _guess, _certificate),
    Question("zone", ZONE_PATH, _zone_guess, _zone),
)
