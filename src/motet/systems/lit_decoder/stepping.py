"""What decoding asks of a decoder, one that takes tokens step by step and keeps what it computed, and what it gives.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import ConfigError


class State(Protocol):
    """What a decoder has computed so far, of b images with m rows each; the rows of one image stand together.

    Keys and values of an image are held once, however many rows (beams, samples, names) read them.
    """

    def keep(self, lengths: Int[Tensor, "b"]) -> Self:
        """The state in which image i has seen only its first `lengths[i]` tokens; its next token follows those."""
        ...

    def select(self, images: Int[Tensor, "a"]) -> Self:
        """These images with all of their rows."""
        ...

    def branch(self, parents: Int[Tensor, "b m"]) -> Self:
        """m rows an image, each going on from one of the image's rows so far (counted from 0 in each image)."""
        ...


S = TypeVar("S", bound=State)


class StepModel(Protocol[S]):
    """A decoder that appends tokens to a state; the distribution of the next one is read from its last features."""

    def read(self, state: S, tokens: Int[Tensor, "r t"]) -> tuple[Float[Tensor, "r t d"], S]:
        """Append t tokens to each of the r = b * m rows."""
        ...

    def logits(self, features: Float[Tensor, "*r d"]) -> Float[Tensor, "*r v"]:
        """Scores of the token after each place, before the softmax; a tensor that the caller may change."""
        ...


@dataclass(frozen=True)
class SpecialIds:
    """The ids that are no words.

    Args:
        pad: fills rows; never an answer.
        eos: ends an answer.
        start: stands before the first token of every row (targets are shifted right).
    """

    pad: int = 0
    eos: int = 1
    start: int = 0


@dataclass(frozen=True)
class Generated:
    """The answers to b rows, m to each, the best first; answers that have not ended stand behind those that have.

    Args:
        tokens: without prefix; after the end, `pad`.
        log_probs: sum of the model's own log-probabilities up to and with the end; -inf in an empty place.
        scores: what the answers were ranked by, such as length-normalised log-probabilities.
        finished: whether the answer was ended by the model and not by the limit.
        ids: the ids that end and fill.
    """

    tokens: Int[Tensor, "b m t"]
    log_probs: Float[Tensor, "b m"]
    scores: Float[Tensor, "b m"]
    finished: Bool[Tensor, "b m"]
    ids: SpecialIds

    def best(self) -> list[list[int]]:
        """The best answer of each row as token ids, without what ends and fills it."""
        nothing = (self.ids.eos, self.ids.pad)
        return [[token for token in row if token not in nothing] for row in self.tokens[:, 0].tolist()]


def prefill(
    model: StepModel[S], state: S, prefixes: Int[Tensor, "b p"], lengths: Int[Tensor, "b"], ids: SpecialIds
) -> tuple[Float[Tensor, "b d"], S]:
    """Feed each row's forced tokens in one pass; the features that predict its first free token.

    Rows are padded on the right, where causal attention lets no real token see the padding, and the state then forgets
    it: a row's answer does not depend on the lengths of the others.

    Args:
        model: the decoder.
        state: of b images that have seen no token, one row each.
        prefixes: forced tokens without the start token; what stands after a row's length is not read.
        lengths: how many forced tokens each row has.
        ids: the start token.

    Raises:
        ConfigError: lengths that do not fit the prefixes.
    """
    b, p = prefixes.shape
    if lengths.shape != (b,) or (b and not 0 <= int(lengths.min()) <= int(lengths.max()) <= p):
        raise ConfigError(f"prefix lengths: got {lengths.tolist()}; want {b} numbers from 0 to {p}")
    tokens = torch.cat([prefixes.new_full((b, 1), ids.start), prefixes], dim=1)
    features, state = model.read(state, tokens)
    if not b or int(lengths.min()) == p:
        return features[:, -1], state
    rows = torch.arange(b, device=features.device)
    return features[rows, lengths], state.keep(lengths + 1)


def rank(
    tokens: Int[Tensor, "b m t"],
    log_probs: Float[Tensor, "b m"],
    scores: Float[Tensor, "b m"],
    finished: Bool[Tensor, "b m"],
    ids: SpecialIds,
) -> Generated:
    """The answers in order: ended before unfinished, then by score; nothing in empty places."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    order = order.gather(1, finished.gather(1, order).byte().argsort(dim=1, descending=True, stable=True))
    log_probs = log_probs.gather(1, order)
    empty = log_probs == float("-inf")
    tokens = rows_of(tokens, order).masked_fill(empty[..., None], ids.pad)
    scores = scores.gather(1, order).masked_fill(empty, float("-inf"))
    return Generated(tokens, log_probs, scores, finished.gather(1, order) & ~empty, ids)


def rows_of(tokens: Int[Tensor, "a m t"], places: Int[Tensor, "a n"]) -> Int[Tensor, "a n t"]:
    """The token rows at some places of each image."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[-1]))


def logsumexp_(logits: Float[Tensor, "r v"]) -> Float[Tensor, "r"]:
    """The logarithm of the softmax's denominator; the logits are used up for it, to save a second tensor."""
    peak = logits.amax(-1)
    return logits.sub_(peak[:, None]).exp_().sum(-1).log_().add_(peak)


def pays_to_drop(num_done: int, num_images: int) -> bool:
    """Whether leaving finished images out is worth copying the state of the others."""
    return 8 * num_done >= num_images
