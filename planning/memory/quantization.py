"""How weights are stored: what the source holds, what vLLM is told, what the GPU can do with it."""

from __future__ import annotations

from dataclasses import dataclass

from planning.findings import Findings
from planning.nodes.instances import ADA, AMPERE, TURING, Gpu
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version, text
from settings.models import Dtype, KvCacheDtype, Model, Quantization

# Methods vLLM can apply to 16-bit weights while it loads them, best first; the first that the version has is used.
# `--quantization fp8` stopped doing that: Fp8Config of 0.33 says to write fp8_per_tensor.
_ONLINE = {
    Quantization.FP8: ("fp8_per_tensor", "fp8"),
    Quantization.INT8: ("int8_per_channel_weight_only",),
    Quantization.BITSANDBYTES: ("bitsandbytes",),
}
_LOWEST = {
    Quantization.FP8: TURING,
    Quantization.AWQ: TURING,
    Quantization.GPTQ: TURING,
    Quantization.INT8: TURING,
    Quantization.MXFP4: AMPERE,
    Quantization.BITSANDBYTES: (7, 0),
}


@dataclass(frozen=True)
class Weights:
    """`stored`: what the repository holds (`none` is 16 bit). `flag`: value of --quantization, None to leave it out
    because the checkpoint says it itself. `online`: vLLM quantizes while loading.
    """

    stored: str
    flag: str | None
    online: bool


def plan_weights(model: Model, stored: str, certain: bool, version: Version, path: str, findings: Findings) -> Weights:
    """How vLLM gets the wanted quantization from the source; `certain`: what is stored is known, not guessed."""
    wanted = model.quantization
    if wanted is Quantization.NONE or wanted.value == stored:
        return Weights(stored, None, online=False)
    known = vllm_versions.names("quantization", version)
    online = next((method for method in _ONLINE.get(wanted, ()) if method in known), None)
    if stored == "none" and online is not None:
        return Weights(stored, online, online=True)
    refuse = findings.error if certain or stored != "none" else findings.warning
    if stored != "none":
        refuse(
            f"{path}.quantization",
            "quantization-mismatch",
            f"{wanted.value}, but {model.source} holds {stored} weights; write quantization: {stored} or choose "
            "another source",
        )
    elif wanted in _ONLINE:
        refuse(
            f"{path}.quantization",
            "quantization-version",
            f"vLLM {text(version)} has no {wanted.value} for 16-bit weights; write fp8, or choose a source that holds "
            f"{wanted.value} weights",
        )
    else:
        refuse(
            f"{path}.quantization",
            "quantization-mismatch",
            f"{wanted.value} needs weights that are stored so, and {model.source} does not look like it; choose a "
            f"source with {wanted.value} weights (its id usually says it) or write quantization: fp8",
        )
    return Weights(wanted.value, None, online=False)


def check_gpu(model: Model, weights: Weights, gpu: Gpu, version: Version, path: str, findings: Findings) -> None:
    """Whether the GPU can do it: kernels of the image, 16-bit type, quantization, KV cache type."""
    have = gpu.compute_capability
    lowest = vllm_versions.lowest_compute_capability(version)
    name = f"{gpu.name} ({have[0]}.{have[1]})"
    if have < lowest:
        findings.error(
            f"{path}.pool",
            "gpu-too-old",
            f"the image of vLLM {text(version)} has kernels from compute capability {lowest[0]}.{lowest[1]} on, not "
            f"for {name}; use g4dn or newer",
        )
    if model.dtype is Dtype.BFLOAT16 and have < AMPERE:
        findings.error(
            f"{path}.dtype", "dtype-gpu", f"bfloat16 needs compute capability 8.0, {name} has less; write float16"
        )
    _check_quantization(model, weights, have, name, path, findings)
    if model.kv_cache_dtype is KvCacheDtype.FP8:
        if have < AMPERE:
            findings.error(
                f"{path}.kvCacheDtype", "kv-cache-gpu", f"{name} has no kernels for an fp8 cache; write auto"
            )
        elif have < ADA:
            findings.warning(
                f"{path}.kvCacheDtype",
                "kv-cache-gpu",
                f"{name} computes no fp8: the cache holds twice the tokens, is converted at every read, and not every "
                "attention backend does it; auto is the safe choice",
            )


def _check_quantization(
    model: Model, weights: Weights, have: tuple[int, int], name: str, path: str, findings: Findings
) -> None:
    used = model.quantization if model.quantization is not Quantization.NONE else Quantization(_named(weights.stored))
    lowest = _LOWEST.get(used)
    if lowest is not None and have < lowest:
        findings.error(
            f"{path}.quantization",
            "quantization-gpu",
            f"{used.value} needs compute capability {lowest[0]}.{lowest[1]}; {name} has less",
        )
    elif used is Quantization.FP8 and have < ADA:
        findings.warning(
            f"{path}.quantization",
            "fp8-weight-only",
            f"{name} computes no fp8: weights take half the memory, speed stays within a few percent; L4, L40S and "
            "H100 compute it",
        )


def _named(stored: str) -> str:
    return stored if stored in {each.value for each in Quantization} else "none"
