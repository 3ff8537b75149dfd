"""The JSON around a simulated engine's texts: whole answers and chunks of a stream, for both endpoints."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from local.engine import text
from local.engine.protocol import Prompt


@dataclass
class Choice:
    """One answer under way: `sent` tokens of it are with the client."""

    index: int
    prompt: Prompt
    answer: text.GeneratedAnswer
    output_tokens: int
    finish_reason: str
    sent: int = 0


class Envelope:
    """The objects around the texts: whole answers and chunks of both endpoints."""

    def __init__(self, model: str, prompts: list[Prompt], *, chat: bool) -> None:
        self.chat = chat
        self.prompt_tokens = sum(prompt.tokens for prompt in prompts)
        self._common = {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{uuid.uuid4().hex}",
            "object": "chat.completion" if self.chat else "text_completion",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": "simulated",
        }

    def usage(self, choices: list[Choice]) -> dict[str, Any]:
        completion = sum(choice.sent for choice in choices)
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + completion,
            "completion_tokens": completion,
            "prompt_tokens_details": None,
        }

    def whole(self, choices: list[Choice]) -> dict[str, Any]:
        """The answer that is not streamed."""
        listed = []
        for choice in choices:
            words = choice.answer.piece(0, choice.sent)
            content = {"message": {"role": "assistant", "content": words}} if self.chat else {"text": words}
            end = {"logprobs": None, "finish_reason": choice.finish_reason, "stop_reason": None}
            listed.append({"index": choice.index, **content, **end})
        return {**self._common, "choices": listed, "usage": self.usage(choices)}

    def chunk(self, choice: Choice | None, delta: dict[str, Any] | str | None, usage: dict[str, Any] | None) -> bytes:
        """One server-sent event; without a choice it carries only the usage."""
        value = dict(self._common)
        if self.chat:
            value["object"] = "chat.completion.chunk"
        choices: list[dict[str, Any]] = []
        if choice is not None:
            done = choice.sent == choice.output_tokens or choice.finish_reason == "abort"
            if self.chat and delta and "role" in delta:
                done = False
            content = {"delta": delta} if self.chat else {"text": delta}
            reason = choice.finish_reason if done else None
            choices = [{"index": choice.index, **content, "logprobs": None, "finish_reason": reason}]
        body = {**value, "choices": choices} | ({"usage": usage} if usage else {})
        return f"data: {json.dumps(body)}\n\n".encode()
