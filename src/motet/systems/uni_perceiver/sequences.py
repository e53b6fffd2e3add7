"""Token sequences on their way through the encoder: the kinds of their tokens, and which may attend to which."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.systems.uni_perceiver.token_kinds import TokenKind


@dataclass(frozen=True)
class Span:
    """A number of consecutive tokens of one kind."""

    count: int
    kind: TokenKind


@dataclass(frozen=True)
class TokenSequences:
    """A batch of embedded sequences that consist of the same spans.

    Args:
        x: embedded tokens, after the norm.
        spans: the kinds of the tokens, from the first on.
        valid: True on real tokens, False on padding; None: all are real.
        attention_mask: True where a token (row) may attend to another (column); None: to every valid one.
        prefix_length: number of tokens, from the first on, that all others may attend to. Contexts are pooled over
            these alone, so that no word has information about later words. None: all tokens.
    """

    x: Float[Tensor, "b n d"]
    spans: tuple[Span, ...]
    valid: Bool[Tensor, "b n"] | None = None
    attention_mask: Bool[Tensor, "n n"] | None = None
    prefix_length: int | None = None

    def key_mask(self) -> Bool[Tensor, "#b 1 #m n"] | None:
        """Returns which tokens each token attends to; None: all to all.

        Under an attention mask a token always attends to itself, so that no softmax is over nothing.
        """
        if self.valid is None:
            return None if self.attention_mask is None else self.attention_mask[None, None]
        keys = self.valid[:, None, None, :]
        if self.attention_mask is None:
            return keys
        itself = torch.eye(self.x.shape[1], dtype=torch.bool, device=self.x.device)
        return (keys & self.attention_mask) | itself

    def context_mask(self) -> Bool[Tensor, "b n"] | None:
        """Returns the tokens that contexts are pooled over; None: all."""
        if self.prefix_length is None or self.prefix_length == self.x.shape[1]:
            return self.valid
        prefix = torch.arange(self.x.shape[1], device=self.x.device) < self.prefix_length
        return prefix.expand(len(self.x), -1) if self.valid is None else self.valid & prefix

    def next_position(self) -> Int[Tensor, "b"] | None:
        """Returns the position of the first word generated behind each row's input text; None: there is none."""
        if self.valid is None:
            return None
        # The special token is part of the only span where a sequence has no image; it has no position.
        length = self.spans[-1].count - (len(self.spans) == 1)
        return self.valid[:, -length:].sum(1)


def generation_mask(prefix_length: int, num_words: int) -> Bool[Tensor, "n n"]:
    """Returns which token attends to which in a prefix, then a text, then as many special tokens that predict it.

    The prefix attends to itself alone; word i to the prefix and the words up to i; special token i to the prefix, the
    words before i, and itself. So special token i predicts word i.

    Source: the official code, `unified_bert_encoder.py`.

    Examples:
        >>> generation_mask(1, 2).int().tolist()
        [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 1, 0, 0, 1]]
    """
    words = torch.ones(num_words, num_words, dtype=torch.bool)
    specials = torch.cat([words.tril(-1), torch.eye(num_words, dtype=torch.bool)], 1)
    text = torch.cat([F.pad(words.tril(), (0, num_words)), specials])
    prefix = torch.ones(prefix_length + 2 * num_words, prefix_length, dtype=torch.bool)
    return torch.cat([prefix, F.pad(text, (0, 0, prefix_length, 0))], 1)
