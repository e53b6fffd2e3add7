"""Settings of an interference measurement, and its result for one saved model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from motet.analysis.interference import BlockNumbers, Interference
from motet.core import ConfigError


@dataclass(frozen=True, kw_only=True)
class InterferenceSettings:
    """Settings of an interference measurement.

    Args:
        batches: batches per task for its direction, and as many others as probes; the paper has 100.
        leave_one_out: whether the probes are the batches of the directions, each against the mean of the others, as in
            the official notebook.
        batch_size: rows per batch.
        seed: of rows, crops and the bootstrap.
        training: whether to measure in training mode, with dropout.
        blocks: names of the blocks, or of single shared weights; all blocks by default.

    Raises:
        ConfigError: a number below 1, or one batch of which one is left out.
    """

    batches: int = 100
    batch_size: int = 16
    seed: int = 0
    training: bool = False
    blocks: tuple[str, ...] = ()
    leave_one_out: bool = False

    def __post_init__(self) -> None:
        for name in ("batches", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"interference: {name}: got {getattr(self, name)}; want at least 1")
        if self.leave_one_out and self.batches < 2:
            raise ConfigError("interference: batches: got 1 with leave_one_out; want at least 2")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The interference measured for one saved model.

    Args:
        run: name of the run.
        step: step of the model; None if it was saved without.
        system: name of the architecture.
        interference: the measured values.
        notes: remarks for the reader.
    """

    run: str
    step: int | None
    system: str
    interference: Interference
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the run, with the step."""
        return self.run if self.step is None else f"{self.run}, step {self.step:,}"


def interference_to_json(interference: Interference) -> dict[str, Any]:
    """Returns the numbers as plain JSON values, None for those that are not finite.

    Examples:
        >>> nothing = Interference(("a", "b"), {})
        >>> interference_from_json(interference_to_json(nothing)) == nothing
        True
    """
    return {
        "tasks": list(interference.tasks),
        "blocks": {
            name: {field.name: _nested_lists(getattr(numbers, field.name)) for field in dataclasses.fields(numbers)}
            for name, numbers in interference.blocks.items()
        },
    }


def interference_from_json(data: Mapping[str, Any]) -> Interference:
    """Reads back what `interference_to_json` returned. Raises KeyError, TypeError or ValueError on anything else."""
    blocks = {}
    for name, numbers in data["blocks"].items():
        arrays = {
            field.name: np.array(numbers[field.name], dtype=np.int64 if field.name == "counted" else np.float64)
            for field in dataclasses.fields(BlockNumbers)
        }
        blocks[name] = BlockNumbers(**arrays)
    return Interference(tuple(data["tasks"]), blocks)


def _nested_lists(values: np.ndarray) -> list[Any]:
    if values.ndim > 1:
        return [_nested_lists(row) for row in values]
    return [None if isinstance(v, float) and not np.isfinite(v) else v for v in values.tolist()]
