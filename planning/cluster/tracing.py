"""Traces of requests: the collector, what servers are told, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.facts import rows
from planning.findings import Findings
from planning.model import ServedModel, TracingPlan
from planning.versions import pins, vllm_versions
from settings.stack import StackSettings
from settings.tracing import CollectorTracing, is_inside
from settings.urls import url_parts

FLAG = "--otlp-traces-endpoint"
PORTS = {("http", "grpc"): 4317, ("https", "grpc"): 4317, ("http", "http"): 4318, ("https", "http"): 443}


def plan_tracing(settings: StackSettings) -> TracingPlan | None:
    """None in a stack without tracing."""
    tracing = settings.tracing
    if not isinstance(tracing, CollectorTracing):
        return None
    parts = url_parts(tracing.endpoint)
    host = parts.host
    return TracingPlan(
        namespace=tracing.namespace,
        model_namespaces=tuple(sorted({model.namespace for model in settings.models if model.tracing})),
        sampling_percent=tracing.sampling_percent,
        export_url=tracing.endpoint.rstrip("/"),
        export_host=host,
        export_port=parts.port or PORTS[parts.scheme, tracing.protocol],
        export_namespace=host.split(".")[1] if is_inside(host) and host.count(".") > 1 else None,
        protocol=tracing.protocol,
        encrypted=parts.scheme == "https",
        headers_secret=tracing.headers_secret,
    )


def check_tracing(settings: StackSettings, findings: Findings) -> None:
    """Images without the packages do not start with the flag; a flag of the user's own would be a second one."""
    if not isinstance(settings.tracing, CollectorTracing):
        return
    for index, model in enumerate(settings.models):
        path = f"models[{index}]"
        if not model.tracing:
            continue
        names = [argument.partition("=")[0].replace("_", "-") for argument in model.extra_args]
        if FLAG in names:
            findings.error(
                f"{path}.extraArgs[{names.index(FLAG)}]", "planned-argument", f"{FLAG} is set by tracing", "remove it"
            )
        tag = model.image.tag or pins.VLLM.tag
        images = {row["repository"]: row["since"] for row in rows("tracing_images.csv")}
        since = images.get(model.image.repository)
        if since is None:
            findings.warning(
                f"{path}.image.repository",
                "tracing-image",
                f"whether {model.image.repository} has the OpenTelemetry packages is not known here: without them its "
                f"server does not start with {FLAG}",
                f"look into it, or write tracing: false for {model.name}",
            )
        elif vllm_versions.version_of(tag) < vllm_versions.version_of(since):
            findings.error(
                f"{path}.image.tag",
                "tracing-image",
                f"{tag} is older than {since}, the first that is known to have the OpenTelemetry packages: its server "
                f"would not start with {FLAG}",
                f"write {since} or newer, or tracing: false for {model.name}",
            )


def with_tracing(models: Sequence[ServedModel], settings: StackSettings) -> list[ServedModel]:
    """The models, those that are traced told where their spans go."""
    plan = plan_tracing(settings)
    traced = {model.name for model in settings.models if model.tracing}
    if plan is None:
        return list(models)
    return [_traced(model, plan) if model.name in traced else model for model in models]


def _traced(model: ServedModel, plan: TracingPlan) -> ServedModel:
    # Standard names of the OpenTelemetry SDK; vLLM's exporter speaks gRPC without TLS (vllm/tracing/otel.py).
    env = {
        "OTEL_SERVICE_NAME": model.name,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": f"{plan.sampling_percent / 100:g}",
    }
    return replace(model, args=(*model.args, f"{FLAG}={plan.endpoint}"), env={**env, **model.env}, tracing=plan)
