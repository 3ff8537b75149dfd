"""Which paths of the one host lead to which model, as Envoy reads it. Pure."""

from __future__ import annotations

import re
from typing import Any

from components.cluster.gateway.by_model import MODELS_PATH, listing, unknown
from components.cluster.gateway.manifests import MODEL_HEADER, VERSION_HEADER
from components.cluster.gateway.routes import API_PATH
from planning.model import EntryPlan, RoutedModel

Part = dict[str, Any]
OWN, COUNTED_MODEL = "vllm-on-eks", "model"


def paths(plan: EntryPlan) -> list[str]:
    """All that the host answers, exactly as written: the listed paths, and each below a model's name."""
    listed = plan.gateway.paths
    return [*listed, *(f"/{model.name}{path}" for model in plan.models for path in listed)]


def virtual_host(plan: EntryPlan) -> Part:
    """The first route that matches is taken; what none matches is 404."""
    host = plan.gateway.host
    routes = [route for model in plan.models for route in _of_model(model, plan)]
    if not plan.gateway.alone:
        routes += [_answer(plan, path) for path in plan.gateway.paths]
    return {"name": "models", "domains": [host, f"{host}:*"], "routes": routes}


def _of_model(model: RoutedModel, plan: EntryPlan) -> list[Part]:
    """By the header x-model, which the body's own `model` fills in, or by its name before the path; one of its versions
    by the header x-version. The stack's only model needs no name, and a version's own is before the path."""
    gateway = plan.gateway
    shared, names = gateway.versions.get(model.name, ()), gateway.names_of[model.name]
    routes = []
    for path in gateway.paths if names else ():
        chosen = [] if gateway.alone == model.name else [_header(MODEL_HEADER, names)]
        for version, _ in shared:
            match = {"path": path, "headers": [*chosen, _header(VERSION_HEADER, (version,))]}
            routes.append(_to(plan, model, ((version, 1),), match, path))
        match = {"path": path, **({"headers": chosen} if chosen else {})}
        routes.append(_to(plan, model, shared, match, path))
    for path in gateway.paths:
        routes.append(_to(plan, model, shared, {"path": f"/{model.name}{path}"}, path))
    return routes


def _header(name: str, values: tuple[str, ...]) -> Part:
    if len(values) == 1:
        return {"name": name, "string_match": {"exact": values[0]}}
    pattern = "|".join(re.escape(value) for value in values)
    return {"name": name, "string_match": {"safe_regex": {"regex": pattern}}}


def _to(plan: EntryPlan, model: RoutedModel, shared: tuple[tuple[str, int], ...], match: Part, path: str) -> Part:
    """To the model alone where no version shares its requests; another server is asked until the first byte of an
    answer."""
    gateway = plan.gateway
    longest = f"{gateway.request_timeout_seconds}s"
    action: Part = {"timeout": longest, "idle_timeout": longest, "retry_policy": _retries(plan)}
    if shared:
        weights = [{"name": name, "weight": weight} for name, weight in shared]
        action["weighted_clusters"] = {"clusters": weights}
        if header := gateway.session_headers.get(model.name):
            action["hash_policy"] = [{"header": {"header_name": header}}]
            action["weighted_clusters"]["use_hash_policy"] = True
    else:
        action["cluster"] = model.name
    there = model.api_path + path.removeprefix(API_PATH)
    if match["path"] != there:
        action["prefix_rewrite"] = there  # of a path that matches exactly, all of it
    # By what requests to it are counted (envoy.py, _limit).
    return {"match": match, "route": action, "metadata": {"filter_metadata": {OWN: {COUNTED_MODEL: model.name}}}}


def _retries(plan: EntryPlan) -> Part:
    first, longest = (f"{milliseconds / 1000:g}s" for milliseconds in plan.gateway.retry_milliseconds)
    return {
        "num_retries": plan.gateway.retries,
        "retry_on": "connect-failure,refused-stream,reset,retriable-status-codes",
        "retriable_status_codes": [503],
        "retry_back_off": {"base_interval": first, "max_interval": longest},
    }


def _answer(plan: EntryPlan, path: str) -> Part:
    """The list of models, or what says that there is no such one."""
    status, body = (200, listing(plan.gateway)) if path == MODELS_PATH else (404, unknown(plan.gateway))
    json_type = {
        "header": {"key": "content-type", "value": "application/json"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "match": {"path": path},
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [json_type],
    }
