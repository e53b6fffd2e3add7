"""The LiT decoder as tensor functions: the encoder, the decoder's memory, its next tokens, its logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Batch, DataError, Label, Prediction, Target
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.nn.transformer import DecoderBlock
from motet.systems.lit_decoder.decoder import DecoderState, StateDecoder
from motet.systems.lit_decoder.model import LiTDecoder


class LiTDecoderGraphs(SystemGraphs):
    """Splits a LiT decoder into graphs: ``encode``, ``start``, ``read``, ``logits``, ``class_scores.TASK``.

    Args:
        system: in eval mode.
    """

    system: LiTDecoder

    def __init__(self, system: LiTDecoder) -> None:
        self.system = system
        self.left_out: Mapping[str, str] = {}
        blocks = [block for block in system.decoder.blocks if isinstance(block, DecoderBlock)]
        self.depth, self.heads = len(blocks), blocks[0].self_attention.heads
        self.channels = system.config.width // self.heads
        self.has_tables = len(system.decoder.task_positions) > 0

    def graphs(self) -> Mapping[str, Graph]:
        tower, width = self.system.tower, self.system.config.width
        pixels = TensorSpec("pixels", "float32", ("b", 3, *tower.pixels.size_hw), "normalised RGB of b images")
        image = TensorSpec("tokens", "float32", ("b", tower.num_tokens, tower.width), "the tokens of an image")
        features = TensorSpec("features", "float32", ("r", width), "states of the decoder, one per row")
        logits = TensorSpec("logits", "float32", ("r", "v"), "of each token id that can be generated")
        graphs = {
            "encode": Graph(lambda pixels: (self.system.encode(pixels),), (pixels,), (image,)),
            "start": Graph(self._start, (image, *self._has_image()), self._keys_values("memory", "b", "n")),
            "read": self._read_graph(),
            "logits": Graph(lambda features: (self.system.decoder.logits(features),), (features,), (logits,)),
        }
        for name in self.system.sequences.scored:
            graphs[f"class_scores.{name}"] = self._class_scores(name, features, image)
        return graphs

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        tokens, has_image = self._tokens(run, batch)
        memory = run("start", tokens, *([has_image] if self.system.nothing is not None else []))

        def start(target: Target, tables: Int[Tensor, "r"] | None) -> DecoderState:
            return DecoderState(tuple(part.index_select(1, target.rows) for part in memory), positions_of=tables)

        def scores(name: str, features: Float[Tensor, "r d"], target: Target) -> Float[Tensor, "r k"]:
            images = [tokens[target.rows]] if name in self.system.linear_heads() else []
            return run(f"class_scores.{name}", features, *images)[0]

        return self.system.answers(batch, _GraphDecoder(run, (self.heads, self.channels)), start, scores)

    def _tokens(self, run: GraphRunner, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns the encoder's tokens, zeros in a batch without images, and which rows have an image."""
        size, tower = len(batch), self.system.tower
        if "features" in batch.inputs:
            tokens = batch.inputs["features"].float()
        elif "pixels" in batch.inputs:
            (tokens,) = run("encode", batch.inputs["pixels"])
        elif self.system.nothing is None:
            raise DataError("batch: got rows without an image; want one in every row: every task has one as input")
        else:
            # All tokens are replaced by the learned one; several copies of it are equal to one.
            return torch.zeros(size, tower.num_tokens, tower.width), torch.zeros(size, dtype=torch.bool)
        return tokens, batch.inputs.get("has_image", torch.ones(size, dtype=torch.bool))

    def _has_image(self) -> tuple[TensorSpec, ...]:
        about = "False in rows without an image, which read a learned token"
        return () if self.system.nothing is None else (TensorSpec("has_image", "bool", ("b",), about),)

    def _start(self, tokens: Tensor, has_image: Tensor | None = None) -> tuple[Tensor, ...]:
        memory = self.system.bottleneck(tokens)
        if has_image is not None:
            assert self.system.nothing is not None  # else there is no such input
            memory = torch.where(has_image[:, None, None], memory, self.system.nothing)
        return self.system.decoder.start(memory).memory

    def _read_graph(self) -> Graph:
        inputs = [
            TensorSpec("tokens", "int64", ("r", "t"), "ids of the next t tokens of each row"),
            TensorSpec("positions", "int64", ("r", "t"), "their places in the row, the first token's is 0"),
            TensorSpec("readable", "bool", ("r", "t", "q"), "which of the q = p + t places each token attends to"),
        ]
        if self.has_tables:
            inputs.append(TensorSpec("tables", "int64", ("r",), "index of the row's task, for its position table"))
        outputs = [TensorSpec("features", "float32", ("r", "t", self.system.config.width), "states, for `logits`")]
        return Graph(
            self._read,
            (*inputs, *self._keys_values("memory", "r", "n"), *self._keys_values("past", "r", "p")),
            (*outputs, *self._keys_values("new_past", "r", "q")),
        )

    def _read(self, tokens: Tensor, positions: Tensor, readable: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        tables, states = (others[0], others[1:]) if self.has_tables else (None, others)
        memory, past = states[: self.depth], states[self.depth :]
        x, new = self.system.decoder.run_blocks(tokens, positions, tables, memory, past, readable)
        return (x, *new)

    def _keys_values(self, name: str, rows: str, places: str) -> tuple[TensorSpec, ...]:
        dims = (2, rows, self.heads, places, self.channels)
        return tuple(TensorSpec(f"{name}_{i}", "float32", dims, f"keys, values: layer {i}") for i in range(self.depth))

    def _class_scores(self, name: str, features: TensorSpec, image: TensorSpec) -> Graph:
        spec = self.system.tasks[name].target
        assert isinstance(spec, Label)  # only those are scored
        scores = TensorSpec("scores", "float32", ("r", len(spec.names)), f"logits of the classes of {name}, in order")
        rows = TensorSpec("tokens", "float32", ("r", *image.dims[1:]), image.about)
        inputs = (features, rows) if name in self.system.linear_heads() else (features,)
        return Graph(
            lambda features, tokens=None: (self.system.scores_of_rows(name, features, tokens),), inputs, (scores,)
        )


@dataclass(frozen=True)
class _GraphDecoder(StateDecoder):
    """The decoder by its graphs.

    Args:
        run: runs them.
        heads: the number of heads, and channels per head.
    """

    run: GraphRunner
    heads: tuple[int, int]

    def read(self, state: DecoderState, tokens: Int[Tensor, "r t"]) -> tuple[Float[Tensor, "r t d"], DecoderState]:
        r, t = tokens.shape
        count, channels = self.heads
        past = state.past or tuple(torch.zeros(2, r, count, 0, channels) for _ in state.memory)
        p = past[0].shape[-2]
        readable = torch.ones(t, p + t, dtype=torch.bool).tril(p).expand(r, -1, -1)
        if state.valid is not None:
            valid = F.pad(state.valid.repeat_interleave(state.num_rows, dim=0), (0, t), value=True)
            readable = readable & valid[:, None]
        tables = [] if state.positions_of is None else [state.positions_of.repeat_interleave(state.num_rows)]
        memory = [part.repeat_interleave(state.num_rows, dim=1) for part in state.memory]
        positions = state.next_positions(t).expand(r, t)
        x, *new = self.run("read", tokens, positions, readable, *tables, *memory, *past)
        return x, state.extend(new, t)

    def logits(self, features: Float[Tensor, "*r d"]) -> Float[Tensor, "*r v"]:
        (found,) = self.run("logits", features.flatten(0, -2))
        return found.view(*features.shape[:-1], -1)
