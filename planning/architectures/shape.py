"""The shape of a transformer as the memory and speed of serving it depend on it, and its parameter counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planning.architectures.layer_inputs import PerLayerInput
from planning.architectures.layout import SIXTEEN_BIT, QuantizationLayout
from planning.architectures.vision import VisionShape


@dataclass(frozen=True)
class AttentionLayers:
    """`layers` layers whose KV cache grows with the sequence, up to `window` tokens where there is one.

    `value_dim` where values are of another size than keys, `heads` where a kind of layer has its own query heads.
    `readers`: so many layers more read the same keys and values and have none of their own.
    """

    layers: int
    kv_heads: int
    head_dim: int
    window: int | None = None
    shared_key_value: bool = False
    value_dim: int | None = None
    heads: int | None = None
    readers: int = 0

    @property
    def kept_dim(self) -> int:
        """Elements that a token keeps per KV head: its key and its value."""
        return self.head_dim + (self.value_dim or self.head_dim)


@dataclass(frozen=True)
class Indexer:
    """DeepSeek's sparse attention: in `layers` layers a key per token by which old tokens are chosen."""

    layers: int
    heads: int
    head_dim: int

    @property
    def bytes_per_token(self) -> int:
        """8-bit keys with a 32-bit scale per 128 (deepseek_v2.py of vLLM 0.33, Indexer), in any KV-cache format."""
        return self.layers * (self.head_dim + self.head_dim // 128 * 4)


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek): one compressed vector per token and layer, the same on every GPU."""

    kv_lora_rank: int
    rope_dim: int
    nope_dim: int
    value_dim: int
    q_lora_rank: int | None = None


@dataclass(frozen=True)
class RecurrentLayers:
    """Linear-attention or Mamba layers: a state of constant size per sequence.

    `state_elements` in `state_dtype_bytes` and `convolution_elements` in the model's dtype, per layer and sequence;
    `parameters` per layer, of which `quantizable` sit in large matrices.
    """

    layers: int
    state_elements: int
    convolution_elements: int
    parameters: int
    quantizable: int
    state_dtype_bytes: int = 4


@dataclass(frozen=True)
class Experts:
    """Mixture of experts in `layers` layers; widths are of one expert's hidden layer.

    `latent_size`: the routed experts see so wide a projection of the hidden state; 0: the hidden state itself.
    """

    layers: int
    experts: int
    per_token: int
    intermediate_size: int
    shared_intermediate_size: int = 0
    latent_size: int = 0


@dataclass(frozen=True)
class Architecture:
    """A model's shape; sizes in elements, not bytes.

    `attention` lists groups of layers by cache shape. `dense_mlp_layers` counts layers with a dense MLP of
    `intermediate_size`. `native_quantization` is how the checkpoint stores its weights (`none`: 16 bit).
    `layout`: in which groups or blocks, and which parts are not.
    `file_bytes_per_weight` of those that are not quantized: 4 in repositories that keep what training wrote.
    `rotary_tables`: 2 where local and global layers rotate differently.
    `vision`: what a config.json says of the tower (planning/architectures/vision.py has each family's).
    """

    model_id: str
    family: str
    layers: int
    hidden_size: int
    attention_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    attention: tuple[AttentionLayers, ...]
    intermediate_size: int = 0
    dense_mlp_layers: int = 0
    gated_mlp: bool = True
    attention_bias: str = "none"
    output_gate: bool = False
    tied_embeddings: bool = False
    rotary_dim: int | None = None
    rotary_tables: int = 1
    latent: LatentAttention | None = None
    indexer: Indexer | None = None
    experts: Experts | None = None
    recurrent: RecurrentLayers | None = None
    per_layer: PerLayerInput | None = None
    vision_parameters: int = 0
    vision: VisionShape | None = None
    sound_parameters: int = 0
    extra_parameters: int = 0
    native_quantization: str = "none"
    layout: QuantizationLayout = SIXTEEN_BIT
    native_dtype: str = "bfloat16"
    file_bytes_per_weight: int = 2
    gated: bool = False
    license: str = ""
    source: str = ""

    @property
    def text_only(self) -> Architecture:
        """As vLLM loads it with `--language-model-only`: no tower, nothing to profile it with."""
        return replace(self, vision_parameters=0, vision=None, sound_parameters=0)

    @property
    def embedding_parameters(self) -> int:
        """Token embedding; always 16 bit."""
        return self.vocab_size * self.hidden_size

    @property
    def lm_head_parameters(self) -> int:
        """Output projection of its own; none where it is tied to the embedding."""
        return 0 if self.tied_embeddings else self.vocab_size * self.hidden_size

    @property
    def attention_parameters(self) -> int:
        """Projections of all attention layers, without biases."""
        if self.latent is not None:
            return self.attention_layers * _latent_projections(self, self.latent) + self.index_query_parameters
        query_and_gate = 2 if self.output_gate else 1
        total = 0
        for group in self.attention:
            heads = group.heads or self.attention_heads
            query = self.hidden_size * heads * group.head_dim * query_and_gate
            output = self.hidden_size * heads * (group.value_dim or group.head_dim)
            kept = group.head_dim if group.shared_key_value else group.kept_dim
            total += group.layers * (query + output + self.hidden_size * group.kv_heads * kept)
            total += group.readers * (query + output)
        return total

    @property
    def dense_mlp_parameters(self) -> int:
        """MLPs that every token passes, without biases."""
        return self.dense_mlp_layers * self.mlp_matrices * self.hidden_size * self.intermediate_size

    @property
    def routed_expert_parameters(self) -> int:
        """All routed experts of all layers, without biases."""
        if self.experts is None:
            return 0
        seen = self.experts.latent_size or self.hidden_size
        return self.experts.layers * self.experts.experts * self.mlp_matrices * seen * self.experts.intermediate_size

    @property
    def shared_expert_parameters(self) -> int:
        """Experts that every token passes, and the projections before and after latent ones."""
        if self.experts is None:
            return 0
        shared = self.mlp_matrices * self.experts.shared_intermediate_size + 2 * self.experts.latent_size
        return self.experts.layers * self.hidden_size * shared

    @property
    def mlp_matrices(self) -> int:
        """Matrices of one MLP: gate, up and down, or up and down."""
        return 3 if self.gated_mlp else 2

    @property
    def linear_parameters(self) -> int:
        """What a quantization method stores in fewer bits: all large matrices but embedding, head and router."""
        return sum(self.linear_parts.values())

    @property
    def linear_parts(self) -> dict[str, int]:
        """`linear_parameters` by the parts that a checkpoint may store in different ways (layout.PARTS)."""
        return {
            "attention": self.attention_parameters,
            "dense": self.dense_mlp_parameters,
            "routed": self.routed_expert_parameters,
            "shared": self.shared_expert_parameters,
            "recurrent": self.recurrent.layers * self.recurrent.quantizable if self.recurrent else 0,
        }

    @property
    def index_query_parameters(self) -> int:
        """The large matrices of sparse attention's indexers, the same on every GPU."""
        if self.indexer is None or self.latent is None:
            return 0
        return self.indexer.layers * (self.latent.q_lora_rank or 0) * self.indexer.heads * self.indexer.head_dim

    @property
    def other_parameters(self) -> int:
        """Norms, biases, routers, small recurrent weights, towers, layers' inputs and extra heads: always 16 bit."""
        small = (
            self.recurrent.layers * (self.recurrent.parameters - self.recurrent.quantizable) if self.recurrent else 0
        )
        router = self.experts.layers * self.experts.experts * self.hidden_size if self.experts else 0
        norms = (2 * self.layers + 1) * self.hidden_size
        rest = _biases(self) + _index_keys(self) + self.idle_parameters
        if self.per_layer is not None:
            rest += self.per_layer.projections(self.hidden_size)
        return small + router + norms + rest

    @property
    def idle_parameters(self) -> int:
        """Those that no step of generating reads as a whole: towers, extra heads, the table of each layer's inputs."""
        table = self.per_layer.table if self.per_layer else 0
        return self.vision_parameters + self.sound_parameters + self.extra_parameters + table

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.embedding_parameters + self.lm_head_parameters + self.linear_parameters + self.other_parameters

    @property
    def active_parameters(self) -> int:
        """Those one token's forward pass reads: experts only as many as are chosen, no embedding table."""
        idle = 0
        if self.experts is not None:
            idle = round(self.routed_expert_parameters * (1 - self.experts.per_token / self.experts.experts))
        embedding = 0 if self.tied_embeddings else self.embedding_parameters
        return self.parameters - idle - embedding - self.idle_parameters

    @property
    def attention_layers(self) -> int:
        """Layers with a KV cache."""
        return sum(group.layers for group in self.attention)


def _latent_projections(model: Architecture, latent: LatentAttention) -> int:
    head = latent.nope_dim + latent.rope_dim
    heads, hidden = model.attention_heads, model.hidden_size
    if latent.q_lora_rank is None:
        query = hidden * heads * head
    else:
        query = hidden * latent.q_lora_rank + latent.q_lora_rank * heads * head
    down = hidden * (latent.kv_lora_rank + latent.rope_dim)
    up = latent.kv_lora_rank * heads * (latent.nope_dim + latent.value_dim)
    return query + down + up + heads * latent.value_dim * hidden


def _index_keys(model: Architecture) -> int:
    """The indexer's key, weights and norm, which stay 16 bit."""
    if model.indexer is None:
        return 0
    dim, heads = model.indexer.head_dim, model.indexer.heads
    return model.indexer.layers * (model.hidden_size * (dim + heads) + 2 * dim)


def _biases(model: Architecture) -> int:
    if model.attention_bias == "none":
        return 0
    total = 0
    for group in model.attention:
        qkv = (model.attention_heads + 2 * group.kv_heads) * group.head_dim
        total += group.layers * (qkv + (model.hidden_size if model.attention_bias == "all" else 0))
    if model.attention_bias == "all" and model.experts is not None:
        up_and_gate = (model.mlp_matrices - 1) * model.experts.intermediate_size
        total += model.experts.layers * model.experts.experts * (up_and_gate + model.hidden_size)
    return total
