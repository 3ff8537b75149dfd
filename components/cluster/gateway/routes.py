"""The way from the one address to a model, and to its versions. Pure."""

from __future__ import annotations

import re
from typing import Any

from components.cluster.gateway.manifests import (
    GATEWAY_API,
    MODEL_HEADER,
    VERSION_HEADER,
    gateway_object,
    parent,
)
from components.manifest import Manifest
from planning.model import GatewayPlan, ServedModel

Rule = dict[str, Any]
# What paths of OpenAI's clients begin with.
API_PATH = "/v1"


def route(model: ServedModel, plan: GatewayPlan) -> Manifest:
    """Paths that are on the list, to one model: by the header x-model, which the body's own `model` fills in
    (by_model.py), or by its name before the path. The stack's only model needs neither.

    Its versions share the requests by weight, and one is chosen by the header x-version. A version's own route has its
    name before the path and nothing else.
    """
    shared = plan.versions.get(model.name, ())
    named = plan.names_of[model.name]
    rules = [_to(plan, model, shared, rule) for rule in _plainly(model, plan)] if named else []
    if named:
        rules += [
            _to(plan, model, ((version, 1),), rule) for version, _ in shared for rule in _plainly(model, plan, version)
        ]
    for path in plan.paths:
        match = {"path": {"type": "Exact", "value": f"/{model.name}{path}"}}
        rules.append(_to(plan, model, shared, {"matches": [match], **_rewritten(model, path)}))
    spec = {"parentRefs": [parent(plan)], "hostnames": [plan.host], "rules": rules}
    return gateway_object(GATEWAY_API, "HTTPRoute", model.name, model.namespace, spec)


def _rewritten(model: ServedModel, path: str) -> Rule:
    """The filter that writes a path of OpenAI's as the model's address has it."""
    there = model.api_path + path.removeprefix(API_PATH)
    return {
        "filters": [
            {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": there}}}
        ]
    }


def _plainly(model: ServedModel, plan: GatewayPlan, version: str | None = None) -> list[Rule]:
    """A match for each path as OpenAI's clients write it, with the headers that choose; in one rule where the model's
    address has the same paths."""
    matches = []
    for path in plan.paths:
        headers = [] if plan.alone == model.name else [{"name": MODEL_HEADER, **_one_of(plan.names_of[model.name])}]
        if version is not None:
            headers.append({"name": VERSION_HEADER, "type": "Exact", "value": version})
        matches.append({"path": {"type": "Exact", "value": path}, **({"headers": headers} if headers else {})})
    if model.api_path == API_PATH:
        return [{"matches": matches}]
    return [{"matches": [match], **_rewritten(model, path)} for match, path in zip(matches, plan.paths, strict=True)]


def _one_of(names: tuple[str, ...]) -> dict[str, str]:
    """The served name, or one of it and its adapters'."""
    if len(names) == 1:
        return {"type": "Exact", "value": names[0]}
    return {"type": "RegularExpression", "value": "|".join(re.escape(name) for name in names)}


def _answered_by(version: str) -> Rule:
    header = {"name": VERSION_HEADER, "value": version}
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [header]}}


def _to(plan: GatewayPlan, model: ServedModel, shared: tuple[tuple[str, int], ...], rule: Rule) -> Rule:
    """To the model alone where no version shares its requests."""
    servers: list[Rule] = [{"name": model.name, "port": model.port}]
    if shared:
        servers = [{"name": name, "port": model.port, "weight": weight} for name, weight in shared]
    if len(shared) > 1 and model.name in plan.session_headers:
        # Without filters of their own Envoy Gateway 1.9.0 makes one cluster of all versions, and a hash over all their
        # servers knows no weights (internal/ir/xds.go, NeedsClusterPerSetting). It tells the client which one it got.
        servers = [{**server, "filters": [_answered_by(server["name"])]} for server in servers]
    if plan.authentication.kind == "jwt":  # Envoy hands tokens on, and a server could use them in its client's place
        taken_off = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
        rule = {**rule, "filters": [*rule.get("filters", []), taken_off]}
    return {**rule, "backendRefs": servers, "timeouts": {"request": f"{plan.request_timeout_seconds}s"}}
