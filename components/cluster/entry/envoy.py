"""The whole configuration of the proxies behind an Ingress, as Envoy reads it at its start. Pure.

Fields: envoyproxy/envoy of the pinned image, api/envoy; `tests/e2e/test_entry.py` runs it in that Envoy.
"""

from __future__ import annotations

from typing import Any

from components.cluster.entry.routes import COUNTED_MODEL, OWN, virtual_host
from components.cluster.gateway.by_model import CODE
from planning.model import CLIENT_HEADER, EntryPlan, RoutedModel

REQUESTS, READY = 8080, 8081
READY_PATH = "/ready"
CA_PATH, CA_FILE = "/etc/envoy/keys-ca", "ca.crt"
# Of the image (distroless: Debian's ca-certificates).
WEB_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
KEYS = "keys_of_tokens"  # no model can be called so
MIB = 1024 * 1024
# A list of models, and what says that there is no such one, may be longer than Envoy's 4 KiB.
MOST_ANSWER_BYTES = 1024 * 1024
_HTTP = "envoy.extensions.filters.http"
_TYPE = "@type"

Part = dict[str, Any]


def bootstrap(plan: EntryPlan) -> Part:
    """Two listeners: requests, and whether it is ready. No interface of administration."""
    clusters = [_cluster(model, plan) for model in plan.models]
    if plan.gateway.authentication.kind == "jwt":
        clusters.append(_key_server(plan))
    return {
        "static_resources": {"listeners": [_requests(plan), _ready()], "clusters": clusters},
        "overload_manager": _overload(plan),
        # They are asked for by no one, and grow with each model.
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def _type(name: str, **fields: Any) -> Part:
    return {_TYPE: f"type.googleapis.com/{name}", **fields}


def _filter(name: str, kind: str, **fields: Any) -> Part:
    return {"name": name, "typed_config": _type(kind, **fields)}


def _listener(name: str, port: int, manager: Part, **more: Any) -> Part:
    address = {"socket_address": {"address": "0.0.0.0", "port_value": port}}
    http = _filter(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        **manager,
    )
    return {"name": name, "address": address, "filter_chains": [{"filters": [http]}], **more}


def _router() -> Part:
    return _filter("envoy.filters.http.router", f"{_HTTP}.router.v3.Router", suppress_envoy_headers=True)


def _requests(plan: EntryPlan) -> Part:
    gateway = plan.gateway
    manager = {
        # The nearest address is the controller's. What comes from outside is taken off: headers x-envoy-* of a caller,
        # by which time-outs and retries are changed, too.
        "use_remote_address": True,
        "xff_num_trusted_hops": 1,
        "normalize_path": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "idle_timeout": f"{plan.idle_seconds}s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        # A stream may be silent for as long as an answer may take: its first token waits in the queue.
        "stream_idle_timeout": f"{gateway.request_timeout_seconds}s",
        "request_timeout": f"{gateway.idle_seconds}s",
        "request_headers_timeout": f"{gateway.idle_seconds}s",
        "http_filters": _filters(plan),
        "route_config": {
            "name": "models",
            "max_direct_response_body_size_bytes": MOST_ANSWER_BYTES,
            "virtual_hosts": [virtual_host(plan)],
        },
    }
    return _listener("requests", REQUESTS, manager, per_connection_buffer_limit_bytes=gateway.max_body_mib * MIB)


def _filters(plan: EntryPlan) -> list[Part]:
    """In the order in which a request goes through them: who asks, how much, for which model, how often."""
    gateway = plan.gateway
    filters = [_tokens(plan)] if gateway.authentication.kind == "jwt" else []
    # An answer 413 above it; the body is kept whole, out of which it is sent again.
    size = gateway.max_body_mib * MIB
    filters.append(_filter("envoy.filters.http.buffer", f"{_HTTP}.buffer.v3.Buffer", max_request_bytes=size))
    if not gateway.alone:
        code = {"inline_string": CODE.read_text(encoding="utf-8")}
        filters.append(_filter("envoy.filters.http.lua", f"{_HTTP}.lua.v3.Lua", default_source_code=code))
    if gateway.requests_per_minute:
        filters.append(_limit(plan, gateway.requests_per_minute))
    return [*filters, _router()]


def _tokens(plan: EntryPlan) -> Part:
    """A token without `exp` or `sub` is refused, and none is handed on to a model."""
    tokens = plan.gateway.authentication
    remote = {
        "http_uri": {"uri": tokens.jwks_uri, "cluster": KEYS, "timeout": f"{plan.connect_seconds}s"},
        "async_fetch": {"fast_listener": True},
    }
    provider = {
        "issuer": tokens.issuer,
        "audiences": list(tokens.audiences),
        "subjects": {"safe_regex": {"regex": ".+"}},
        "require_expiration": True,
        "remote_jwks": remote,
        "forward": False,
        "claim_to_headers": [{"header_name": CLIENT_HEADER, "claim_name": "sub"}],
    }
    rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "tokens"}}]
    kind = f"{_HTTP}.jwt_authn.v3.JwtAuthentication"
    return _filter("envoy.filters.http.jwt_authn", kind, providers={"tokens": provider}, rules=rules)


def _limit(plan: EntryPlan, requests: int) -> Part:
    """Requests per minute of each token's subject to each model, at this proxy; an entry without a value is each one.
    Tokens of no subject were refused before."""
    bucket = {"max_tokens": requests, "tokens_per_fill": requests, "fill_interval": "60s"}
    all_of_them = {"numerator": 100, "denominator": "HUNDRED"}
    key = {"key": OWN, "path": [{"key": COUNTED_MODEL}]}
    actions = [
        {"request_headers": {"header_name": CLIENT_HEADER, "descriptor_key": "client"}},
        {"metadata": {"descriptor_key": COUNTED_MODEL, "metadata_key": key, "source": "ROUTE_ENTRY"}},
    ]
    return _filter(
        "envoy.filters.http.local_ratelimit",
        f"{_HTTP}.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="clients",
        filter_enabled={"default_value": all_of_them},
        filter_enforced={"default_value": all_of_them},
        descriptors=[{"entries": [{"key": "client"}, {"key": COUNTED_MODEL}], "token_bucket": bucket}],
        rate_limits=[{"actions": actions}],
        max_dynamic_descriptors=plan.most_clients,
    )


def _ready() -> Part:
    answers = {"match": {"path": READY_PATH}, "direct_response": {"status": 200}}
    host = {"name": "ready", "domains": ["*"], "routes": [answers]}
    manager = {"http_filters": [_router()], "route_config": {"name": "ready", "virtual_hosts": [host]}}
    return _listener("ready", READY, manager)


def _cluster(model: RoutedModel, plan: EntryPlan) -> Part:
    """A model's Service. Each request has a connection of its own: kube-proxy then chooses a pod for each, and none
    goes to a pod that is about to leave over a connection from before (docs/clients.md)."""
    address = f"{model.name}.{model.namespace}.svc.cluster.local."
    limits = dict.fromkeys(
        ("max_connections", "max_pending_requests", "max_requests", "max_retries"), plan.most_connections
    )
    protocol = _type(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={"max_requests_per_connection": 1},
        explicit_http_config={"http_protocol_options": {}},
    )
    return {
        **_named_server(model.name, address, model.port, plan),
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
        "circuit_breakers": {"thresholds": [limits]},
    }


def _named_server(name: str, address: str, port: int, plan: EntryPlan) -> Part:
    endpoint = {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
    return {
        "name": name,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": f"{plan.connect_seconds}s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _key_server(plan: EntryPlan) -> Part:
    """Where the public keys of tokens are; its certificate has to have that name."""
    tokens = plan.gateway.authentication
    trusted = f"{CA_PATH}/{CA_FILE}" if tokens.jwks_ca else WEB_AUTHORITIES
    validation = {
        "trusted_ca": {"filename": trusted},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": tokens.jwks_host}}],
    }
    tls = _type(
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni=tokens.jwks_host,
        common_tls_context={"validation_context": validation},
    )
    return {
        **_named_server(KEYS, tokens.jwks_host, tokens.jwks_port, plan),
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
    }


def _overload(plan: EntryPlan) -> Part:
    """A proxy that is full says 503, by which a client asks again, in the place of being killed with all it carries."""
    heap = {
        "name": "envoy.resource_monitors.fixed_heap",
        "typed_config": _type(
            "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=plan.heap_bytes
        ),
    }

    def action(name: str, share: float) -> Part:
        trigger = {"name": heap["name"], "threshold": {"value": share}}
        return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}

    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [heap],
        "actions": [action("shrink_heap", 0.9), action("stop_accepting_requests", 0.95)],
    }
