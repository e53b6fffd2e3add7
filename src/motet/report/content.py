"""The parts of report pages as plain data, gathered before any HTML is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from motet.report.compare import Comparison
from motet.report.confusion import Confusion
from motet.report.precision_recall import PrecisionRecall
from motet.report.runs import RunRecord

Choice = Literal["surest wrong", "worst", "evenly spaced"]
"""Reasons why a row is in the gallery."""


@dataclass(frozen=True)
class PredictionCard:
    """One evaluated row in the gallery: its image, the prediction and the ground truth.

    Args:
        image: an encoded PNG or JPEG, small.
        task: the task's name.
        prompt: the question or text that the model was given, "" for none.
        prediction: as text.
        ground_truth: as text; several answers are separated by slashes.
        correct: whether the prediction is correct; None where it is neither correct nor wrong.
        score: of this row, such as "CIDEr 83"; "" for none.
        wide: the image needs the width of two cards, such as several panels side by side.
        ranked_texts: the best texts of a ranking, the best first, each with whether it is correct.
        confidence: from 0 to 1, of the prediction; None if unknown.
        choice: the reason why this row is shown.
    """

    image: bytes = field(repr=False)
    task: str
    prompt: str
    prediction: str
    ground_truth: str
    correct: bool | None = None
    score: str = ""
    wide: bool = False
    ranked_texts: tuple[tuple[str, bool], ...] = ()
    confidence: float | None = None
    choice: Choice = "evenly spaced"


@dataclass(frozen=True)
class RowCard:
    """One row of a source with its annotations, for the page of `motet data look`.

    Args:
        id: the row's id.
        images: titles and encoded PNGs: the row's images and its drawn annotations.
        annotations: names of tasks and the annotation of each as text.
        problems: names of tasks whose annotation is invalid, each with the reason.
    """

    id: str
    images: tuple[tuple[str, bytes], ...] = field(repr=False)
    annotations: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PairCard:
    """Two images that look alike, for the page of near-duplicates.

    Args:
        images: two encoded images, small.
        names: of the two images.
        caption: a line of text about the pair.
    """

    images: tuple[bytes, bytes] = field(repr=False)
    names: tuple[str, str]
    caption: str


@dataclass(frozen=True)
class Content:
    """All parts of the report page of one run.

    Args:
        title: the heading.
        run: the run that the page is about.
        comparison: with single-task baselines; None where none were trained.
        gallery: predictions with their images.
        attention: attention maps drawn on images; empty where the system does not return any.
        credit: licence lines that must be shown with the images, besides the run's own.
        notes: remarks, besides the report's own.
        confusions: of the tasks with classes.
        curves: precision and recall of the classes of detection tasks.
    """

    title: str
    run: RunRecord
    comparison: Comparison | None = None
    gallery: Sequence[PredictionCard] = ()
    attention: Sequence[PredictionCard] = ()
    credit: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    confusions: Sequence[Confusion] = ()
    curves: Sequence[PrecisionRecall] = ()

    @property
    def all_credit(self) -> tuple[str, ...]:
        """Credit lines of the run and of the page, without repetitions."""
        return tuple(dict.fromkeys((*self.run.credit, *self.credit)))

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Notes of the report, the page and the log, without repetitions."""
        return tuple(dict.fromkeys((*self.run.report.notes, *self.notes, *self.run.log.notes)))
