"""The command lines' door to the list of checks that a stack file's models go through (planning/starting)."""

from __future__ import annotations

from dataclasses import replace

from planning.architectures.builds import layout_of_name
from planning.architectures.shape import Architecture
from planning.findings import Findings
from planning.memory.engine import UNKNOWN_VERSION, EngineConfig
from planning.memory.quantization import Source, online_method, plan_weights
from planning.memory.weights import quantization_name
from planning.nodes.ami import check_instance
from planning.nodes.instances import Gpu, InstanceType
from planning.starting.start import Start, check_start, check_version, stored_as
from planning.versions import pins
from planning.versions.vllm_versions import version_of

# The options that stand for the settings that findings name.
OPTIONS = {
    "source": "the model",
    "tensorParallel": "--tensor-parallel",
    "maxModelLen": "--max-model-len",
    "dtype": "--dtype",
    "quantization": "--quantization",
    "kvCacheDtype": "--kv-cache-dtype",
    "pool": "--instance",
    "image.tag": "--vllm-version",
}
_DTYPES = {"bf16": "bfloat16"}


def checked(
    model: Architecture,
    engine: EngineConfig,
    instance: InstanceType | None,
    gpu: Gpu | None,
    expert_parallel: bool = False,
) -> Findings:
    """What the stack file would be told, at the options; raises ValueError where the version names none."""
    findings = Findings()
    if instance is not None:
        check_instance(instance, "--instance", findings)
    version = version_of(pins.VLLM.tag if engine.vllm_version == UNKNOWN_VERSION else engine.vllm_version)
    if not check_version(version, OPTIONS["image.tag"], findings):
        return findings
    method = quantization_name(engine.quantization)
    stored, layout = stored_as(model.model_id, model)
    if method != "none" and stored == "none" and online_method(method, version) is None:
        # Nothing makes it while it loads: asked is what a build stored so would need.
        stored, layout = method, (layout_of_name(method) or ("", layout))[1]
        model = replace(model, native_quantization=stored, layout=layout)
    weights = plan_weights(method, Source(model.model_id, stored, True), version, OPTIONS["quantization"], findings)
    start = Start(
        source=model.model_id,
        version=version,
        architecture=model,
        weights=weights.stored if method == "none" else method,
        layout=layout,
        tensor_parallel=engine.tensor_parallel,
        max_model_len=engine.max_model_len,
        dtype=_DTYPES.get(engine.dtype, engine.dtype),
        kv_cache_dtype=engine.kv_cache_dtype,
        gpu=gpu,
        flags=frozenset(["--enable-expert-parallel"] if expert_parallel else []),
    )
    check_start(start, lambda setting: OPTIONS.get(setting, setting), findings)
    return findings
