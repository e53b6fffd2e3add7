"""Log-probabilities of all names of a label set; each image and each common beginning is computed once.

Source: Beyer et al., "A Study of Autoregressive Decoders", section 4; big_vision `trainers/proj/cappa/predict_fns.py`,
which runs the decoder once per name; the sums are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError
from motet.nn.generate import SpecialIds
from motet.nn.generate.vocabulary import logsumexp_
from motet.systems.lit_decoder.decoder import DecoderState, StateDecoder

# Number of logits computed together, so that they stay in the processor's cache, but of no fewer places than this.
_LOGITS_AT_ONCE, _FEWEST_AT_ONCE = 2**20, 64


@dataclass(frozen=True)
class Level:
    """The nodes of a trie at one depth, and the edges that leave them.

    Args:
        num_nodes: at this depth.
        parents: source node of each edge: first the edges to the nodes of the next level in their order, then the ends
            of names.
        tokens: of each edge.
        names: index of the name that each end belongs to.
    """

    num_nodes: int
    parents: Int[Tensor, "e"]
    tokens: Int[Tensor, "e"]
    names: Int[Tensor, "f"]


@dataclass(frozen=True)
class NameTrie:
    """The names of a label set as a trie, level by level.

    Args:
        levels: from the root, which is the place after the prompt.
        num_names: duplicates are counted.
    """

    levels: tuple[Level, ...]
    num_names: int

    @staticmethod
    def of(names: Sequence[Sequence[int]], ids: SpecialIds | None = None) -> NameTrie:
        """Returns the trie of names, token ids without the end.

        Raises:
            ConfigError: a name without tokens.

        Examples:
            >>> trie = NameTrie.of([[5, 6], [5, 7], [5]])
            >>> [level.num_nodes for level in trie.levels]
            [1, 1, 2]
        """
        eos = (SpecialIds() if ids is None else ids).eos
        for index, name in enumerate(names):
            if not len(name):
                raise ConfigError(f"names: got no tokens for name {index}; want at least one token in each name")
        levels, here, depth = [], [0] * len(names), 0
        going = list(range(len(names)))
        num_nodes = 1
        while going:
            children: dict[tuple[int, int], int] = {}
            ends = [index for index in going if len(names[index]) == depth]
            going = [index for index in going if len(names[index]) > depth]
            left = {index: here[index] for index in ends}
            for index in going:
                here[index] = children.setdefault((here[index], int(names[index][depth])), len(children))
            edges = [*children, *((left[index], eos) for index in ends)]
            parents, tokens = torch.tensor(edges).unbind(1)
            levels.append(Level(num_nodes, parents, tokens, torch.tensor(ends, dtype=torch.long)))
            num_nodes, depth = len(children), depth + 1
        return NameTrie(tuple(levels), len(names))

    @property
    def num_nodes(self) -> int:
        """The number of places at which the decoder is evaluated."""
        return sum(level.num_nodes for level in self.levels)

    @property
    def widest(self) -> int:
        """The largest number of nodes at one depth."""
        return max((level.num_nodes for level in self.levels), default=0)

    def to(self, device: torch.device) -> NameTrie:
        """Returns the trie on another device."""
        levels = (
            Level(level.num_nodes, level.parents.to(device), level.tokens.to(device), level.names.to(device))
            for level in self.levels
        )
        return NameTrie(tuple(levels), self.num_names)


@torch.inference_mode()
def score_names(
    decoder: StateDecoder,
    state: DecoderState,
    prompts: Int[Tensor, "b p"],
    prompt_lengths: Int[Tensor, "b"],
    names: NameTrie | Sequence[Sequence[int]],
    *,
    max_rows: int = 8192,
    ids: SpecialIds | None = None,
) -> Float[Tensor, "b k"]:
    """Returns log p(name | image, prompt) of every name, its end included; no length normalisation.

    The names are visited by their common beginnings: every distinct beginning is one row of one step, the keys and
    values of an image are shared by all of its rows, and the softmax is normalised once per beginning.

    Args:
        decoder: in eval mode.
        state: of b rows without any token, from the decoder's `start`.
        prompts: without the start token; padded on the right.
        prompt_lengths: number of tokens of each prompt.
        names: token ids without the end; a trie saves its construction where the same names are scored again.
        max_rows: largest number of rows (images times beginnings of one length) in memory at once.
        ids: the id that ends a name.

    Raises:
        ConfigError: a name without tokens; prompt lengths that do not fit.
    """
    ids = SpecialIds() if ids is None else ids
    trie = (names if isinstance(names, NameTrie) else NameTrie.of(names, ids)).to(prompts.device)
    features, state = decoder.prefill(state, prompts, prompt_lengths)
    scores = features.new_empty((len(prompts), trie.num_names), dtype=torch.float32)
    at_once = max(1, max_rows // max(1, trie.widest))
    for images in torch.split(torch.arange(len(prompts), device=prompts.device), at_once):
        scores[images] = _walk(decoder, state.select(images), features[images], trie)
    return scores


def _walk(
    decoder: StateDecoder, state: DecoderState, features: Float[Tensor, "b d"], trie: NameTrie
) -> Float[Tensor, "b k"]:
    b = len(features)
    scores = features.new_empty((b, trie.num_names), dtype=torch.float32)
    totals = scores.new_zeros((b, 1))
    for level in trie.levels:
        totals = totals[:, level.parents] + _edges(decoder, features.view(b, level.num_nodes, -1), level)
        num_children = len(level.parents) - len(level.names)
        scores[:, level.names] = totals[:, num_children:]
        if num_children:
            totals = totals[:, :num_children]
            state = state.reorder(level.parents[:num_children].expand(b, -1))
            extended, state = decoder.read(state, level.tokens[:num_children].repeat(b)[:, None])
            features = extended[:, -1]
    return scores


def _edges(decoder: StateDecoder, features: Float[Tensor, "b n d"], level: Level) -> Float[Tensor, "b e"]:
    """Returns log p(token | node) of the edges of a level."""
    b, n, _ = features.shape
    flat = features.flatten(0, 1)
    # Edges in the order of the flattened nodes, so that each chunk of logits is computed, used and dropped.
    order = level.parents.argsort(stable=True)
    nodes = (torch.arange(b, device=flat.device)[:, None] * n + level.parents[order]).flatten()
    tokens = level.tokens[order].repeat(b)
    size = max(_FEWEST_AT_ONCE, _LOGITS_AT_ONCE // decoder.logits(flat[:1]).shape[-1])
    starts = torch.arange(0, b * n, size, device=flat.device)
    bounds = [*torch.searchsorted(nodes, starts).tolist(), len(nodes)]
    found = torch.empty(len(nodes), device=flat.device)
    for start, first, last in zip(starts.tolist(), bounds, bounds[1:], strict=False):
        logits = decoder.logits(flat[start : start + size]).float()
        here = nodes[first:last] - start
        found[first:last] = logits[here, tokens[first:last]]
        found[first:last] -= logsumexp_(logits)[here]
    edges = torch.empty(b, len(order), device=flat.device)
    edges[:, order] = found.view(b, -1)
    return edges
