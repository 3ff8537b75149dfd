"""What each kind of gateway does (facts/gateway_features.csv), and the refusal of what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from planning.backends.features import Feature
from planning.backends.table import YES, Cell
from planning.cluster.ingress_table import controller_of
from planning.facts import rows
from planning.findings import Findings, listed
from settings.gateway import (
    AcmCertificate,
    ApiKeys,
    IngressGateway,
    IssuedCertificate,
    Jwt,
    Mtls,
    OneAddress,
    SecretCertificate,
)
from settings.stack import StackSettings

KINDS: Mapping[str, str] = {
    "gatewayApi": "gatewayApi",
    "ingress": "ingress",
    "alb": "ingress with controller: alb",
}
"""In the words of findings and of the page."""


def _by_client(gateway: OneAddress) -> bool:
    return isinstance(gateway.authentication, ApiKeys | Jwt)


FEATURES: tuple[Feature[OneAddress], ...] = (
    Feature("by-model", "a request goes to the model that its body names", "", lambda _: True),
    Feature("versions", "versions of a model by weight", "", lambda _: True),
    Feature("sessions", "a client keeps its version or server", "", lambda _: True),
    Feature("api-keys", "API keys", "authentication.kind", lambda g: isinstance(g.authentication, ApiKeys)),
    Feature("tokens", "tokens (JWT)", "authentication.kind", lambda g: isinstance(g.authentication, Jwt)),
    Feature("mtls", "mTLS", "authentication.kind", lambda g: isinstance(g.authentication, Mtls)),
    Feature(
        "limit-by-client",
        "requests per minute of a key or token",
        "requestsPerMinute",
        lambda g: g.requests_per_minute is not None and _by_client(g),
    ),
    Feature(
        "limit-by-address",
        "requests per minute of an address",
        "requestsPerMinute",
        lambda g: g.requests_per_minute is not None and not _by_client(g),
    ),
    Feature("retries", "another pod is asked before the first token", "retries", lambda g: g.retries > 0),
    Feature("body-and-time", "limits of body and time", "", lambda _: True),
    Feature("sources", "source ranges", "sourceRanges", lambda _: True),
    Feature(
        "certificate-secret", "a certificate in a Secret", "certificate.kind",
        lambda g: isinstance(g.certificate, SecretCertificate),
    ),
    Feature(
        "certificate-issuer", "a certificate of cert-manager", "certificate.kind",
        lambda g: isinstance(g.certificate, IssuedCertificate),
    ),
    Feature(
        "certificate-acm", "a certificate of AWS Certificate Manager", "certificate.kind",
        lambda g: isinstance(g.certificate, AcmCertificate),
    ),
)  # fmt: skip
"""In the order in which the page shows them."""


@cache
def gateway_features() -> Mapping[str, Mapping[str, Cell]]:
    """Feature -> kind -> what it does."""
    table: dict[str, dict[str, Cell]] = {}
    for row in rows("gateway_features.csv"):
        cell = Cell(row["does"], row["how"], row["source"], row["date"])
        table.setdefault(row["feature"], {})[row["kind"]] = cell
    return table


def kind_of(gateway: OneAddress) -> str:
    """Column of the table."""
    if not isinstance(gateway, IngressGateway):
        return gateway.kind
    row = controller_of(gateway)
    return "alb" if row is not None and row.acm else "ingress"


def check_gateway_features(settings: StackSettings, findings: Findings) -> None:
    """A gateway that is asked for what its kind does not do, with the kinds that do."""
    gateway = settings.gateway
    if not isinstance(gateway, OneAddress):
        return
    kind = kind_of(gateway)
    for feature in FEATURES:
        cells = gateway_features()[feature.name]
        if cells[kind].does == YES or not feature.asked(gateway):
            continue
        findings.error(
            f"gateway.{feature.setting}",
            "gateway-feature",
            f"{feature.words} with {KINDS[kind]}: {cells[kind].how}",
            _instead(feature, kind),
        )


def _instead(feature: Feature[OneAddress], kind: str) -> str:
    """The kinds that do it, and what of the same setting this one does."""
    table = gateway_features()
    others = listed(KINDS[other] for other, cell in table[feature.name].items() if cell.does == YES)
    here = [
        other.words for other in FEATURES if other.setting == feature.setting and table[other.name][kind].does == YES
    ]
    return f"write kind: {others}, or {' or '.join(here) if here else 'leave it out'}"
