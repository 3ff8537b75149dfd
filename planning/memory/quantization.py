"""How weights are stored: what the source holds and what vLLM is told."""

from __future__ import annotations

from dataclasses import dataclass

from planning.facts import rows
from planning.findings import Findings
from planning.versions import vllm_versions
from planning.versions.vllm_versions import Version, text

# Methods vLLM can apply to 16-bit weights while it loads them, best first; the first that the version has is used.
# `--quantization fp8` stopped doing that: Fp8Config of 0.33 says to write fp8_per_tensor.
_ONLINE = {
    "fp8": ("fp8_per_tensor", "fp8"),
    "int8": ("int8_per_channel_weight_only",),
    "bitsandbytes": ("bitsandbytes",),
}


@dataclass(frozen=True)
class Weights:
    """`stored`: what the repository holds (`none` is 16 bit). `flag`: value of --quantization, None to leave it out
    because the checkpoint says it itself. `online`: vLLM quantizes while loading.
    """

    stored: str
    flag: str | None
    online: bool


@dataclass(frozen=True)
class Source:
    """What a repository holds: its id, the format of its weights, and whether that is known and not guessed."""

    model_id: str
    stored: str
    certain: bool


def online_method(word: str, version: Version) -> str | None:
    """The method by which that version quantizes 16-bit weights while it loads them; None where it has none."""
    known = vllm_versions.names("quantization", version)
    return next((method for method in _ONLINE.get(word, ()) if method in known), None)


def plan_weights(word: str, source: Source, version: Version, where: str, findings: Findings) -> Weights:
    """How vLLM gets the wanted quantization (`none`: as it is stored) from the source; `where`: the user wrote it."""
    stored = source.stored
    if word in ("none", stored):
        return Weights(stored, None, online=False)
    online = online_method(word, version)
    if stored == "none" and online is not None:
        return Weights(stored, online, online=True)
    refuse = findings.error if source.certain or stored != "none" else findings.warning
    if stored != "none":
        refuse(
            where,
            "quantization-mismatch",
            f"{word}, but {source.model_id} holds {stored} weights",
            f"write quantization: {stored} or choose another source",
        )
    elif word in _ONLINE:
        refuse(
            where,
            "quantization-version",
            f"vLLM {text(version)} has no {word} for 16-bit weights",
            f"write fp8, or choose a source that holds {word} weights",
        )
    else:
        refuse(
            where,
            "quantization-mismatch",
            f"{word} needs weights that are stored so, and {source.model_id} does not look like it",
            f"{_build_of(source.model_id, word)} or write quantization: fp8",
        )
    return Weights(word, None, online=False)


def _build_of(model_id: str, word: str) -> str:
    """Which repository to write instead, where one is known."""
    for row in rows("quantized_siblings.csv"):
        if (row["source"], row["method"]) == (model_id, word):
            return f"write source: {row['repository']} with its own revision,"
    return f"choose a source with {word} weights (its id usually says it)"
