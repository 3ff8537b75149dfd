"""Versions: models that share one's requests at the gateway by weight; each is a model of the stack like any other.

And sessions: what keeps a client with one of them, or with one server.
"""

from __future__ import annotations

from collections.abc import Mapping

from planning.findings import Findings, listed
from planning.model import CLIENT_HEADER
from settings.gateway import ApiKeys, GatewayApi, Jwt, OneAddress
from settings.models import Model
from settings.spelling import did_you_mean
from settings.stack import StackSettings

WHOLE = 100


def versions_of(settings: StackSettings) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Model -> its versions with their weights, of those that have some."""
    return {
        model.name: tuple((version.model, version.weight) for version in model.versions)
        for model in settings.models
        if model.versions
    }


def other_versions(settings: StackSettings) -> frozenset[str]:
    """Models that are a version of another one: they have no name of their own in requests."""
    return frozenset(
        version.model for model in settings.models for version in model.versions if version.model != model.name
    )


def check_versions(settings: StackSettings, findings: Findings) -> None:
    """Weights that are not whole, and versions that could not take each other's requests."""
    named = {model.name: model for model in settings.models}
    for index, model in enumerate(settings.models):
        if model.versions:
            _check_model(f"models[{index}].versions", model, named, settings, findings)


def session_headers_of(settings: StackSettings) -> Mapping[str, str]:
    """Model -> header by whose value requests stay together, of those that have one."""
    return {model.name: model.session_header for model in settings.models if model.session_header}


def check_sessions(settings: StackSettings, findings: Findings) -> None:
    """Headers by which nothing would stay together."""
    owners = {
        version.model: model for model in settings.models for version in model.versions if version.model != model.name
    }
    for index, model in enumerate(settings.models):
        if model.session_header is None:
            continue
        if (wrong := _no_session(model, model.session_header, owners.get(model.name), settings)) is not None:
            findings.error(f"models[{index}].sessionHeader", "session-header", *wrong)


def _no_session(model: Model, header: str, owner: Model | None, settings: StackSettings) -> tuple[str, str] | None:
    """Message and what to do instead."""
    gateway = settings.gateway
    if not isinstance(gateway, OneAddress):
        return (
            "nothing shares requests out without a gateway",
            "write gateway: {kind: gatewayApi, ...}, or leave it out",
        )
    if owner is not None:
        return (
            f"{model.name} is a version of {owner.name}, by whose route requests come",
            f"write it at {owner.name}",
        )
    if not isinstance(gateway, GatewayApi) and not model.versions:
        return (
            f"with kind: {gateway.kind} it keeps a client's version, and {model.name} has none: its Service chooses "
            "the server of each request",
            "write versions, gateway.kind: gatewayApi, or leave it out",
        )
    if header == CLIENT_HEADER and model.versions:
        # Envoy chooses of weighted clusters when it finds the route, by which it knows whose keys count.
        return (
            f"{header} is written once a key or token is known, and the version is chosen before",
            "write a header that clients set, for example x-user",
        )
    if header == CLIENT_HEADER and not isinstance(gateway.authentication, ApiKeys | Jwt):
        return (
            f"{header} is who asks, by a key or token; authentication {gateway.authentication.kind} does not know",
            "write another header, or authentication: {kind: apiKeys, ...} or {kind: jwt, ...}",
        )
    return None


def _check_model(
    path: str, model: Model, named: Mapping[str, Model], settings: StackSettings, findings: Findings
) -> None:
    if not isinstance(settings.gateway, OneAddress):
        findings.error(
            path, "versions-gateway", "nothing shares requests out without a gateway",
            "write gateway: {kind: gatewayApi, ...}, or leave versions out",
        )  # fmt: skip
    total = sum(entry.weight for entry in model.versions)
    if total != WHOLE:
        findings.error(
            path, "versions-weights", f"the weights add up to {total}, not to {WHOLE}",
            f"raise or lower them by {abs(WHOLE - total)} together",
        )  # fmt: skip
    if model.name not in {entry.model for entry in model.versions}:
        findings.error(
            path, "versions-own", f"{model.name} itself is none of its versions",
            f"add {{model: {model.name}, weight: 0}} or what share it keeps",
        )  # fmt: skip
    seen: set[str] = set()
    for number, version in enumerate(model.versions):
        where = f"{path}[{number}].model"
        if version.model in seen:
            findings.error(
                where, "versions-twice", f"{version.model} is listed twice", "write it once, with its weight"
            )
        seen.add(version.model)
        other = named.get(version.model)
        if other is None:
            findings.error(
                where, "versions-unknown", f"no model {version.model!r} (models: {listed(named)})",
                did_you_mean(version.model, named) or "write the name of one of them",
            )  # fmt: skip
        elif other is not model:
            _check_pair(where, model, other, settings, findings)


def _check_pair(where: str, model: Model, other: Model, settings: StackSettings, findings: Findings) -> None:
    """A version has to take the same requests, in the same namespace, for one model only."""
    if other.versions:
        findings.error(
            where, "versions-chain", f"{other.name} has versions of its own", "list them all at one of the two"
        )
    owners = [model.name for model in settings.models if other.name in {version.model for version in model.versions}]
    if len(owners) > 1 and owners[0] != model.name:
        findings.error(
            where, "versions-twice", f"{other.name} is a version of {owners[0]} already", "list it at one model only"
        )
    if other.namespace != model.namespace:
        findings.error(
            where, "versions-namespace", f"{other.name} is in namespace {other.namespace}, {model.name} in "
            f"{model.namespace}: a route reaches its own only", f"write namespace: {model.namespace} at {other.name}",
        )  # fmt: skip
    name, its = model.answers_to, other.answers_to
    if name != its:
        findings.error(
            where, "versions-name", f"{other.name} answers to {its} and refuses requests for {name}",
            f"write servedName: {name} at {other.name}",
        )  # fmt: skip
