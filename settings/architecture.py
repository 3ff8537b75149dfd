"""The shape of a model that our table does not have: its config.json pasted, or the figures one by one."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from settings.findings import WrongValue
from settings.types import Section, described

Stored = Literal["none", "fp8", "awq", "gptq", "int8", "mxfp4", "nvfp4", "bitsandbytes"]
_PARAMETERS = "parameters of all weights, as the model page says; default: what the shape gives"


class PastedConfig(Section):
    """The model's config.json from its page on Hugging Face, as it is (JSON is YAML)."""

    kind: Literal["config"] = "config"
    config: dict[str, Any] = described("content of config.json", min_length=1, max_length=1000)
    parameters: int | None = described(_PARAMETERS, default=None, ge=1_000_000, le=10**13)


class SlidingWindow(Section):
    """Layers that look back only so far."""

    layers: int = described("how many of the layers", ge=1, le=1000)
    tokens: int = described("how far they look back, tokens", ge=1, le=10_485_760)


class LatentAttentionShape(Section):
    """Multi-head latent attention (DeepSeek): names as in config.json."""

    kv_lora_rank: int = described("width of the compressed keys and values", ge=1, le=65536)
    rope_dim: int = described("qk_rope_head_dim", ge=0, le=4096)
    nope_dim: int = described("qk_nope_head_dim", ge=1, le=4096)
    value_dim: int = described("v_head_dim", ge=1, le=4096)
    query_lora_rank: int | None = described("q_lora_rank, where there is one", default=None, ge=1, le=65536)


class ExpertsShape(Section):
    """A mixture of experts."""

    experts: int = described("routed experts of a layer", ge=2, le=4096)
    per_token: int = described("of them for each token", ge=1, le=4096)
    intermediate_size: int = described("hidden width of one expert", ge=1, le=1_000_000)
    shared_intermediate_size: int = described("width of the experts every token passes", default=0, ge=0, le=1_000_000)
    dense_layers: int = described("layers without experts", default=0, ge=0, le=1000)

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        if self.per_token > self.experts:
            raise WrongValue(
                f"perToken {self.per_token} is more than the {self.experts} experts there are",
                f"write {self.experts} or less",
            )
        return self


COPY = "copy it from config.json"


class DescribedShape(Section):
    """The figures of a transformer that its memory and speed depend on."""

    kind: Literal["shape"] = "shape"
    layers: int = described("num_hidden_layers", ge=1, le=1000)
    hidden_size: int = described("hidden_size", ge=1, le=1_000_000)
    attention_heads: int = described("num_attention_heads", ge=1, le=4096)
    kv_heads: int | None = described(
        "num_key_value_heads; default: as many as attention heads", default=None, ge=1, le=4096
    )
    head_dim: int | None = described(
        "head_dim; default: hiddenSize divided by attentionHeads", default=None, ge=1, le=4096
    )
    intermediate_size: int = described("width of the MLP (of the layers without experts)", ge=1, le=1_000_000)
    vocab_size: int = described("vocab_size", ge=1, le=10_000_000)
    max_positions: int = described("max_position_embeddings", default=32768, ge=1, le=10_485_760)
    tied_embeddings: bool = described("output projection and embedding are one matrix", default=False)
    gated_mlp: bool = described("three matrices in an MLP (SwiGLU), not two", default=True)
    sliding_window: SlidingWindow | None = described("layers that look back only so far", default=None)
    latent_attention: LatentAttentionShape | None = described("MLA, as DeepSeek has it", default=None)
    experts: ExpertsShape | None = described("mixture of experts", default=None)
    quantization: Stored = described("how the repository stores the weights; none is 16 bit", default="none")
    parameters: int | None = described(_PARAMETERS, default=None, ge=1_000_000, le=10**13)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        problems = []
        if self.head_dim is None and self.hidden_size % self.attention_heads:
            problems.append(
                (
                    f"hiddenSize {self.hidden_size} is no multiple of attentionHeads {self.attention_heads}",
                    "write headDim",
                )
            )
        if self.kv_heads is not None and self.attention_heads % self.kv_heads:
            problems.append((f"kvHeads {self.kv_heads} does not divide attentionHeads {self.attention_heads}", COPY))
        window, experts = self.sliding_window, self.experts
        if window is not None and window.layers > self.layers:
            problems.append(
                (f"slidingWindow.layers {window.layers} is more than the {self.layers} layers there are", COPY)
            )
        if experts is not None and experts.dense_layers >= self.layers:
            problems.append(
                (f"experts.denseLayers {experts.dense_layers} leaves none of {self.layers} layers experts", COPY)
            )
        if window is not None and self.latent_attention is not None:
            problems.append(("slidingWindow and latentAttention: a layer has one kind of cache", "keep one"))
        if problems:
            raise WrongValue(*problems[0], *problems[1:])
        return self


def _kind(value: Any) -> Any:
    """`config:` says which it is."""
    if not isinstance(value, dict) or "kind" in value:
        return value
    return {"kind": "config" if "config" in value else "shape", **value}


ModelArchitecture = Annotated[PastedConfig | DescribedShape, Field(discriminator="kind"), BeforeValidator(_kind)]
