"""Bytes of a model's weights in GPU memory, as vLLM's "Model loading took … GiB" counts them.

Large matrices are split over the tensor-parallel group and may be quantized; embedding, head, norms, routers and
vision towers stay 16 bit. PyTorch's allocator then rounds large blocks to 2 MiB, which is visible in the logs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from planning.architectures.shape import Architecture
from planning.memory.engine import EngineConfig

MIB = 2**20
# Group size of the formats below.
_USUAL_GROUP = 128

# Allocator constants of PyTorch, c10/cuda/CUDACachingAllocator: blocks above 10 MiB come in 2 MiB steps, and a rest
# of up to 1 MiB is not split off but counted as allocated.
_LARGE_BLOCK_BYTES = 10 * MIB
_ROUND_BYTES = 2 * MIB
_UNSPLIT_BYTES = MIB


@dataclass(frozen=True)
class WeightFormat:
    """Bits of one weight of a quantized matrix: the weight itself, and scales and zero points spread over it."""

    weight_bits: float
    overhead_bits: float
    source: str

    @property
    def bytes_per_weight(self) -> float:
        """Bytes of one weight with its share of scales."""
        return (self.weight_bits + self.overhead_bits) / 8


FORMATS = {
    "none": WeightFormat(16, 0, "16-bit checkpoint"),
    "fp8": WeightFormat(8, 32 / (128 * 128), "fp32 scale per 128 x 128 block or per channel"),
    "int8": WeightFormat(8, 32 / (128 * 128), "fp32 scale per channel"),
    "awq": WeightFormat(4, (16 + 4) / 128, "groups of 128: 16-bit scale and 4-bit zero point"),
    "gptq": WeightFormat(4, 16 / 128, "groups of 128: 16-bit scale, symmetric"),
    "bitsandbytes": WeightFormat(4, 8 / 64 + 32 / (64 * 256), "NF4, blocks of 64, double quantization"),
    "nvfp4": WeightFormat(4, 8 / 16, "blocks of 16 with an fp8 scale"),
    "mxfp4": WeightFormat(4, 8 / 32, "blocks of 32 with an 8-bit exponent"),
}


# Names that vLLM's logs and command line use for the same storage.
_ALIASES = {
    "auto": "none",
    "awq_marlin": "awq",
    "gptq_marlin": "gptq",
    "w4a16": "gptq",
    "w8a8": "int8",
    "w8a16": "int8",
    "bnb": "bitsandbytes",
    "fbgemm_fp8": "fp8",
}


class UnknownQuantization(ValueError):
    """No such quantization method; the text lists those that are known."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"unknown quantization {name!r}; known: {', '.join(FORMATS)}")


def quantization_name(name: str) -> str:
    """The key in FORMATS for a method's name; raises UnknownQuantization."""
    plain = _ALIASES.get(name.lower(), name.lower())
    if plain not in FORMATS:
        raise UnknownQuantization(name)
    return plain


def weight_format(model: Architecture, engine: EngineConfig) -> tuple[str, WeightFormat]:
    """The method in force and its format: the engine's where it names one, else the checkpoint's."""
    asked = quantization_name(engine.quantization)
    native = quantization_name(model.native_quantization)
    name = native if asked == "none" else asked
    row, group = FORMATS[name], model.layout.group
    if name == native and name in ("awq", "gptq") and group is not None:
        return name, replace(row, overhead_bits=row.overhead_bits * _USUAL_GROUP / group)
    return name, row


def large_bytes(model: Architecture, engine: EngineConfig, plain: float = 2) -> float:
    """Mean bytes of a weight of the large matrices, of which a checkpoint's own lists may leave some in `plain`."""
    name, stored = weight_format(model, engine)
    if name in ("none", "mxfp4") or name != quantization_name(model.native_quantization):
        return stored.bytes_per_weight
    parts = model.linear_parts
    total = max(1, sum(parts.values()))
    if not model.layout.mixed:
        kept = sum(size * model.layout.share_unquantized(part) for part, size in parts.items()) / total
        return stored.bytes_per_weight * (1 - kept) + plain * kept
    saved = sum(
        parts[part] * share * (plain - FORMATS[each].bytes_per_weight) for part, each, share in model.layout.mixed
    )
    return plain - saved / total


def weights_bytes(model: Architecture, engine: EngineConfig) -> int:
    """Bytes of all weights over all GPUs of a replica, replicated parts counted as often as they exist."""
    return weights_bytes_per_gpu(model, engine) * engine.world_size


def checkpoint_bytes(model: Architecture, engine: EngineConfig) -> int:
    """Bytes of the weight files: what is downloaded and read."""
    name = weight_format(model, engine)[0]
    large = model.routed_expert_parameters if name == "mxfp4" else model.linear_parameters
    rest = model.parameters - large
    plain = model.file_bytes_per_weight
    if name == "none":
        return plain * model.parameters
    return round(large * large_bytes(model, engine, plain)) + plain * rest


def weights_bytes_per_gpu(model: Architecture, engine: EngineConfig) -> int:
    """Bytes of weights on the fullest GPU of a replica."""
    name = weight_format(model, engine)[0]
    tensor = engine.tensor_parallel
    split, replicated = _large_matrices(model, tensor)
    if name == "mxfp4":
        experts = _mxfp4_expert_bytes(model, engine)
        large = experts + 2 * (_not_mxfp4(model) / tensor + replicated)
    else:
        large = large_bytes(model, engine) * (split / tensor + replicated)
    small = 2 * (_small_split(model) / tensor + _small_replicated(model))
    stage = _fullest_stage(model, large + small, engine)
    return ceil(stage + rotary_cache_bytes(model) + _rounding_bytes(model, engine))


def _fullest_stage(model: Architecture, layers_bytes: float, engine: EngineConfig) -> float:
    """The first stage holds the embedding, the last the head (which has a copy of a tied embedding)."""
    stages = stage_layers(model.layers, engine.pipeline_parallel)
    embedding = 2 * model.embedding_parameters / engine.tensor_parallel
    head = 2 * model.lm_head_parameters / engine.tensor_parallel
    if len(stages) > 1 and model.tied_embeddings:
        head = embedding
    last = len(stages) - 1
    # Every stage has the whole table of each layer's inputs (gemma4.py of vLLM 0.32).
    table = 2 * model.per_layer.table / engine.tensor_parallel if model.per_layer else 0
    return table + max(
        layers_bytes * count / model.layers + (embedding if i == 0 else 0) + (head if i == last else 0)
        for i, count in enumerate(stages)
    )


def stage_layers(layers: int, stages: int) -> list[int]:
    """Layers of each pipeline stage: what does not divide goes to the stages before the last, back to front
    (distributed/utils.py, get_pp_indices, of vLLM 0.33)."""
    each, rest = divmod(layers, stages)
    counts = [each] * stages
    for back in range(2, rest + 2):
        counts[-back] += 1
    return counts


def rotary_cache_bytes(model: Architecture) -> int:
    """The tables of cosines and sines that vLLM keeps per model: 16 bit, one row per position."""
    return model.rotary_tables * model.max_position_embeddings * (model.rotary_dim or model.head_dim) * 2


def _large_matrices(model: Architecture, tensor: int) -> tuple[int, int]:
    """Parameters of large matrices that tensor parallelism splits, and those every GPU holds whole."""
    replicated = 0
    if model.latent is not None:
        compressed = (model.latent.q_lora_rank or 0) + model.latent.kv_lora_rank + model.latent.rope_dim
        replicated = model.attention_layers * model.hidden_size * compressed + model.index_query_parameters
    for group in model.attention:
        if model.latent is None and group.kv_heads < tensor:
            one = group.layers * model.hidden_size * group.kept_dim
            replicated += one
            # Each GPU holds one whole head where there are more GPUs than heads.
            replicated -= one * group.kv_heads // tensor
    return model.linear_parameters - (replicated if model.latent is not None else 0), replicated


def _not_mxfp4(model: Architecture) -> int:
    """Large matrices that MXFP4 checkpoints keep in 16 bit: everything but the routed experts."""
    return model.linear_parameters - model.routed_expert_parameters


def _small_split(model: Architecture) -> float:
    recurrent = model.recurrent
    small = recurrent.layers * (recurrent.parameters - recurrent.quantizable) if recurrent else 0
    return small + model.vision_parameters


def _small_replicated(model: Architecture) -> float:
    return model.other_parameters - _small_split(model) - (model.per_layer.table if model.per_layer else 0)


def _mxfp4_expert_bytes(model: Architecture, engine: EngineConfig) -> float:
    """Routed experts with the padding of the Marlin kernel: hidden to 256, inner width per GPU to 128."""
    if model.experts is None:
        return 0
    hidden = ceil(model.hidden_size / 256) * 256
    inner = ceil(ceil(model.experts.intermediate_size / engine.tensor_parallel) / 128) * 128
    count = model.experts.layers * model.experts.experts
    return count * model.mlp_matrices * hidden * inner * FORMATS["mxfp4"].bytes_per_weight


def _rounding_bytes(model: Architecture, engine: EngineConfig) -> float:
    """What the allocator adds to the matrices of all layers of one GPU."""
    name, stored = weight_format(model, engine)
    width = stored.weight_bits / 8 if name != "mxfp4" else 2
    tensor, hidden = engine.tensor_parallel, model.hidden_size
    total = 0.0
    for group in model.attention:
        if model.latent is not None:
            continue
        queries = (group.heads or model.attention_heads) * group.head_dim // tensor
        keys_values = max(1, group.kv_heads // tensor) * group.kept_dim
        total += group.layers * (_waste((queries + keys_values) * hidden * width) + _waste(queries * hidden * width))
    inner = model.intermediate_size // tensor
    both = (model.mlp_matrices - 1) * inner
    total += model.dense_mlp_layers * (_waste(both * hidden * width) + _waste(inner * hidden * width))
    return (total + _small_block_rounding(model, engine, stored)) / engine.pipeline_parallel


def _small_block_rounding(model: Architecture, engine: EngineConfig, stored: WeightFormat) -> float:
    """Quantized builds have matrices and scales of 1 to 10 MiB, cut out of shared segments with a rest of up to 1 MiB.

    Logs of AWQ builds show all of it since vLLM 0.28 repacks while loading, about a quarter before.
    """
    if stored.overhead_bits * 100 < stored.weight_bits or model.latent is not None:
        return 0
    blocks = 0
    queries = model.attention_heads * model.head_dim
    keys_values = sum(2 * g.kv_heads * g.head_dim * g.layers for g in model.attention) // max(1, model.attention_layers)
    inner = model.intermediate_size
    shapes = [(queries + keys_values, model.attention_layers), (queries, model.attention_layers)]
    shapes += [((model.mlp_matrices - 1) * inner, model.dense_mlp_layers), (inner, model.dense_mlp_layers)]
    for width, layers in shapes:
        weights = width * model.hidden_size / engine.tensor_parallel
        for size in (weights * stored.weight_bits / 8, weights * stored.overhead_bits / 8):
            blocks += layers if MIB < size < _LARGE_BLOCK_BYTES else 0
    repacked = weight_format(model, engine)[0] in ("awq", "gptq") and engine.version >= (0, 28)
    return blocks * _UNSPLIT_BYTES * (1 if repacked else 0.25)


def _waste(size: float) -> float:
    """Bytes the allocator counts beyond a block of that size."""
    if size < _LARGE_BLOCK_BYTES:
        return 0
    rest = -size % _ROUND_BYTES
    return rest if rest <= _UNSPLIT_BYTES else 0
