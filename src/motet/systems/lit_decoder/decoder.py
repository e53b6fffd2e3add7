"""The text decoder: tokens in, logits of the next token out, with attention to an image (sections 3 and 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    """The keys and values computed so far, of b images with m rows each (a `motet.nn.generate.DecodingState`).

    States are immutable: every method returns a new one. The rows of one image are adjacent and share its keys and
    values.

    Args:
        memory: keys and values of the images, per layer.
        past: keys and values of the tokens so far, per layer; empty at the start.
        length: number of tokens in the rows of each image; one integer where all images have the same number, which is
            then the number of places in `past`.
        valid: True at the real places of `past`, where the images' lengths differ; else None.
        positions_of: index of the position table that the rows of each image use; None for the shared table.
        num_rows: m.
    """

    memory: tuple[Float[Tensor, "2 b heads n c"], ...]
    past: tuple[Float[Tensor, "2 r heads t c"], ...] = ()
    length: int | Int[Tensor, "b"] = 0
    valid: Bool[Tensor, "b t"] | None = None
    positions_of: Int[Tensor, "b"] | None = None
    num_rows: int = 1

    def truncate(self, lengths: Int[Tensor, "b"]) -> DecoderState:
        """Returns the state in which image i has only its first `lengths[i]` tokens; its next token follows those."""
        longest = int(lengths.max())
        past = tuple(part[..., :longest, :] for part in self.past)
        if int(lengths.min()) == longest:
            return replace(self, past=past, length=longest, valid=None)
        place = torch.arange(longest, device=lengths.device)
        return replace(self, past=past, length=lengths, valid=place < lengths[:, None])

    def select(self, images: Int[Tensor, "a"]) -> DecoderState:
        """Returns the state of these images, each with all of its rows."""
        rows = selected_rows(images, self.num_rows)
        return replace(
            self,
            memory=tuple(part.index_select(1, images) for part in self.memory),
            past=tuple(part.index_select(1, rows) for part in self.past),
            length=self.length if isinstance(self.length, int) else self.length[images],
            valid=None if self.valid is None else self.valid[images],
            positions_of=None if self.positions_of is None else self.positions_of[images],
        )

    def reorder(self, parents: Int[Tensor, "b m"]) -> DecoderState:
        """Returns a state with m rows per image: row j of image i continues the image's present row `parents[i, j]`."""
        rows = reordered_rows(parents, self.num_rows)
        return replace(self, past=tuple(part.index_select(1, rows) for part in self.past), num_rows=parents.shape[1])

    def next_positions(self, count: int) -> Int[Tensor, "*b t"]:
        """Returns the positions of the next `count` tokens: the same for all rows, or one list per row."""
        device = self.memory[0].device
        if isinstance(self.length, int):
            return torch.arange(self.length, self.length + count, device=device)
        first = self.length.repeat_interleave(self.num_rows)
        return first[:, None] + torch.arange(count, device=device)

    def extend(self, past: Sequence[Tensor], count: int) -> DecoderState:
        """Returns the state after `count` more tokens, whose keys and values are the last ones of `past`."""
        valid = None if self.valid is None else F.pad(self.valid, (0, count), value=True)
        return replace(self, past=tuple(past), length=self.length + count, valid=valid)


class TokenEmbeddings(nn.Module):
    """Input embeddings and output kernels of all tokens: one table for the tokeniser's pieces, special tokens by name.

    Special tokens (prompts, separators, classes) are parameters under their own names. A model with other tasks can
    then take over those of the tasks that it shares, and never a row that means something else.

    Args:
        num_plain: number of the tokeniser's pieces, including PAD and EOS.
        specials: size of each block of special tokens, by name; their ids follow the plain ones in this order.
        num_answers: ids below this one can be generated; the others (prompts) are inputs only.
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
        """Returns the embeddings of tokens."""
        plain = F.embedding(tokens.clamp(max=self.num_plain - 1), self.embedding)
        if not len(self.special_embedding):
            return plain
        table = torch.cat(list(self.special_embedding.values()))
        special = F.embedding((tokens - self.num_plain).clamp(min=0), table)
        return torch.where((tokens < self.num_plain)[..., None], plain, special)

    def kernels(self) -> list[nn.Parameter]:
        """Returns the output kernels, which weight decay holds for; embeddings and biases are not among them."""
        return [self.kernel, *self.special_kernel.values()]

    def block_logits(self, name: str, x: Float[Tensor, "m d"]) -> Float[Tensor, "m k"]:
        """Returns the logits of one block of special tokens alone."""
        key = parameter_name(name)
        return F.linear(x, self.special_kernel[key], self.special_bias[key])

    def forward(self, x: Float[Tensor, "*m d"]) -> Float[Tensor, "*m v"]:
        """Returns the logits of every token that can be generated."""
        if not len(self.special_kernel):
            return F.linear(x, self.kernel, self.bias)
        kernel = torch.cat([*self.kernels()])
        return F.linear(x, kernel, torch.cat([self.bias, *self.special_bias.values()]))


class StateDecoder(ABC):
    """A decoder whose computation so far is a `DecoderState`; `TextDecoder`, or the same one in another engine."""

    @abstractmethod
    def read(self, state: DecoderState, tokens: Int[Tensor, "r t"]) -> tuple[Float[Tensor, "r t d"], DecoderState]:
        """Appends t tokens to each row; returns their features, from which `logits` predicts what follows each.

        The first token of every row is the start token, 0 (see `shift_right`).
        """

    @abstractmethod
    def logits(self, features: Float[Tensor, "*r d"]) -> Float[Tensor, "*r v"]:
        """Returns the logits of every token that can be generated."""

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


class TextDecoder(nn.Module, StateDecoder):
    """A causal transformer with cross-attention to a memory; position t predicts token t + 1.

    Source: section 4 of the paper ("a standard Base Transformer with an autoregressive mask"); big_vision
    `models/proj/cappa/cappa.py`, Decoder, the nearest released code: pre-norm, token embeddings drawn from N(0, 1) and
    not tied to the output kernel, learned positions, output kernel initialised to zero.

    Args:
        pieces: embeddings and output kernels of the tokens.
        width: channels.
        depth: number of blocks.
        heads: of each attention.
        hidden: channels inside the MLPs.
        memory_width: channels of the memory.
        max_tokens: longest sequence.
        dropout: dropout probability in the blocks.
        input_dropout: dropout probability on the sum of embedding and position (UViM's decoder has it, CapPa's does
            not).
        position_tables: names of the tasks with a position table of their own; empty for one shared table.
        add_tables: whether a task's table is added to the shared one instead of replacing it.
        bias: whether the layer norms and MLPs of the blocks have biases.
    """

    def __init__(
        self,
        pieces: TokenEmbeddings,
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
        """Returns the state before any token; computes the keys and values of the memory once.

        Args:
            memory: the tokens that are attended to, per row.
            positions_of: index into `position_tables`, per row; None where there are none.
        """
        keys_values = tuple(block.cross_attention.keys_values(memory) for block in self._blocks)
        return DecoderState(keys_values, positions_of=positions_of)

    def read(self, state: DecoderState, tokens: Int[Tensor, "r t"]) -> tuple[Float[Tensor, "r t d"], DecoderState]:
        length = tokens.shape[1]
        valid = None if state.valid is None else state.valid.repeat_interleave(state.num_rows, dim=0)
        tables = None if state.positions_of is None else state.positions_of.repeat_interleave(state.num_rows)
        x, past = self.run_blocks(tokens, state.next_positions(length), tables, state.memory, state.past, valid)
        return x, state.extend(past, length)

    def run_blocks(
        self,
        tokens: Int[Tensor, "r t"],
        positions: Int[Tensor, "*b t"],
        tables: Int[Tensor, "r"] | None,
        memory: Sequence[Tensor],
        past: Sequence[Tensor],
        valid: Bool[Tensor, "..."] | None,
    ) -> tuple[Float[Tensor, "r t d"], list[Tensor]]:
        """Returns the features of the next t tokens, and the keys and values up to them; tensors alone.

        Args:
            tokens: their ids.
            positions: of the tokens.
            tables: the position table of each row; None for the shared one.
            memory: see `DecoderState`.
            past: see `DecoderState`.
            valid: see `DecoderBlock`.
        """
        x = self.input_dropout(self.pieces.embed(tokens) + self._positions(positions, tables))
        keys_values = []
        for i, block in enumerate(self._blocks):
            x, own = block(x, memory[i], past[i] if past else None, valid)
            keys_values.append(own)
        return self.norm(x), keys_values

    def logits(self, features: Float[Tensor, "*r d"]) -> Float[Tensor, "*r v"]:
        scores: Tensor = self.pieces(features)
        return scores

    def forward(
        self, tokens: Int[Tensor, "b t"], memory: Float[Tensor, "b n d"], positions_of: Int[Tensor, "b"] | None = None
    ) -> Float[Tensor, "b t v"]:
        """Returns the logits of every token of whole sequences, each given the tokens before it."""
        features, _ = self.read(self.start(memory, positions_of), shift_right(tokens))
        return self.logits(features)

    @property
    def _blocks(self) -> list[DecoderBlock]:
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]

    def _positions(self, positions: Int[Tensor, "*b t"], tables: Int[Tensor, "r"] | None) -> Float[Tensor, "*r t d"]:
        shared = None if self.positions is None else F.embedding(positions, self.positions)
        if not len(self.task_positions):
            assert shared is not None  # __init__ leaves it out only where there are tables
            return shared
        if tables is None:
            raise ValueError(
                "TextDecoder.start: got no position tables; want positions_of, the table's index for each row"
            )
        own = torch.stack(list(self.task_positions.values()))[tables[:, None], positions]
        return own if shared is None else own + shared


def shift_right(tokens: Int[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    """Returns the decoder's input for target tokens: the start token, 0, then all but the last.

    Source: big_vision `models/proj/cappa/cappa.py`, shift_right.
    """
    return F.pad(tokens[:, :-1], (1, 0))


def token_loss(
    logits: Float[Tensor, "w v"],
    targets: Int[Tensor, "w"],
    *,
    label_smoothing: float,
) -> Float[Tensor, "w"]:
    """Returns the cross-entropy of each token, with label smoothing over the other tokens.

        loss = -sum_v q_v log p_v,   q = 1 - s for the target, s / (V - 1) for every other token

    Source: section 4.2 of the paper; big_vision `utils.py`, weighted_softmax_xent. PyTorch spreads s over all V tokens,
    the target included; its s' = s V / (V - 1) is equivalent.

    Args:
        logits: of all V tokens.
        targets: token ids.
        label_smoothing: s.
    """
    spread = label_smoothing * logits.shape[-1] / (logits.shape[-1] - 1)
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=spread)


def row_means(values: Float[Tensor, "w"], counted: Bool[Tensor, "b t"]) -> Float[Tensor, "b"]:
    """Returns the mean of each row's values; 0 for a row without any.

    Every row has the same weight in the loss, however long its text is.

    Args:
        values: of the counted places, row by row.
        counted: True at the places that `values` belong to.
    """
    row = counted.nonzero()[:, 0]
    sums = torch.zeros(len(counted), dtype=values.dtype, device=values.device).index_add(0, row, values)
    return sums / counted.sum(dim=1).clamp(min=1)
