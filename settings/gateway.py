"""One address for all models of a stack, with a certificate and keys; without it each has its own, in the cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.addresses import opened, refuse_nested
from settings.findings import WrongValue
from settings.matching import Matching
from settings.names import CertificateArn, HostedZoneId, ObjectName
from settings.names import Literal as Untouched
from settings.types import Cidr, DnsLabel, LabelKey, Section, described, kind_defaults_to
from settings.urls import WebAddress, url_parts

_HOST = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
HostName = Annotated[
    str,
    Field(max_length=253),
    Matching(
        _HOST,
        "not a host name",
        "write lower-case labels with dots between them, for example llm.example.com",
    ),
]
ApiPath = Annotated[
    str,
    Field(max_length=100),
    Matching(r"/v1(/[a-z0-9_-]+)+", "not a path of the API", "write for example /v1/chat/completions"),
]
# What vLLM leaves open beside these: /metrics, /tokenize, /invocations, /pooling, /score (vllm#29922).
API_PATHS = ("/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/embeddings")


# A claim is compared as it is written; no request goes there.
Issuer = Annotated[str, WebAddress(query=False)]
KeysAddress = Annotated[str, WebAddress(https="who alters the keys on the way lets himself in", named=True)]


class Access(StrEnum):
    """Where the load balancer stands."""

    INTERNAL = "internal"
    PUBLIC = "public"


class SecretCertificate(Section):
    """A certificate in a Secret (kubernetes.io/tls) of the gateway's namespace."""

    kind: Literal["secret"]
    name: ObjectName = described("name of the Secret")


class IssuedCertificate(Section):
    """A certificate that cert-manager asks an issuer for."""

    kind: Literal["certManager"]
    issuer: ObjectName = described("name of a ClusterIssuer that the cluster has")


class AcmCertificate(Section):
    """A certificate of AWS Certificate Manager, for load balancers of AWS that end TLS themselves."""

    kind: Literal["acm"]
    arn: CertificateArn | None = described(
        "of a certificate that is there, in the stack's region, issued for the host; or hostedZoneId", default=None
    )
    hosted_zone_id: HostedZoneId | None = described(
        "public hosted zone of Route 53 in which the host lies: the stack has the certificate made, and makes there "
        "the record that proves the host; or arn",
        default=None,
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.arn is None and self.hosted_zone_id is None:
            raise WrongValue(
                "kind is acm with neither arn nor hostedZoneId",
                "write the arn of a certificate that is there, or the hostedZoneId of the host's zone",
                missing=("arn", "hostedZoneId"),
            )
        if self.arn is not None and self.hosted_zone_id is not None:
            raise WrongValue(
                f"arn is {self.arn} and hostedZoneId {self.hosted_zone_id}: a certificate that is there, and one that "
                "the stack makes",
                "leave one of them out",
            )
        return self


Certificate = Annotated[SecretCertificate | IssuedCertificate | AcmCertificate, Field(discriminator="kind")]


class NoAuthentication(Section):
    """Every client that reaches the gateway may send requests."""

    kind: Literal["none"] = "none"


class ApiKeys(Section):
    """`Authorization: Bearer <key>`, as OpenAI's clients send it."""

    kind: Literal["apiKeys"]
    secret: ObjectName = described("Secret of the gateway's namespace: one key of it per client, its value the API key")


class Jwt(Section):
    """A signed token of an identity provider."""

    kind: Literal["jwt"]
    issuer: Issuer = described("the claim iss")
    audiences: tuple[Untouched, ...] = described("one of these is in the claim aud", min_length=1, max_length=20)
    jwks_uri: KeysAddress = described("where the provider's public keys are")
    ca: ObjectName | None = described(
        "ConfigMap of the gateway's namespace: ca.crt holds who signed that address' certificate; default: authorities "
        "of the web",
        default=None,
    )

    @property
    def jwks_server(self) -> tuple[str, int]:
        """Host and port of `jwks_uri`."""
        parts = url_parts(self.jwks_uri)
        return parts.host, parts.port or 443


class Mtls(Section):
    """A certificate of the client's own."""

    kind: Literal["mtls"]
    secret: ObjectName = described("Secret of the gateway's namespace: ca.crt holds who signs clients' certificates")


Authentication = Annotated[
    NoAuthentication | ApiKeys | Jwt | Mtls, Field(discriminator="kind"), kind_defaults_to("none")
]


class NoGateway(Section):
    """Each model has its own address inside the cluster, and none outside."""

    kind: Literal["none"] = "none"


class OneAddress(Section):
    """What every kind of gateway is told: its name, who reaches it, and what may be asked."""

    kind: str
    namespace: DnsLabel = described("of the gateway and its proxies", default="gateway")
    host: HostName = described("the name that clients use; its DNS record is yours to make")
    certificate: Certificate = described("of that name; without one there is no gateway")
    access: Access = described("internal: from the VPC; public: from the internet", default=Access.INTERNAL)
    source_ranges: tuple[Cidr, ...] = described(
        "who may connect; needed for public, default for internal: the VPC", default=(), max_length=40
    )
    authentication: Authentication = described("who may ask", default_factory=NoAuthentication)
    paths: tuple[ApiPath, ...] = described(
        "what may be asked; everything else is 404", default=API_PATHS, min_length=1, max_length=6
    )
    proxies: int = described("pods of Envoy", default=1, ge=1, le=20)
    retries: int = described(
        "how often another pod is asked where one gave no byte of an answer", default=2, ge=0, le=5
    )
    requests_per_minute: int | None = described(
        "of each client to each model, at each proxy; default: no limit", default=None, ge=1, le=1_000_000
    )
    request_timeout_seconds: int = described("longest answer, from its request on, s", default=600, ge=1, le=86_400)
    max_body_mib: int = described("largest request, MiB", default=10, ge=1, le=1024)

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.access is Access.PUBLIC and not self.source_ranges:
            raise WrongValue("access is public without sourceRanges: the whole internet reaches it", "list who may")
        refuse_nested("sourceRanges", self.source_ranges)
        if what := opened(self.source_ranges):
            raise WrongValue(f"sourceRanges opens the gateway to {what}", "list the addresses of its clients instead")
        if self.access is Access.PUBLIC and isinstance(self.authentication, NoAuthentication):
            raise WrongValue(
                "access is public without authentication: who has one of those addresses may ask, at your cost",
                "write authentication: {kind: apiKeys, secret: ...}, {kind: jwt, ...} or {kind: mtls, secret: ...}",
            )
        return self


class GatewayApi(OneAddress):
    """A Gateway of Envoy Gateway behind a network load balancer."""

    kind: Literal["gatewayApi"]
    install: bool = described("install Envoy Gateway; false: the cluster has it, in this namespace", default=True)


class IngressController(StrEnum):
    """Whose annotations an Ingress gets (planning/facts/ingress_controllers.csv)."""

    TRAEFIK = "traefik"
    HAPROXY = "haproxy"
    HAPROXY_INGRESS = "haproxyIngress"
    KONG = "kong"
    ALB = "alb"
    NGINX = "nginx"
    OTHER = "other"


class IngressGateway(OneAddress):
    """An Ingress of a class that the cluster has, before proxies of the stack's own."""

    kind: Literal["ingress"]
    ingress_class: ObjectName = described("name of an IngressClass that the cluster has")
    controller: IngressController | None = described(
        "who serves that class; default: by its name, else other", default=None
    )
    controller_namespace: DnsLabel | None = described(
        "where the controller's pods are, which reach the proxies; default: where its chart puts them", default=None
    )
    annotations: dict[LabelKey, str] = described(
        "further ones of the Ingress, in the controller's words", default_factory=dict, max_length=40
    )


Gateway = Annotated[
    NoGateway | GatewayApi | IngressGateway, Field(discriminator="kind"), kind_defaults_to("gatewayApi")
]
