"""Model sizes and KV-cache room from the planner, where its catalogue or a stack file has the model."""

from __future__ import annotations

from collections.abc import Callable

from local.engine.flags import EngineArguments
from local.engine.rates import ModelShape
from planning.architectures.shape import Architecture
from planning.architectures.table import UnknownModel, architecture
from planning.memory.engine import EngineConfig
from planning.memory.fit import fit, kv_cache_bytes_per_token, weights_bytes
from planning.nodes.instances import Gpu

# how the planner names what a --quantization method stores; others: as the checkpoint does
_METHODS = {
    "awq": "awq", "auto_awq": "awq", "awq_marlin": "awq", "gptq": "gptq", "auto_gptq": "gptq", "gptq_marlin": "gptq",
    "fp8": "fp8", "fp8_per_tensor": "fp8", "fp8_per_channel": "fp8", "fp8_per_block": "fp8", "mxfp4": "mxfp4",
    "gpt_oss_mxfp4": "mxfp4",
}  # fmt: skip


def planned_shape(
    arguments: EngineArguments,
    gpu: Gpu,
    version: str,
    described: Callable[[str], Architecture | None] = lambda model: None,
) -> ModelShape | None:
    """The size of the model these arguments name and its room on this GPU; None for an unknown one.

    `described`: what is known of a model beside the catalogue, and goes before it, as in the plan.
    """
    names = (arguments.model, *arguments.served_names)
    model = next((known for look in (described, _catalogued) for name in names if (known := look(name))), None)
    if model is None:
        return None
    length = arguments.max_model_len
    engine = EngineConfig(
        max_model_len=length if length and length > 0 else model.max_position_embeddings,
        max_num_seqs=arguments.max_num_seqs,
        dtype="auto" if arguments.dtype == "half" else arguments.dtype,
        quantization=_METHODS.get(arguments.quantization or "", "none"),
        kv_cache_dtype="auto" if arguments.kv_cache_dtype == "auto" else arguments.kv_cache_dtype,
        tensor_parallel=arguments.tensor_parallel_size,
        pipeline_parallel=arguments.pipeline_parallel_size,
        gpu_memory_utilization=arguments.gpu_memory_utilization,
        max_num_batched_tokens=arguments.max_num_batched_tokens,
        enforce_eager=arguments.enforce_eager,
        vllm_version=version,
        block_size=arguments.block_size_tokens,
    )
    memory_fit = fit(model, engine, gpu.usable_memory_bytes, gpu)
    return ModelShape(
        parameters=model.parameters,
        kv_bytes_per_token=kv_cache_bytes_per_token(model, engine) * arguments.tensor_parallel_size,
        max_model_len=model.max_position_embeddings,
        active_parameters=model.active_parameters,
        weights_bytes=weights_bytes(model, engine),
        kv_cache_tokens=max(memory_fit.kv_cache_tokens, memory_fit.longest_model_len),
        longest_model_len=memory_fit.longest_model_len,
    )


def _catalogued(name: str) -> Architecture | None:
    try:
        return architecture(name)
    except UnknownModel:
        return None
