"""What a report page is made of, gathered before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from motet.report.compare import Comparison
from motet.report.prediction_card import PredictionCard
from motet.report.runs import RunRecord


@dataclass(frozen=True)
class Content:
    """Everything on a page.

    Args:
        title: its head line.
        run: the run it is about.
        comparison: with single-task models; None before there are any.
        shown: predictions with their images.
        looks: what a model looks at, drawn on images; empty where it does not tell.
        credit: lines that must stand beside the images, besides the run's own.
        notes: remarks, besides the report's own.
    """

    title: str
    run: RunRecord
    comparison: Comparison | None = None
    gallery: Sequence[PredictionCard] = ()
    attention: Sequence[PredictionCard] = ()
    credit: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def all_credit(self) -> tuple[str, ...]:
        """Each line once."""
        return tuple(dict.fromkeys((*self.run.credit, *self.credit)))

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Each line once."""
        return tuple(dict.fromkeys((*self.run.report.notes, *self.notes, *self.run.log.notes)))
