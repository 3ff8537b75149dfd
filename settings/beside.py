"""What a server loads beside its model: LoRA adapters, a draft model, a chat template of the user's own."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.architecture import ModelArchitecture
from settings.findings import WrongValue
from settings.matching import Matching
from settings.types import HuggingFaceId, Revision, Section, described

AdapterName = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Matching(
        r"[A-Za-z0-9][\w.:/-]*",
        "not an adapter's name",
        "write letters, digits, '-', '_', '.', ':' and '/' (vLLM splits at '=' and ',')",
    ),
]
# As vLLM keeps them (config/lora.py, MaxLoRARanks): a rank takes the next larger slot.
LARGEST_RANK = 512
LONGEST_TEMPLATE = 256 * 1024
# transformers' own tag (utils/chat_template_utils.py, AssistantTracker); jinja2 alone does not know it.
_GENERATION = re.compile(r"\{%[-+]?\s*(end)?generation\s*[-+]?%\}")
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _template(text: str) -> str:
    from jinja2 import TemplateSyntaxError, meta  # only stacks with a template pay for it
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if "{{" not in text and "{%" not in text:
        raise WrongValue(
            "not a Jinja template: it holds no {{ and no {%",
            "write its text (chatTemplate: | and the lines), not the name of a file",
        )
    if _HIDDEN.search(text):
        raise WrongValue("holds a control character", "write visible characters, blanks and line breaks only")
    # As transformers does (utils/chat_template_utils.py, _compile_jinja_template).
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    try:
        parsed = environment.parse(_GENERATION.sub("", text))
    except TemplateSyntaxError as problem:
        raise WrongValue(
            f"not a Jinja template, line {problem.lineno}: {problem.message}", "write one that Jinja reads"
        ) from None
    if "messages" not in meta.find_undeclared_variables(parsed):
        raise WrongValue("never reads messages, so no prompt would reach the model", "write a template that does")
    return text


ChatTemplate = Annotated[str, Field(min_length=1, max_length=LONGEST_TEMPLATE), AfterValidator(_template)]
"""The text of a Jinja template that makes a prompt of `messages`."""


class LoraAdapter(Section):
    """A LoRA adapter that clients ask for by its name."""

    name: AdapterName = described("name clients use")
    source: HuggingFaceId = described("Hugging Face id of the adapter's repository")
    revision: Revision = described("commit id of that repository")
    rank: int = described("r in its adapter_config.json, or more", default=16, ge=1, le=LARGEST_RANK)


class DraftMethod(StrEnum):
    """How the draft is made, in vLLM's words (config/speculative.py)."""

    DRAFT_MODEL = "draft_model"
    EAGLE = "eagle"
    EAGLE3 = "eagle3"
    MEDUSA = "medusa"
    MLP_SPECULATOR = "mlp_speculator"


class DraftModel(Section):
    """A small model, or a head, that drafts tokens which the model checks (speculative decoding)."""

    source: HuggingFaceId = described("Hugging Face id of the draft model")
    revision: Revision = described("commit id of that repository")
    num_speculative_tokens: int = described("tokens drafted at a time", ge=1, le=64)
    method: DraftMethod = described("a model of its own, or heads made for this model", default=DraftMethod.DRAFT_MODEL)
    architecture: ModelArchitecture | None = described(
        "shape of a draft model that our table does not have", default=None
    )
