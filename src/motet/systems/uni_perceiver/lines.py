"""Sequences on their way through the encoder: what their tokens are, and which may read which."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from motet.systems.uni_perceiver.attributes import TokenAttributes


@dataclass(frozen=True)
class Kind:
    """What a run of tokens is, as far as routing may ask.

    Args:
        task: whose.
        attributes: what is said of them.
    """

    task: str
    attributes: TokenAttributes

    @property
    def modality(self) -> str:
        """ "visual" or "text"."""
        return "visual" if self.attributes.visual else "text"

    @property
    def name(self) -> str:
        """What tells it from the other kinds of its task."""
        side = "target" if self.attributes.target else "input"
        return f"{self.modality} {side}{' causal' if self.attributes.causal else ''}"


@dataclass(frozen=True)
class Span:
    """So many tokens of one kind, one after the other."""

    count: int
    kind: Kind


@dataclass(frozen=True)
class Line:
    """Sequences of the same make-up, a row each.

    Args:
        x: embedded tokens, after the norm.
        spans: what they are, from the first token on.
        valid: True on real tokens; None for all.
        readable: True where a token (row) may read another (column); None where all valid ones may be read.
        num_open: how many tokens from the first on every other one may read: contexts are summed up over these alone,
            so that no word tells of those behind it.
    """

    x: Float[Tensor, "b n d"]
    spans: tuple[Span, ...]
    valid: Bool[Tensor, "b n"] | None = None
    readable: Bool[Tensor, "n n"] | None = None
    num_open: int | None = None

    def keys(self) -> Bool[Tensor, "b 1 m n"] | None:
        """Which tokens each may read; None for all. A token may always read itself, so that it reads something."""
        if self.valid is None:
            return None if self.readable is None else self.readable[None, None]
        seen = self.valid[:, None, None, :]
        if self.readable is None:
            return seen
        itself = torch.eye(self.x.shape[1], dtype=torch.bool, device=self.x.device)
        return (seen & self.readable) | itself

    def open(self) -> Bool[Tensor, "b n"] | None:
        """The tokens that contexts are summed up over; None for all."""
        if self.num_open is None or self.num_open == self.x.shape[1]:
            return self.valid
        known = torch.arange(self.x.shape[1], device=self.x.device) < self.num_open
        return known.expand(len(self.x), -1) if self.valid is None else self.valid & known


def saying_mask(num_open: int, num_words: int) -> Bool[Tensor, "n n"]:
    """Who reads whom where a text is said: what is given, then its words, then as many places that predict them.

    What is given reads itself alone; word i what is given and the words up to i; place i what is given, the words
    before i, and itself. So place i says which word i is.

    Source: the official code, `unified_bert_encoder.py`.

    Examples:
        >>> saying_mask(1, 2).int().tolist()
        [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 1, 0, 0, 1]]
    """
    words = torch.ones(num_words, num_words, dtype=torch.bool)
    places = torch.cat([words.tril(-1), torch.eye(num_words, dtype=torch.bool)], 1)
    said = torch.cat([F.pad(words.tril(), (0, num_words)), places])
    given = torch.ones(num_open + 2 * num_words, num_open, dtype=torch.bool)
    return torch.cat([given, F.pad(said, (0, 0, num_open, 0))], 1)
