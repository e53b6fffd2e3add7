"""The decoder: words in, scores of the next word out, reading an image (sections 3 and 4 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.generate.step import reordered_rows, selected_rows
from motet.nn.parameter_names import parameter_name
from motet.nn.transformer import NORM_EPS, DecoderBlock


@dataclass(frozen=True)
class DecoderState:
    """Where a decoding stands: b images with m rows each, and the keys and values of all that was read and written.

    Nothing in it is ever changed: every method gives a new state. The rows of one image stand together, and share its
    keys and values.

    Args:
        memory: of each layer, keys and values of the images.
        past: of each layer, keys and values of the tokens so far; empty at the start.
        seen: how many tokens the rows of each image have; a number when all have the same, which is then how many
            places `past` has.
        valid: which places of `past` are real, where images differ; else None.
        positions_of: which position table the rows of each image use; None for the shared one.
        num_rows: m.
    """

    memory: tuple[Float[Tensor, "2 b heads n c"], ...]
    past: tuple[Float[Tensor, "2 r heads t c"], ...] = ()
    seen: int | Int[Tensor, "b"] = 0
    valid: Bool[Tensor, "b t"] | None = None
    positions_of: Int[Tensor, "b"] | None = None
    num_rows: int = 1

    def truncate(self, lengths: Int[Tensor, "b"]) -> DecoderState:
        """Returns the state in which image i has only its first `lengths[i]` tokens; its next token follows those."""
        longest = int(lengths.max())
        past = tuple(part[..., :longest, :] for part in self.past)
        if int(lengths.min()) == longest:
            return replace(self, past=past, seen=longest, valid=None)
        place = torch.arange(longest, device=lengths.device)
        return replace(self, past=past, seen=lengths, valid=place < lengths[:, None])

    def select(self, images: Int[Tensor, "a"]) -> DecoderState:
        """Returns the state of these images, each with all of its rows."""
        rows = selected_rows(images, self.num_rows)
        return replace(
            self,
            memory=tuple(part.index_select(1, images) for part in self.memory),
            past=tuple(part.index_select(1, rows) for part in self.past),
            seen=self.seen if isinstance(self.seen, int) else self.seen[images],
            valid=None if self.valid is None else self.valid[images],
            positions_of=None if self.positions_of is None else self.positions_of[images],
        )

    def reorder(self, parents: Int[Tensor, "b m"]) -> DecoderState:
        """Returns a state with m rows per image: row j of image i continues the image's present row `parents[i, j]`."""
        rows = reordered_rows(parents, self.num_rows)
        return replace(self, past=tuple(part.index_select(1, rows) for part in self.past), num_rows=parents.shape[1])

    def places(self, length: int) -> Int[Tensor, "*b t"]:
        """The positions of the next `length` tokens: the same for all, or of each row."""
        device = self.memory[0].device
        if isinstance(self.seen, int):
            return torch.arange(self.seen, self.seen + length, device=device)
        first = self.seen.repeat_interleave(self.num_rows)
        return first[:, None] + torch.arange(length, device=device)

    def then(self, past: Sequence[Tensor], length: int) -> DecoderState:
        """The state after `length` more tokens, whose keys and values stand at the end of `past`."""
        valid = None if self.valid is None else F.pad(self.valid, (0, length), value=True)
        return replace(self, past=tuple(past), seen=self.seen + length, valid=valid)


class Pieces(nn.Module):
    """Embeddings and output kernels of all tokens: one table for the tokeniser's pieces, and the special ones by name.

    Special tokens (prompts, separators, classes) have parameters of their own name, so that a model with other tasks
    takes over those of the tasks it shares, and never a row that means something else.

    Args:
        num_plain: pieces of the tokeniser, PAD and EOS among them.
        specials: blocks of special tokens by name, with how many there are in each; their ids follow in this order.
        num_answers: ids from 0 that may be answered; the others (prompts) are only ever read.
        width: channels.
    """

    def __init__(self, num_plain: int, specials: Mapping[str, int], num_answers: int, width: int) -> None:
        super().__init__()
        self.num_plain = num_plain
        self.embedding = nn.Parameter(torch.randn(num_plain, width))
        self.kernel = nn.Parameter(torch.zeros(num_plain, width))
        self.bias = nn.Parameter(torch.zeros(num_plain))
        self.special_embedding = nn.ParameterDict()
        self.special_kernel = nn.ParameterDict()
        self.special_bias = nn.ParameterDict()
        first = num_plain
        for name, count in specials.items():
            key = parameter_name(name)
            self.special_embedding[key] = nn.Parameter(torch.randn(count, width))
            if first < num_answers:
                self.special_kernel[key] = nn.Parameter(torch.zeros(count, width))
                self.special_bias[key] = nn.Parameter(torch.zeros(count))
            first += count

    def embed(self, tokens: Int[Tensor, "m t"]) -> Float[Tensor, "m t d"]:
        """The tokens' embeddings."""
        plain = F.embedding(tokens.clamp(max=self.num_plain - 1), self.embedding)
        if not len(self.special_embedding):
            return plain
        table = torch.cat(list(self.special_embedding.values()))
        special = F.embedding((tokens - self.num_plain).clamp(min=0), table)
        return torch.where((tokens < self.num_plain)[..., None], plain, special)

    def forward(self, x: Float[Tensor, "*m d"]) -> Float[Tensor, "*m v"]:
        """The scores of every token that may be answered."""
        if not len(self.special_kernel):
            return F.linear(x, self.kernel, self.bias)
        kernel = torch.cat([self.kernel, *self.special_kernel.values()])
        return F.linear(x, kernel, torch.cat([self.bias, *self.special_bias.values()]))


class TextDecoder(nn.Module):
    """A causal transformer that reads a memory; position t gives the scores of token t + 1.

    Source: section 4 of the paper ("a standard Base Transformer with an autoregressive mask"); big_vision
    `models/proj/cappa/cappa.py`, Decoder, the nearest released code: pre-norm, token embeddings drawn from N(0, 1) and
    apart from the output kernel, learned positions, output kernel at zero.

    Args:
        pieces: the tokens.
        width: channels.
        depth: blocks.
        heads: of each attention.
        hidden: channels inside the MLPs.
        memory_width: channels of the memory.
        max_tokens: longest sequence.
        dropout: rate in the blocks.
        input_dropout: rate on the sum of embedding and position (UViM's decoder has it, CapPa's has not).
        position_tables: names of the tasks with a position table of their own; none: one table for all.
        add_tables: a task's table is added to the shared one, instead of taking its place.
        bias: whether layer norms and MLPs of the blocks have one.
    """

    def __init__(
        self,
        pieces: Pieces,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        *,
        memory_width: int,
        max_tokens: int,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        position_tables: Sequence[str] = (),
        add_tables: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.pieces, self.max_tokens = pieces, max_tokens
        shared = not position_tables or add_tables
        self.positions = nn.Parameter(torch.randn(max_tokens, width) / width**0.5) if shared else None
        self.task_positions = nn.ParameterDict(
            {parameter_name(name): torch.randn(max_tokens, width) / width**0.5 for name in position_tables}
        )
        self.input_dropout = nn.Dropout(input_dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(width, heads, hidden, memory_width=memory_width, dropout=dropout, bias=bias)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width, NORM_EPS)

    def start(self, memory: Float[Tensor, "b n d"], positions_of: Int[Tensor, "b"] | None = None) -> DecoderState:
        """The state before any token: the memories' keys and values, computed once.

        Args:
            memory: what is read, one a row.
            positions_of: index into `position_tables`, one a row; None when there are none.
        """
        kept = tuple(block.cross_attention.keys_values(memory) for block in self._blocks)
        return DecoderState(kept, positions_of=positions_of)

    def read(self, state: DecoderState, tokens: Int[Tensor, "r t"]) -> tuple[Float[Tensor, "r t d"], DecoderState]:
        """Appends t tokens to each row; `logits` turns the result into scores of what follows each of them.

        The first token of every row is 0: what stands before the sequence (`shift_right`).
        """
        length = tokens.shape[1]
        x = self.input_dropout(self.pieces.embed(tokens) + self._positions(state, length))
        valid = None if state.valid is None else state.valid.repeat_interleave(state.num_rows, dim=0)
        past = []
        for i, block in enumerate(self._blocks):
            x, kept = block(x, state.memory[i], state.past[i] if state.past else None, valid)
            past.append(kept)
        return self.norm(x), state.then(past, length)

    def prefill(
        self, state: DecoderState, prompts: Int[Tensor, "b p"], lengths: Int[Tensor, "b"]
    ) -> tuple[Float[Tensor, "b d"], DecoderState]:
        """Reads each row's prompt in one pass; returns the features that predict its first free token, and the state.

        Prompts are padded on the right, where causal attention hides the padding from every real token, and the state
        drops it afterwards: a row's answer does not depend on the lengths of the others.

        Args:
            state: of b rows without any token, from `start`.
            prompts: without the start token; tokens after a row's length are ignored.
            lengths: number of tokens of each prompt.

        Raises:
            ConfigError: lengths that do not fit the prompts.
        """
        b, p = prompts.shape
        if lengths.shape != (b,) or (b and not 0 <= int(lengths.min()) <= int(lengths.max()) <= p):
            raise ConfigError(f"prompt lengths: got {lengths.tolist()}; want {b} numbers from 0 to {p}")
        features, state = self.read(state, F.pad(prompts, (1, 0)))
        if not b or int(lengths.min()) == p:
            return features[:, -1], state
        return features[torch.arange(b, device=features.device), lengths], state.truncate(lengths + 1)

    def step(self, state: DecoderState, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r v"], DecoderState]:
        """Appends one token to each row; returns the logits of the next one, and the state."""
        features, state = self.read(state, tokens[:, None])
        return self.logits(features[:, -1]), state

    def logits(self, features: Float[Tensor, "*r d"]) -> Float[Tensor, "*r v"]:
        """The scores of every token that may be answered, before the softmax."""
        scores: Tensor = self.pieces(features)
        return scores

    def forward(
        self, tokens: Int[Tensor, "b t"], memory: Float[Tensor, "b n d"], positions_of: Int[Tensor, "b"] | None = None
    ) -> Float[Tensor, "b t v"]:
        """The scores of every token of whole sequences, each given those before it."""
        features, _ = self.read(self.start(memory, positions_of), shift_right(tokens))
        return self.logits(features)

    @property
    def _blocks(self) -> list[DecoderBlock]:
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]

    def _positions(self, state: DecoderState, length: int) -> Float[Tensor, "*r t d"]:
        places = state.places(length)
        shared = None if self.positions is None else F.embedding(places, self.positions)
        if not len(self.task_positions):
            assert shared is not None  # __init__ leaves it out only where there are tables
            return shared
        if state.positions_of is None:
            raise ValueError("Decoder.start: got no position tables; want the index of one for each row")
        tables = torch.stack(list(self.task_positions.values()))
        own = tables[state.positions_of.repeat_interleave(state.num_rows)[:, None], places]
        return own if shared is None else own + shared


def shift_right(tokens: Int[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    """What the decoder is given to say these tokens: 0, then all but the last.

    Source: big_vision `models/proj/cappa/cappa.py`, shift_right.
    """
    return F.pad(tokens[:, :-1], (1, 0))


def word_loss(
    scores: Float[Tensor, "w v"],
    targets: Int[Tensor, "w"],
    *,
    label_smoothing: float,
) -> Float[Tensor, "w"]:
    """The loss of each word.

        loss = -sum_v q_v log p_v,   q = 1 - s for the right word, s / (V - 1) for each other

    Source: section 4.2 of the paper; big_vision `utils.py`, weighted_softmax_xent. PyTorch spreads s over all V words,
        the
    right one too; its s' = s V / (V - 1) is the same thing.

    Args:
        scores: of all V words.
        targets: the right words.
        label_smoothing: s.
    """
    spread = label_smoothing * scores.shape[-1] / (scores.shape[-1] - 1)
    return F.cross_entropy(scores, targets, reduction="none", label_smoothing=spread)


def row_means(values: Float[Tensor, "w"], counted: Bool[Tensor, "b t"]) -> Float[Tensor, "b"]:
    """The mean over each row's counted places, of values that stand there in order; 0 for a row without any.

    Every row counts the same, however long its text is.
    """
    row = counted.nonzero()[:, 0]
    sums = torch.zeros(len(counted), dtype=values.dtype, device=values.device).index_add(0, row, values)
    return sums / counted.sum(dim=1).clamp(min=1)
