"""The list of checks whether vLLM starts a replica, and the two doors to it: a stack file's model, a command's options.

Memory is asked apart (planning/memory): it is an estimate, and each door shows it in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planning.architectures.builds import layout_of_name
from planning.architectures.layout import QuantizationLayout
from planning.architectures.shape import Architecture
from planning.findings import Findings, listed
from planning.nodes.instances import ADA, AMPERE, TURING, Gpu
from planning.starting.split import Cut, cuts, sizes_that_start
from planning.versions import pins, vllm_versions
from planning.versions.vllm_versions import Version, text

# By the name of the weights' format (planning/memory/weights.py).
_LOWEST = {
    "fp8": TURING,
    "awq": TURING,
    "gptq": TURING,
    "int8": TURING,
    "mxfp4": AMPERE,
    "bitsandbytes": (7, 0),
}
# Files that no method of any vLLM reads from a repository: the layouts of quantized_builds.csv without a method.
_OTHER_PROGRAMS = {
    "gguf": "GGUF files, which are llama.cpp's",
    "mlx": "weights for Apple's MLX",
    "exl2": "ExLlama's files",
    "onnx": "ONNX graphs",
    "other": "weights of a method that vLLM does not have",
}
# Arguments that change what config.json says.
OVERRIDES = ("--hf-overrides", "--rope-scaling")


@dataclass(frozen=True)
class Start:
    """A replica as it is to be started; settings by the names of the stack file.

    `weights`: format in GPU memory, `none` is 16 bit; `layout`: of the
    checkpoint. `flags`: canonical names of the user's own
    arguments. `own_image`: not the official one, and so may hold a plug-in. `accepted`: why a habit does not count.
    """

    source: str
    version: Version
    architecture: Architecture | None
    weights: str
    layout: QuantizationLayout
    tensor_parallel: int
    max_model_len: int
    dtype: str
    kv_cache_dtype: str
    gpu: Gpu | None
    flags: frozenset[str] = frozenset()
    own_image: bool = False
    accepted: str | None = None

    @property
    def expert_parallel(self) -> bool:
        """Experts stay whole, each GPU holds some of them."""
        return "--enable-expert-parallel" in self.flags


# From a setting's name to where the user wrote it.
Place = Callable[[str], str]


def stored_as(model_id: str, known: Architecture | None) -> tuple[str, QuantizationLayout]:
    """Format and layout of a source's weights: from its architecture where that is known, else from its id."""
    if known is not None:
        return known.native_quantization, known.layout
    return layout_of_name(model_id) or ("none", QuantizationLayout())


def check_version(version: Version, where: str, findings: Findings) -> bool:
    """Whether flags and metrics of that vLLM are known."""
    if version < vllm_versions.OLDEST_SUPPORTED:
        findings.error(
            where,
            "image-too-old",
            f"vLLM {text(version)}: flags and metrics are known from {text(vllm_versions.OLDEST_SUPPORTED)} on",
            f"write {pins.VLLM.tag}",
        )
        return False
    if version > (newest := vllm_versions.newest_known()):
        findings.warning(
            where,
            "image-too-new",
            f"vLLM {text(version)} is newer than our table, which ends at {text(newest)}: its flags and metrics are "
            "taken for the same",
            "read vLLM's release notes for changed flags and metrics",
        )
    return True


def check_start(start: Start, place: Place, findings: Findings) -> None:
    """Every check of the list; findings stand at the places where the user wrote the settings."""
    for check in CHECKS:
        check(start, place, findings)


def _check_cuts(start: Start, place: Place, findings: Findings) -> None:
    if start.architecture is None:
        return
    parts = list(cuts(start.architecture, start.tensor_parallel, start.version, start.expert_parallel))
    for rule in dict.fromkeys(cut.rule for cut in parts):
        of_rule = [cut for cut in parts if cut.rule == rule]
        message, ways = "; ".join(cut.reason for cut in of_rule), _ways(start, parts)
        where = place("tensorParallel")
        if all(cut.certain for cut in of_rule):
            findings.error(where, rule, message, ways)
        else:
            layout = start.layout
            findings.estimate(
                where,
                rule,
                f"{message} ({layout.group or layout.block} is the habit of {layout.method} builds, not read from this "
                "one)",
                start.accepted,
                "quantizationLayout",
                fix=f"{ways}. Its config.json under architecture: {{config: ...}} says what it is",
            )


def _ways(start: Start, parts: list[Cut]) -> str:
    assert start.architecture is not None
    sizes = sizes_that_start(start.architecture, start.version, start.expert_parallel)
    ways = [f"write one of {', '.join(map(str, sizes))}"]
    if all(cut.experts for cut in parts):
        ways.append("--enable-expert-parallel in extraArgs, which keeps experts whole")
    return " or ".join(ways)


def _check_positions(start: Start, place: Place, findings: Findings) -> None:
    if start.architecture is None or start.flags & set(OVERRIDES):
        return
    longest = start.architecture.max_position_embeddings
    if start.max_model_len > longest:
        findings.error(
            place("maxModelLen"),
            "context-length",
            f"{start.max_model_len} is more than the {longest} positions {start.source} was made for",
            f"write {longest} or less",
        )


def _check_method(start: Start, place: Place, findings: Findings) -> None:
    """What is stored, against what the version can read."""
    method, version = start.layout.method, start.version
    if method == "none" or (method not in _OTHER_PROGRAMS and method in vllm_versions.names("quantization", version)):
        return
    where = place("source")
    if method in _OTHER_PROGRAMS:
        findings.error(
            where,
            "stored-format",
            f"{start.source} holds {_OTHER_PROGRAMS[method]}: vLLM finds no weights it can read",
            "write the source that it was made from, or a build in safetensors",
        )
        return
    spans = vllm_versions.span("quantization", method)
    if spans is None:
        known = listed(sorted(vllm_versions.names("quantization", version)), 40)
        why, way = f"no vLLM we know has {method}", f"choose a source stored by one of: {known}"
    elif version < spans[0]:
        why, way = f"{method} came with vLLM {text(spans[0])}", f"write image: {{tag: v{text(spans[0])}}} or newer"
    else:
        why = f"{method} left vLLM's own code after {text(spans[1])[: text(spans[1]).rindex('.')]}"
        way = f"write image: {{tag: v{text(spans[1])}}}, or choose a source with other weights"
    message = f"{start.source} holds {method} weights and the image is vLLM {text(version)}: {why}"
    if start.own_image:
        findings.warning(where, "stored-version", message, f"{way}; an image of your own needs the plug-in for it")
    else:
        findings.error(where, "stored-version", message, way)


def _check_gpu(start: Start, place: Place, findings: Findings) -> None:
    gpu = start.gpu
    if gpu is None:
        return
    have = gpu.compute_capability
    lowest = vllm_versions.lowest_compute_capability(start.version)
    name = f"{gpu.name} ({have[0]}.{have[1]})"
    if have < lowest:
        findings.error(
            place("pool"),
            "gpu-too-old",
            f"the image of vLLM {text(start.version)} has kernels from compute capability {lowest[0]}.{lowest[1]} on, "
            f"not for {name}",
            "use g4dn or newer",
        )
    if start.dtype in ("bfloat16", "bf16") and have < AMPERE:
        findings.error(
            place("dtype"), "dtype-gpu", f"bfloat16 needs compute capability 8.0, {name} has less", "write float16"
        )
    _check_weights(start, have, name, place("quantization"), findings)
    if start.kv_cache_dtype.startswith("fp8"):
        _check_cache(have, name, place("kvCacheDtype"), findings)


def _check_weights(start: Start, have: tuple[int, int], name: str, where: str, findings: Findings) -> None:
    lowest = _LOWEST.get(start.weights)
    if lowest is not None and have < lowest:
        findings.error(
            where,
            "quantization-gpu",
            f"{start.weights} needs compute capability {lowest[0]}.{lowest[1]}; {name} has less",
            "write another quantization, or take a newer GPU",
        )
    elif start.weights == "fp8" and have < ADA:
        findings.warning(
            where,
            "fp8-weight-only",
            f"{name} computes no fp8: weights take half the memory, speed stays within a few percent",
            "take L4, L40S or H100, which compute it, for speed",
        )


def _check_cache(have: tuple[int, int], name: str, where: str, findings: Findings) -> None:
    if have < AMPERE:
        findings.error(where, "kv-cache-gpu", f"{name} has no kernels for an fp8 cache", "write auto")
    elif have < ADA:
        findings.warning(
            where,
            "kv-cache-gpu",
            f"{name} computes no fp8: the cache holds twice the tokens, is converted at every read, and not every "
            "attention backend does it",
            "write auto to be safe",
        )


CHECKS: tuple[Callable[[Start, Place, Findings], None], ...] = (
    _check_cuts,
    _check_positions,
    _check_method,
    _check_gpu,
)
