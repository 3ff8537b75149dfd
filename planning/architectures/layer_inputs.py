"""What each layer of Gemma 4's E models takes beside the hidden state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PerLayerInput:
    """Each of `layers` layers takes `width` numbers per token, from a table of `vocab` rows (Gemma 4's E models)."""

    layers: int
    width: int
    vocab: int

    @property
    def table(self) -> int:
        """The table's numbers, of which a token reads one row."""
        return self.vocab * self.token_elements

    @property
    def token_elements(self) -> int:
        """Numbers that one token takes in all layers."""
        return self.layers * self.width

    def projections(self, hidden: int) -> int:
        """Of the hidden state for all layers, then in each layer a gate, a projection and two norms."""
        return 3 * hidden * self.token_elements + self.layers * hidden + self.width
