"""The way in through an Ingress: which annotations its controller reads, who hands requests on, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from planning.cluster.addon_network import ANYWHERE, addon_network
from planning.cluster.entry_limits import check_controller_first, check_leaving, leaving_seconds, proxy_grace_seconds
from planning.cluster.gateway import address_plan
from planning.cluster.ingress_table import (
    ControllerRow,
    annotation_rows,
    callers_namespace,
    controller_of,
    may_list_sources,
    of_class,
    scheme_keys,
    source_texts,
)
from planning.findings import Findings
from planning.model import (
    OWN_PREFIX,
    SAID_INTERNAL,
    SERVICE_SCHEMES,
    EntryPlan,
    GatewayPlan,
    IngressPlan,
    PodResources,
    RestrictionPlan,
    RoutedModel,
    ServedModel,
    Tags,
)
from settings.addresses import PRIVATE_RANGES, blocks_in, opened
from settings.gateway import Access, AcmCertificate, IngressController, IngressGateway
from settings.stack import StackSettings

# Of Ingress, Service and restriction, in the gateway's namespace.
NAME = "models"
# Each proxy: Envoy itself, and bodies that are kept until their answers begin. An estimate; above it Envoy answers 503.
OWN_MIB, BODIES = 256, 16
HEAP_MARGIN_MIB = 64
CONNECT_SECONDS = 5
MOST_CONNECTIONS = 65_536
MOST_CLIENTS = 10_000
IDLE_MARGIN_SECONDS = 60
# ELB's quota "Rules per Application Load Balancer", without the default ones (docs.aws.amazon.com, Quotas for your
# Application Load Balancers, 2026-11-28); the controller makes a rule of each path.
MOST_RULES = 100
OTHER = IngressController.OTHER.value


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
    check_leaving(gateway, findings)
    check_controller_first(row, settings, findings)
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


def plan_entry(settings: StackSettings, models: Sequence[ServedModel], tags: Tags) -> EntryPlan | None:
    """The Ingress and its proxies; None without one. `tags`: the stack's."""
    gateway = settings.gateway
    if not isinstance(gateway, IngressGateway):
        return None
    row, address = controller_of(gateway), address_plan(gateway, settings, tags)
    namespace = callers_namespace(gateway)
    resources = proxy_resources(gateway)
    return EntryPlan(
        gateway=address,
        models=tuple(RoutedModel(model.name, model.namespace, model.port, model.api_path) for model in models),
        ingress=_ingress(gateway, row, address),
        certificate_arn=gateway.certificate.arn if isinstance(gateway.certificate, AcmCertificate) else None,
        callers=(namespace,) if namespace else (),
        caller_ranges=() if namespace else _load_balancers(settings),
        resources=resources,
        heap_bytes=(_memory_mib(gateway) - HEAP_MARGIN_MIB) * 1024 * 1024,
        leaving_seconds=leaving_seconds(gateway),
        grace_seconds=proxy_grace_seconds(gateway),
        pull_secrets=settings.registry.pull_secrets,
        idle_seconds=gateway.request_timeout_seconds + IDLE_MARGIN_SECONDS,
        most_connections=MOST_CONNECTIONS,
        connect_seconds=CONNECT_SECONDS,
        most_clients=MOST_CLIENTS,
    )


def _load_balancers(settings: StackSettings) -> tuple[str, ...]:
    """Addresses of load balancers in the VPC; of one whose ranges are not known, all that no one outside has."""
    ranges = addon_network(settings).node_ranges
    return PRIVATE_RANGES if ranges == ANYWHERE else ranges


def proxy_resources(gateway: IngressGateway) -> PodResources:
    """Of each proxy."""
    return PodResources("100m", f"{_memory_mib(gateway)}Mi", "64Mi", None, 0)


def _memory_mib(gateway: IngressGateway) -> int:
    return OWN_MIB + HEAP_MARGIN_MIB + BODIES * gateway.max_body_mib


def _ingress(gateway: IngressGateway, row: ControllerRow | None, address: GatewayPlan) -> IngressPlan:
    if row is None:
        said = {} if address.public else {SAID_INTERNAL: "true"}
        return IngressPlan(gateway.ingress_class, OTHER, {**gateway.annotations, **said})
    words = _words(gateway, address)
    written = {at: {line.key: line.value for line in annotation_rows(row.name, at)} for at in ("ingress", "service")}
    values = {at: {key: text.format(**words) for key, text in lines.items()} for at, lines in written.items()}
    return IngressPlan(
        class_name=gateway.ingress_class,
        controller=row.name,
        annotations={key: text for key, text in values["ingress"].items() if text} | gateway.annotations,
        service_annotations=values["service"],
        restriction=_restriction(row, address),
        awaited=row.says,
    )


def _words(gateway: IngressGateway, address: GatewayPlan) -> dict[str, str]:
    seconds = gateway.request_timeout_seconds
    certificate = gateway.certificate
    return {
        "ranges": ",".join(address.source_ranges),
        "seconds": str(seconds),
        "milliseconds": str(seconds * 1000),
        "drain": str(leaving_seconds(gateway)),
        "mib": str(gateway.max_body_mib),
        "namespace": gateway.namespace,
        "object": NAME,
        "scheme": "internet-facing" if address.public else "internal",
        "certificate": certificate.arn if isinstance(certificate, AcmCertificate) else "",
        "tags": ",".join(f"{key}={value}" for key, value in sorted(address.tags.items())),
    }


def _restriction(row: ControllerRow, address: GatewayPlan) -> RestrictionPlan | None:
    lines = annotation_rows(row.name, "object")
    if not lines:
        return None
    api_version, _, kind = lines[0].key.rpartition("/")
    fields: dict[str, Any] = json.loads(lines[0].value.replace('"RANGES"', json.dumps(list(address.source_ranges))))
    return RestrictionPlan(api_version, kind, fields)
