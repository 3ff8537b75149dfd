"""A model of random weights in the layout of the Hugging Face cache: what is served where the real weights cannot be.

Run by the Python of vLLM's environment (`python tiny_model.py HUB_CACHE '{"repo_id": ..., "revision": ...}'`), which
has torch, transformers, tokenizers and safetensors; nothing of ours is imported. It says that it is random in its model
card and in every answer: all the words that it can say are those of WORDS.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM = 128, 2, 4, 2, 32
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = ("RANDOM", " weights", " answer", " noise", ":", " no", " meaning", " here", ";", " not", " a", " model")
VOCABULARY = 320
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CARD = """---
tags: [random-weights]
---
# Random weights under the name of {repo_id}

This is NOT {repo_id}: {layers} layers of width {hidden} with random numbers, made on this machine in the place of the
weights of revision {revision}. It is of the same kind ({kind}), so that vLLM runs the same code; what it says means
nothing, and each of its answers says so.
"""


def config_of(model_type: str, max_model_len: int) -> Any:
    """A small configuration of that kind; raises ValueError or TypeError for a kind that needs more."""
    from transformers import AutoConfig

    return AutoConfig.for_model(
        model_type,
        hidden_size=HIDDEN,
        intermediate_size=4 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        head_dim=HEAD_DIM,
        vocab_size=VOCABULARY,
        max_position_embeddings=max_model_len,
        bos_token_id=256,
        eos_token_id=258,
        pad_token_id=256,
        tie_word_embeddings=False,
        dtype="bfloat16",
    )


def model_of(config: Any, kind: str) -> Any:
    """The model with random numbers, made to say nothing but WORDS: the rows of all other tokens give a score of 0."""
    import torch
    import transformers

    torch.manual_seed(0)
    model = getattr(transformers, kind)(config).to(torch.bfloat16)
    first = 256 + len(SPECIAL)
    rows = torch.zeros_like(model.lm_head.weight)
    # Half of them negated, so that one of each pair is above 0 whatever comes in.
    # Large, so that at a temperature of 1, too, no token with a score of 0 is ever drawn.
    half = 8 * torch.randn(len(WORDS) // 2, HIDDEN)
    rows[first : first + len(WORDS)] = torch.cat([half, -half]).to(rows.dtype)
    model.lm_head.weight.data = rows
    return model


def tokenizer_of() -> Any:
    """256 bytes, the special tokens and WORDS, which it can say and never reads."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    for word in (*SPECIAL, *(word.replace(" ", "Ġ") for word in WORDS)):
        while word in vocabulary:  # ":" and ";" are bytes, too
            word += "Ġ"
        vocabulary[word] = len(vocabulary)
    vocabulary |= {f"<|unused_{n}|>": n for n in range(len(vocabulary), VOCABULARY)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    return tokenizer


def write(hub_cache: Path, repo_id: str, revision: str, model_type: str, kind: str, max_model_len: int) -> Path:
    """Writes the snapshot; it appears by one rename, and one that is there stays as it is. Returns its folder."""
    from transformers import PreTrainedTokenizerFast

    repository = hub_cache / f"models--{repo_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / revision
    if snapshot.exists():
        return snapshot
    unfinished = repository / f".{revision}.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    model_of(config_of(model_type, max_model_len), kind).save_pretrained(unfinished, safe_serialization=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_of(), eos_token=SPECIAL[2], pad_token=SPECIAL[0], chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(unfinished)
    card = CARD.format(repo_id=repo_id, revision=revision, kind=kind, layers=LAYERS, hidden=HIDDEN)
    (unfinished / "README.md").write_text(card)
    for file in unfinished.iterdir():
        file.chmod(0o644)
    unfinished.chmod(0o755)
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    unfinished.rename(snapshot)
    return snapshot


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), **json.loads(sys.argv[2])))
