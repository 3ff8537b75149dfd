"""Token counts and texts of the simulated engine. Nothing is understood or generated: words of a fixed answer."""

from __future__ import annotations

from typing import Any

BYTES_PER_TOKEN = 4  # common rule of thumb for English with a 100k vocabulary; token ids are counted exactly
FILLER = ("Simulated", "tokens", "go", "on", "until", "the", "requested", "length", "is", "reached.")
CHAT_TEMPLATE_TOKENS = 4  # role and turn markers around a message, as in the Llama 3 and Qwen templates


def prompt_tokens(prompt: str | list[int]) -> int:
    """Tokens of one prompt: the length of a list of ids, an estimate for text; at least 1."""
    if isinstance(prompt, list):
        return max(1, len(prompt))
    return max(1, -(-len(prompt.encode()) // BYTES_PER_TOKEN))


def message_text(content: Any) -> str:
    """The text of a chat message's content: a string, or parts of which only those of type text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def chat_tokens(messages: list[dict[str, Any]]) -> int:
    """Tokens of a conversation with its template."""
    return sum(prompt_tokens(message_text(m.get("content"))) + CHAT_TEMPLATE_TOKENS for m in messages) + 3


def content(prompt: str | list[int]) -> bytes:
    """Four bytes for each token of a prompt, the same for the same token."""
    if isinstance(prompt, list):
        return b"".join((number & 0xFFFFFFFF).to_bytes(BYTES_PER_TOKEN, "little") for number in prompt)
    encoded = prompt.encode()
    return encoded.ljust(-(-len(encoded) // BYTES_PER_TOKEN) * BYTES_PER_TOKEN, b"\0")


def chat_content(messages: list[dict[str, Any]]) -> bytes:
    """The same of a conversation: each message after its role, which stands for the template's tokens around it."""
    size = CHAT_TEMPLATE_TOKENS * BYTES_PER_TOKEN
    return b"".join(
        str(message.get("role", "")).encode()[:size].ljust(size, b"\0") + content(message_text(message.get("content")))
        for message in messages
    )


class GeneratedAnswer:
    """The words of one answer; word i is token i. Ends of its own accord after `natural_tokens`."""

    def __init__(self, model: str, pod: str, prompt_token_count: int) -> None:
        self._words = (
            f"Simulated answer: no model ran. The simulated vLLM engine of pod {pod} took "
            f"{prompt_token_count} prompt tokens for {model} and counts these words as the tokens of its answer."
        ).split()

    @property
    def natural_tokens(self) -> int:
        return len(self._words)

    def piece(self, start: int, stop: int) -> str:
        """The text of tokens `start` to `stop`, with the spaces that join it to what came before."""
        return "".join((" " if i else "") + self._word(i) for i in range(start, stop))

    def _word(self, i: int) -> str:
        if i < len(self._words):
            return self._words[i]
        return FILLER[(i - len(self._words)) % len(FILLER)]
