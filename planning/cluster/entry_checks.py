"""What a gateway of kind ingress is refused for, or warned of."""

from __future__ import annotations

from collections.abc import Mapping

from planning.cluster.entry_limits import LONGEST_LEAVING_SECONDS
from planning.cluster.ingress_table import (
    ControllerRow,
    annotation_rows,
    controller_of,
    may_list_sources,
    of_class,
    scheme_keys,
    source_texts,
)
from planning.cluster.load_balancers import installs_controller
from planning.findings import Findings
from planning.model import OWN_PREFIX, SERVICE_SCHEMES
from planning.serving.drain import EKS_EVICTION_SECONDS
from settings.addresses import blocks_in, opened
from settings.cluster import CreateCluster
from settings.gateway import Access, AcmCertificate, IngressController, IngressGateway
from settings.stack import StackSettings

# ELB's quota "Rules per Application Load Balancer", without the default ones (docs.aws.amazon.com, Quotas for your
# Application Load Balancers, 2026-11-28); the controller makes a rule of each path.
MOST_RULES = 100
# Of a requested certificate's DomainName, its common name: RFC 5280's 64 (docs.aws.amazon.com/acm/latest/APIReference,
# RequestCertificate, 2026-11-28). Further names, which we ask for none of, may be longer.
LONGEST_FIRST_NAME = 64


def check_ingress(settings: StackSettings, findings: Findings) -> None:
    """What an Ingress cannot be closed by, and annotations that would open it again."""
    gateway = settings.gateway
    if not isinstance(gateway, IngressGateway):
        return
    named = of_class(gateway.ingress_class)
    if gateway.controller is None and len(named) > 1:
        findings.error(
            "gateway.controller",
            "ingress-controller",
            f"an IngressClass {gateway.ingress_class} is made by {' and by '.join(row.title for row in named)}, whose "
            "annotations differ",
            f"write controller: {' or controller: '.join(row.name for row in named)}",
        )
        return
    row = controller_of(gateway)
    if row is None:
        _check_unknown(gateway, findings)
    else:
        _check_known(gateway, row, settings, findings)
    if what := opened(_blocks(gateway)):
        findings.error(
            "gateway.annotations",
            "ingress-sources",
            f"one of them opens the gateway to {what}",
            "write the ranges of sourceRanges there",
        )
    _check_leaving(gateway, findings)
    _check_controller_first(row, settings, findings)
    _check_callers(gateway, row, findings)
    _check_acm(gateway, settings, findings)


def _check_unknown(gateway: IngressGateway, findings: Findings) -> None:
    """A class without a row: its own words have to say the ranges."""
    _refuse_annotations(gateway, {}, findings)
    written = {block for text in source_texts(gateway.annotations) for block in blocks_in(text)}
    unsaid = [cidr for cidr in gateway.source_ranges if cidr not in written]
    if gateway.access is Access.PUBLIC and unsaid:
        findings.error(
            "gateway.annotations",
            "ingress-sources",
            f"how the controller of {gateway.ingress_class} is told who may connect is not known here, and no "
            f"annotation has {', '.join(unsaid)}",
            "write its annotation with these ranges, or controller: traefik (haproxy, haproxyIngress, kong, alb) where "
            "it is one of them, or access: internal",
        )
    elif gateway.access is Access.INTERNAL and (unsaid or not gateway.source_ranges):
        findings.warning(
            "gateway.annotations",
            "ingress-sources",
            f"how the controller of {gateway.ingress_class} is told who may connect is not known here: who reaches its "
            "load balancer reaches the models",
            "see that its load balancer is internal",
        )


def _blocks(gateway: IngressGateway) -> tuple[str, ...]:
    """Blocks of addresses in the values of annotations that may let someone in."""
    return tuple(b for key, text in gateway.annotations.items() if may_list_sources(key) for b in blocks_in(text))


def _refuse_annotations(gateway: IngressGateway, ours: Mapping[str, str], findings: Findings) -> None:
    """Keys of `ours` (why not, by key), and those by which our policies know an internal load balancer."""
    for key in gateway.annotations:
        why = ours.get(key)
        if why is None and key.startswith(f"{OWN_PREFIX}/"):
            why = "our policies read it"
        elif why is None and key in scheme_keys() | SERVICE_SCHEMES.keys():
            why = "this controller does not read it, and a reader takes the Ingress for internal"
        if why is not None:
            findings.error(
                f"gateway.annotations.{key}",
                "ingress-annotation",
                f"not beside the plan's own: {why}",
                "leave it out; sourceRanges, access, certificate, maxBodyMib and requestTimeoutSeconds say the rest",
            )


def _check_known(gateway: IngressGateway, row: ControllerRow, settings: StackSettings, findings: Findings) -> None:
    if row.retired:
        findings.warning(
            "gateway.ingressClass",
            "ingress-retired",
            f"{row.title} was retired in {row.retired}: what is found in it is fixed by no one",
            "move to a controller that is kept (traefik, haproxy, kong, alb), or write kind: gatewayApi",
        )
    if row.most_seconds and gateway.request_timeout_seconds > row.most_seconds:
        findings.error(
            "gateway.requestTimeoutSeconds",
            "ingress-time",
            f"{gateway.request_timeout_seconds} s, and {row.title} bears {row.most_seconds} s of silence at most",
            f"write {row.most_seconds} or less",
        )
    ours = {line.key: "the plan writes it itself" for line in annotation_rows(row.name, "ingress")}
    ours |= {line.key: line.value for line in annotation_rows(row.name, "refused")}
    _refuse_annotations(gateway, ours, findings)
    rules, most = len(gateway.paths) * (1 + len(settings.models)), MOST_RULES // (1 + len(settings.models))
    if row.acm and rules > MOST_RULES:
        findings.error(
            "gateway.paths",
            "ingress-rules",
            f"{len(gateway.paths)} paths for {len(settings.models)} models make {rules} rules, and a load balancer has "
            f"{MOST_RULES}",
            f"write {most} paths or fewer, or kind: gatewayApi" if most else "write kind: gatewayApi",
        )


def _check_callers(gateway: IngressGateway, row: ControllerRow | None, findings: Findings) -> None:
    if row is None and gateway.controller_namespace is None:
        findings.error(
            "gateway.controllerNamespace",
            "ingress-callers",
            f"none, and where the pods of the controller of {gateway.ingress_class} are is not known here: the proxies "
            "let no one else in",
            "write the namespace of its pods",
        )
    elif row is not None and row.namespace is None and gateway.controller_namespace is not None:
        findings.error(
            "gateway.controllerNamespace",
            "ingress-callers",
            f"{gateway.controller_namespace}, and requests come from the load balancers of {row.title}, not from pods",
            "leave it out",
        )


def _check_acm(gateway: IngressGateway, settings: StackSettings, findings: Findings) -> None:
    if not isinstance(gateway.certificate, AcmCertificate):
        return
    if gateway.certificate.arn is None:
        _check_first_name(gateway, findings)
        return
    region, account = gateway.certificate.arn.split(":")[3:5]
    if region != settings.region:
        findings.error(
            "gateway.certificate.arn",
            "certificate-region",
            f"the certificate is in {region}, and a load balancer of {settings.region} takes one of its region",
            f"write the ARN of one in {settings.region}",
        )
    if settings.account is not None and account != settings.account:
        findings.error(
            "gateway.certificate.arn",
            "certificate-account",
            f"the certificate is of account {account}, and the stack of {settings.account}",
            "write the ARN of one of its own",
        )


def _check_first_name(gateway: IngressGateway, findings: Findings) -> None:
    """A host that is no first name of a certificate."""
    if len(gateway.host) > LONGEST_FIRST_NAME:
        findings.error(
            "gateway.host",
            "certificate-name",
            f"{len(gateway.host)} characters, and AWS Certificate Manager makes a certificate of a name with "
            f"{LONGEST_FIRST_NAME} at most",
            "write a shorter host, or certificate: {kind: acm, arn: ...} of a certificate with a wildcard for it",
        )


def _check_leaving(gateway: IngressGateway, findings: Findings) -> None:
    """Answers that are longer than a proxy may stay."""
    if gateway.request_timeout_seconds > LONGEST_LEAVING_SECONDS:
        findings.warning(
            "gateway.requestTimeoutSeconds",
            "ingress-leaving",
            f"{gateway.request_timeout_seconds} s, and a proxy that leaves goes on for {LONGEST_LEAVING_SECONDS} s at "
            f"most, for EKS waits {EKS_EVICTION_SECONDS} s for a pod: longer answers are cut when a node is replaced",
            f"write {LONGEST_LEAVING_SECONDS} or less",
        )


def _check_controller_first(row: ControllerRow | None, settings: StackSettings, findings: Findings) -> None:
    """A cluster that the same `up` makes has no controller: its kinds are unknown there, and an Ingress waits."""
    if installs_controller(settings):
        return
    if row and isinstance(settings.cluster, CreateCluster) and (row.says or annotation_rows(row.name, "object")):
        alb = row.name == IngressController.ALB.value
        findings.warning(
            "gateway.ingressClass",
            "ingress-first",
            f"a cluster that this stack makes has {row.title} only when someone has installed it, and `up` cannot end "
            "before",
            ("write loadBalancerController: {install: true}, or " if alb else "")
            + "bring the stack up without gateway first and install the controller, then add gateway",
        )
