"""The protocol of evaluations during and after training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from motet.core import Report, System
from motet.data.source import Source


class Evaluator(Protocol):
    """Evaluates a system on sources; by default `motet.evaluation.evaluate`."""

    def __call__(
        self, system: System, sources: Sequence[Source], *, batch_size: int, step: int, workers: int
    ) -> Report:
        """Returns the results, merged over ranks."""
        ...
