"""The way in through an Ingress: which annotations its controller reads, and who hands requests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from planning.cluster.addon_network import ANYWHERE, addon_network
from planning.cluster.entry_limits import leaving_seconds, proxy_grace_seconds
from planning.cluster.gateway import address_plan
from planning.cluster.ingress_table import (
    ControllerRow,
    annotation_rows,
    callers_namespace,
    controller_of,
)
from planning.model import (
    SAID_INTERNAL,
    EntryPlan,
    GatewayPlan,
    IngressPlan,
    NewCertificatePlan,
    PodResources,
    RestrictionPlan,
    RoutedModel,
    ServedModel,
    Tags,
)
from settings.addresses import PRIVATE_RANGES
from settings.gateway import AcmCertificate, IngressController, IngressGateway
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
# Of the record by which ACM knows the host, also at each renewal. What ACM's console makes has the same.
PROOF_TTL_SECONDS = 300
# Where the table has the ARN of a certificate (planning/facts/ingress_annotations.csv).
ARN_WORD = "{certificate}"
OTHER = IngressController.OTHER.value


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
        new_certificate=_new_certificate(gateway, row),
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


def _new_certificate(gateway: IngressGateway, row: ControllerRow | None) -> NewCertificatePlan | None:
    """Of the host, where its hosted zone is named and its controller takes an ARN."""
    certificate = gateway.certificate
    if row is None or not row.acm:
        return None
    if not isinstance(certificate, AcmCertificate) or certificate.hosted_zone_id is None:
        return None
    annotation = next(line.key for line in annotation_rows(row.name, "ingress") if line.value == ARN_WORD)
    return NewCertificatePlan(gateway.host, certificate.hosted_zone_id, PROOF_TTL_SECONDS, annotation)


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
        "certificate": (certificate.arn or "") if isinstance(certificate, AcmCertificate) else "",
        "tags": ",".join(f"{key}={value}" for key, value in sorted(address.tags.items())),
    }


def _restriction(row: ControllerRow, address: GatewayPlan) -> RestrictionPlan | None:
    lines = annotation_rows(row.name, "object")
    if not lines:
        return None
    api_version, _, kind = lines[0].key.rpartition("/")
    fields: dict[str, Any] = json.loads(lines[0].value.replace('"RANGES"', json.dumps(list(address.source_ranges))))
    return RestrictionPlan(api_version, kind, fields)
