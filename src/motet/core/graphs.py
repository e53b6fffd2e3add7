"""Tensor functions of a system with fixed names and shapes: what is exported, and run by other engines.

A prediction is tensor functions (graphs) and the Python between them (tokens, loops of decoding, boxes back into pixels
of the file). `SystemGraphs` splits a system into both, so that the same Python serves PyTorch and any other engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import torch
from torch import Tensor

from motet.core.batch import Batch
from motet.core.prediction import Prediction
from motet.core.system import System

Kind: TypeAlias = Literal["float32", "int64", "bool"]
_KINDS: Mapping[Kind, torch.dtype] = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}
# Sizes of an example: all above 1, which an export would take for a fixed size, and all different, so that it cannot
# mix two of them up.
_EXAMPLE_SIZES = {
    "b": 3, "r": 6, "t": 5, "p": 4, "q": 9, "n": 7, "u": 8, "k": 11, "s": 10, "m": 2, "h": 64, "w": 96, "i": 12,
    "j": 13,
}  # fmt: skip


@dataclass(frozen=True)
class TensorSpec:
    """The name, type and shape of a tensor that goes into a graph or comes out of it.

    Args:
        name: unique in its graph.
        kind: of its numbers.
        dims: a number where the size is fixed, else the letter of an axis that may have any size: b images, r rows,
            t tokens, p tokens before them and q = p + t of both, n places in memory, s texts, k candidates, u boxes,
            m images of a row, h and w pixels, i and j cells of a map.
        about: the meaning and unit of its numbers.
        fill: the whole number that an example is filled with.
    """

    name: str
    kind: Kind
    dims: tuple[int | str, ...]
    about: str
    fill: int = 0

    def example(self, sizes: Mapping[str, int]) -> Tensor:
        """Returns a tensor of these sizes: random numbers, `fill`, or True."""
        shape = [sizes[dim] if isinstance(dim, str) else dim for dim in self.dims]
        if self.kind == "float32":
            return torch.randn(shape, generator=torch.Generator().manual_seed(0))
        return torch.full(shape, True if self.kind == "bool" else self.fill, dtype=_KINDS[self.kind])

    @property
    def dtype(self) -> torch.dtype:
        """The type of its numbers."""
        return _KINDS[self.kind]


@dataclass(frozen=True)
class Graph:
    """A tensor function of a system.

    Args:
        function: inputs in order to outputs in order; it reads the system's weights.
        inputs: the specs of its arguments.
        outputs: the specs of its results.
    """

    function: Callable[..., tuple[Tensor, ...]]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def examples(self) -> tuple[Tensor, ...]:
        """Returns one tensor per input, each axis of its own size."""
        return tuple(spec.example(_EXAMPLE_SIZES) for spec in self.inputs)


class GraphRunner(Protocol):
    """Runs graphs by name."""

    def __call__(self, name: str, /, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs of a graph, in order."""
        ...


class SystemGraphs(ABC):
    """A system as graphs, and the Python between them.

    Attributes:
        system: the one that is split.
        left_out: by task, in one line, why it has no graphs.
    """

    system: System
    left_out: Mapping[str, str]

    @abstractmethod
    def graphs(self) -> Mapping[str, Graph]:
        """Returns the graphs by name; the system is in eval mode and has its weights."""

    @abstractmethod
    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Predicts as `System.predict` does, with tensors from `run` alone: no weight of the system is read.

        To be called in inference mode.
        """


@dataclass(frozen=True)
class TorchGraphs:
    """Runs graphs by PyTorch: the reference for every other engine.

    Args:
        graphs: of a system.
    """

    graphs: Mapping[str, Graph]

    @torch.inference_mode()
    def __call__(self, name: str, /, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs of a graph."""
        return self.graphs[name].function(*inputs)
