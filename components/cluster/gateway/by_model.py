"""Which model a request without a model's name in its path is for: the one that its body names. Pure.

Gateway API matches no bodies. Envoy's Lua filter reads it, writes the header that routes match and has the route chosen
again, before anybody's key is looked at: keys are those of the model's own route.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.cluster.gateway.manifests import ENVOY, GATEWAY_API, NAME, gateway_object, named, parent
from components.manifest import Manifest
from planning.model import GatewayPlan

LISTING, UNKNOWN = "served-models", "unknown-model"
MODELS_PATH = "/v1/models"
CODE = Path(__file__).with_name("model_of_body.lua")


def by_model(plan: GatewayPlan) -> dict[str, Manifest]:
    """By what each is for; nothing where one model is all there is."""
    if plan.alone:
        return {}
    return {
        "listing": _answer(plan, LISTING, 200, listing(plan)),
        "unknown": _answer(plan, UNKNOWN, 404, unknown(plan)),
        "body": _body(plan),
        "any": _route(plan),
    }


def listing(plan: GatewayPlan) -> str:
    """JSON that OpenAI's clients read as the list of models; times are those of no server."""
    cards = [{"id": name, "object": "model", "created": 0, "owned_by": "vllm-on-eks"} for name in plan.served_names]
    return json.dumps({"object": "list", "data": cards})


def unknown(plan: GatewayPlan) -> str:
    """JSON of an error as OpenAI's API writes one."""
    message = f"no such model; served here: {', '.join(plan.served_names)}"
    return json.dumps({"error": {"message": message, "type": "NotFoundError", "param": "model", "code": 404}})


def _answer(plan: GatewayPlan, name: str, status: int, body: str) -> Manifest:
    response = {"type": "Inline", "inline": body}
    spec = {"directResponse": {"statusCode": status, "contentType": "application/json", "body": response}}
    return gateway_object(ENVOY, "HTTPRouteFilter", name, plan.namespace, spec)


def _body(plan: GatewayPlan) -> Manifest:
    spec = {
        "targetRefs": [named("HTTPRoute", NAME)],
        "lua": [{"type": "Inline", "inline": CODE.read_text(encoding="utf-8")}],
    }
    return gateway_object(ENVOY, "EnvoyExtensionPolicy", NAME, plan.namespace, spec)


def _route(plan: GatewayPlan) -> Manifest:
    """What no model's route matches: the list of models, or what says that there is no such model."""

    def rule(paths: list[str], answer: str) -> dict[str, Any]:
        reference = {"group": ENVOY.partition("/")[0], "kind": "HTTPRouteFilter", "name": answer}
        return {
            "matches": [{"path": {"type": "Exact", "value": path}} for path in paths],
            "filters": [{"type": "ExtensionRef", "extensionRef": reference}],
        }

    others = [path for path in plan.paths if path != MODELS_PATH]
    rules = [rule([MODELS_PATH], LISTING)] if MODELS_PATH in plan.paths else []
    rules += [rule(others, UNKNOWN)] if others else []
    spec = {"parentRefs": [parent(plan)], "hostnames": [plan.host], "rules": rules}
    return gateway_object(GATEWAY_API, "HTTPRoute", NAME, plan.namespace, spec)
