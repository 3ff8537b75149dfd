"""What one replica does at most, by planning's roofline, on requests of a usual length."""

from __future__ import annotations

from typing import Any

from planning.architectures import UnknownModel, architecture
from planning.instances import instance_type
from planning.memory_check import engine_config
from planning.model import NodeGroupPlan, ServedModel
from planning.throughput import Traffic, saturated
from planning.vllm_versions import version_of
from settings.models import Model

# Mean lengths of the Azure LLM inference trace 2023, conversations; what `python -m planning simulate` takes as well.
USUAL_INPUT_TOKENS = 1155.0
USUAL_OUTPUT_TOKENS = 211.0


def throughput(model: ServedModel, asked: Model, pool: NodeGroupPlan) -> dict[str, Any] | None:
    """Rates of one replica that always has more to do; None where the model is unknown or does not fit."""
    gpu = instance_type(pool.instance_types[0]).gpu
    try:
        shape = architecture(model.model_id)
    except UnknownModel:
        return None
    if gpu is None:
        return None
    longest = float(asked.max_model_len)
    traffic = Traffic(min(USUAL_INPUT_TOKENS, longest * 0.8), min(USUAL_OUTPUT_TOKENS, longest * 0.2))
    engine = engine_config(asked, shape.native_quantization, version_of(f"v{model.vllm_version}"))
    try:
        rates = saturated(shape, engine, gpu, traffic)
    except ValueError:  # does not fit: an accepted risk
        return None
    return {
        "input_tokens": round(traffic.input_tokens),
        "output_tokens": round(traffic.output_tokens),
        "concurrency": round(rates.concurrency, 1),
        "requests_per_second": round(rates.requests_per_second, 3),
        "output_tokens_per_second": round(rates.output_tokens_per_second, 1),
        "total_tokens_per_second": round(rates.total_tokens_per_second, 1),
        "time_per_output_token_seconds": round(rates.time_per_output_token_seconds, 4),
        "limited_by": rates.limited_by,
    }
