"""One address for all models of a stack: who reaches it, by which names, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.cluster.addon_network import ANYWHERE, addon_network
from planning.cluster.load_balancers import listed_tags, plan_balancer
from planning.cluster.versions import other_versions, session_headers_of, versions_of
from planning.findings import Findings
from planning.model import AuthenticationPlan, GatewayPlan, ServedModel, Tags
from planning.versions.pins import PROXY_IMAGE, mirrored
from planning.versions.pull_through import image_mirror
from settings.addresses import PRIVATE_RANGES
from settings.gateway import (
    Access,
    AcmCertificate,
    ApiKeys,
    Authentication,
    GatewayApi,
    IssuedCertificate,
    Jwt,
    Mtls,
    OneAddress,
    SecretCertificate,
)
from settings.models import Model
from settings.stack import StackSettings

CERTIFICATE = "gateway-tls"
IDLE_SECONDS = 60
RETRY_MILLISECONDS = (100, 1000)
# Envoy asks servers that load or leave as soon as fewer than half (its default) of all endpoints are Ready, and Envoy
# Gateway lists both (1.9.1, gatewayapi/route.go). 1: only where none is Ready; one that leaves may then answer.
LEAST_READY_PERCENT = 1


def check_gateway(settings: StackSettings, findings: Findings) -> None:
    """Two models of one name: routing by name cannot tell them apart."""
    _check_tenants(settings, findings)
    if not isinstance(settings.gateway, OneAddress):
        return
    if not settings.gateway.source_ranges and addon_network(settings).node_ranges == ANYWHERE:
        findings.error(
            "gateway.sourceRanges",
            "gateway-sources",
            "none, and the ranges of a network that exists are not known here",
            "write the VPC's ranges, and others from which clients come",
        )
    versions = other_versions(settings)
    own = [(index, model) for index, model in enumerate(settings.models) if model.name not in versions]
    served = [(index, f"models[{index}].servedName", _names(model)[0]) for index, model in own]
    adapters = [
        (index, f"models[{index}].loraAdapters[{number}].name", name)
        for index, model in own
        for number, name in enumerate(_names(model)[1:])
    ]
    for group in (served, adapters):  # one's adapter and another's name: check_served_names, gateway or not
        first: dict[str, int] = {}
        for index, field, name in group:
            before = first.setdefault(name, index)
            if before != index:
                findings.error(
                    field,
                    "served-name-twice",
                    f"{name} is what clients already get from models[{before}] {settings.models[before].name}, and "
                    "both stand behind one gateway",
                    f"write a name of its own at models[{index}] or models[{before}]",
                )


def _names(model: Model) -> tuple[str, ...]:
    """What requests call it by."""
    return (model.answers_to, *(adapter.name for adapter in model.lora_adapters))


def _check_tenants(settings: StackSettings, findings: Findings) -> None:
    """Keys of a tenant's own, where nothing asks for any."""
    gateway = settings.gateway
    if isinstance(gateway, OneAddress) and isinstance(gateway.authentication, ApiKeys):
        return
    for index, tenant in enumerate(settings.tenants):
        if tenant.api_keys is not None:
            findings.error(
                f"tenants[{index}].apiKeys",
                "tenant-keys",
                f"{tenant.api_keys}, and nothing here asks for keys",
                "write gateway: {kind: gatewayApi, authentication: {kind: apiKeys, secret: ...}, ...}, or leave it out",
            )


def plan_gateway(settings: StackSettings, tags: Tags | None = None) -> GatewayPlan | None:
    """Envoy Gateway's; None without one. `tags`: the stack's."""
    return address_plan(settings.gateway, settings, tags) if isinstance(settings.gateway, GatewayApi) else None


def address_plan(gateway: OneAddress, settings: StackSettings, tags: Tags | None = None) -> GatewayPlan:
    """What every kind of gateway has: who may ask what, of which models."""
    certificate, versions = gateway.certificate, other_versions(settings)
    named = [model.name for model in settings.models if model.name not in versions]
    return GatewayPlan(
        namespace=gateway.namespace,
        host=gateway.host,
        certificate_secret=_secret_of(certificate),
        issuer=certificate.issuer if isinstance(certificate, IssuedCertificate) else None,
        public=gateway.access is Access.PUBLIC,
        source_ranges=gateway.source_ranges or addon_network(settings).node_ranges,
        authentication=_authentication(gateway.authentication),
        paths=gateway.paths,
        request_timeout_seconds=gateway.request_timeout_seconds,
        max_body_mib=gateway.max_body_mib,
        idle_seconds=IDLE_SECONDS,
        retry_milliseconds=RETRY_MILLISECONDS,
        least_ready_percent=LEAST_READY_PERCENT,
        model_namespaces=tuple(sorted({model.namespace for model in settings.models})),
        proxy_image=mirrored(PROXY_IMAGE.removeprefix("docker.io/"), image_mirror(settings))
        if image_mirror(settings)
        else PROXY_IMAGE,
        alone=named[0] if len(named) == 1 else None,
        proxies=gateway.proxies,
        retries=gateway.retries,
        requests_per_minute=gateway.requests_per_minute,
        names_of={model.name: _names(model) if model.name in named else () for model in settings.models},
        versions=versions_of(settings),
        session_headers=session_headers_of(settings),
        tags=listed_tags(tags or {}),
        balancer=plan_balancer(gateway, settings),
        tenant_secrets={tenant.own_namespace: tenant.api_keys for tenant in settings.tenants if tenant.api_keys},
    )


def _secret_of(certificate: SecretCertificate | IssuedCertificate | AcmCertificate) -> str:
    """Empty where no Secret has it."""
    if isinstance(certificate, SecretCertificate):
        return certificate.name
    return CERTIFICATE if isinstance(certificate, IssuedCertificate) else ""


def behind_gateway(models: Sequence[ServedModel], settings: StackSettings) -> list[ServedModel]:
    """The models, each with the gateway's proxies among its clients."""
    if not isinstance(settings.gateway, OneAddress):
        return list(models)
    plan, namespace = plan_gateway(settings), settings.gateway.namespace
    return [
        replace(model, gateway=plan, client_namespaces=tuple(dict.fromkeys((*model.client_namespaces, namespace))))
        for model in models
    ]


def _authentication(authentication: Authentication) -> AuthenticationPlan:
    if isinstance(authentication, ApiKeys):
        return AuthenticationPlan("apiKeys", secret=authentication.secret)
    if isinstance(authentication, Jwt):
        return _tokens(authentication)
    if isinstance(authentication, Mtls):
        return AuthenticationPlan("mtls", secret=authentication.secret)
    return AuthenticationPlan("none")


def _tokens(tokens: Jwt) -> AuthenticationPlan:
    host, port = tokens.jwks_server
    return AuthenticationPlan(
        "jwt",
        issuer=tokens.issuer,
        audiences=tokens.audiences,
        jwks_uri=tokens.jwks_uri,
        jwks_host=host,
        jwks_port=port,
        jwks_ca=tokens.ca,
        jwks_ranges=PRIVATE_RANGES if tokens.ca else (),
    )
