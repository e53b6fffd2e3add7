"""The measurements of interference in several saved models as a grid: one cell per model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from motet.analysis.interference_measurement import Measurement
from motet.core.whole_files import write_whole
from motet.experiments.interference_parts import digest_of_model
from motet.experiments.run_grid import Cell, Ended


@dataclass(frozen=True)
class MeasuredModel:
    """A saved model of a run.

    Args:
        run: the run's name.
        step: of the checkpoint; None for a saved model without one.
        folder: of the model.
    """

    run: str
    step: int | None
    folder: Path

    @property
    def name(self) -> str:
        """The name of its cell."""
        return self.run if self.step is None else f"{self.run}, step {self.step}"


class MeasurementGrid:
    """The grid of the measurements in some saved models (`RunGrid`).

    The numbers are in the files of `MeasurementParts`; a cell notes that they are there.

    Args:
        models: one cell each.
        folder: of the results.
        measure_one: measures one model, or reads what was measured.
        identity: what decides the numbers besides the weights, as plain data.
    """

    def __init__(
        self,
        models: Sequence[MeasuredModel],
        folder: Path,
        *,
        measure_one: Callable[[MeasuredModel], Measurement],
        identity: Mapping[str, Any],
    ) -> None:
        self.name, self.folder, self.measure_one = "measurements", folder, measure_one
        self._identity = json.dumps(identity, sort_keys=True, default=str)
        self._models = {model.name: model for model in models}
        self.cells = tuple(Cell(name=name, log=f"{quote(name, safe=' ')}.log") for name in self._models)
        self._digests: dict[str, str] = {}
        self._measured: dict[str, Measurement] = {}

    def finished(self, cell: Cell) -> bool:
        """Returns whether a model is measured, with these weights and this identity."""
        return self._note(cell).is_file()

    def run(self, cell: Cell) -> None:
        """Measures one model."""
        self._measured[cell.name] = self.measure_one(self._models[cell.name])
        self._note(cell).parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._note(cell), json.dumps({"model": cell.name}) + "\n")

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        """Says that a model is measured, or why not."""
        return Ended(error=error, line=f"{cell.name}, {seconds:.0f} s: {f'failed: {error}' if error else 'measured'}")

    def results(self) -> list[Measurement]:
        """Returns the measurements of all models, which are read where other processes made them."""
        return [self._measured.get(name) or self.measure_one(model) for name, model in self._models.items()]

    def _note(self, cell: Cell) -> Path:
        if cell.name not in self._digests:
            text = f"{cell.name} {digest_of_model(self._models[cell.name].folder)} {self._identity}"
            self._digests[cell.name] = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        return self.folder / "cells" / f"{self._digests[cell.name]}.json"
