"""The gallery of a run: evaluated rows with their images, predictions and ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from motet.core import DataError, Dense, Example, Match, MotetError, Reader, Region, Result, Task
from motet.core.printable import one_line
from motet.data.source import Source
from motet.evaluation.predictions_io import read_lines
from motet.evaluation.retrieval import Split, is_ranked
from motet.preprocess.images import decode
from motet.report.cards import predictions as cards
from motet.report.cards.rows import evaluated_tasks, readable_evenly_spaced, spaced_places
from motet.report.content import PredictionCard
from motet.report.runs import RunRecord

Line = Mapping[str, Any]
_CORRECT_PER_ROW = {"accuracy", "answer_match", "exact_match", "region_accuracy", "match_accuracy", "recall_at_1"}
"""Metrics whose score of one row is 0 or 100: their cards have a mark instead of the score."""


def gallery(predictions: Path, sources: Sequence[Source], run: RunRecord, *, per_task: int) -> Iterator[PredictionCard]:
    """Yields cards of some rows of every evaluated task, evenly spaced over its source.

    Args:
        predictions: the file of every row's prediction; without it there are no cards.
        sources: whose readers find the images.
        run: its report names the source that each task was evaluated on.
        per_task: rows per task.
    """
    if not predictions.exists():
        return
    lines = {(line["task"], line["source"], line["id"]): line for line in _checked_lines(predictions)}
    for result, source, task in evaluated_tasks(sources, run):
        by_id = {
            row_id: line for (name, place, row_id), line in lines.items() if (name, place) == (task.name, source.name)
        }
        made = (
            _ranked(source, task, by_id, per_task)
            if is_ranked(task, source.reader)
            else _rows(source, task, by_id, per_task)
        )
        try:
            for card, line in made:
                yield _scored(card, result, line)
        # A line has a form of its own for each kind of target, which somebody may have changed in any way.
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, MotetError):
                raise
            got = f"lines of {task.name!r} with other entries ({type(error).__name__}: {one_line(str(error)):.80})"
            raise DataError(f"predictions: got {got}; want those that motet wrote", path=predictions) from error


def _checked_lines(predictions: Path) -> Iterator[Line]:
    for row, line in enumerate(read_lines(predictions)):
        if not all(isinstance(line.get(name), str) for name in ("task", "source", "id")):
            got = f"the keys {sorted(line)}"
            raise DataError(f"predictions: got {got}; want a line that motet wrote", path=predictions, row=row)
        yield line


def _rows(
    source: Source, task: Task, by_id: Mapping[str, Line], per_task: int
) -> Iterator[tuple[PredictionCard, Line]]:
    for example in readable_evenly_spaced(source, per_task):
        line = by_id.get(example.id)
        if line is None or not example.images:
            continue
        try:
            yield _card(example, task, line), line
        except DataError:
            continue  # an image that cannot be read was counted in the evaluation


def _card(example: Example, task: Task, line: Line) -> PredictionCard:
    images = [decode(image) for image in example.images]
    boxes = isinstance(line["prediction"], dict) and "names" in line["prediction"]
    match task.target:
        case Region():
            return cards.region_card(images[0], line)
        case Dense() if "png" in line["prediction"]:
            return cards.map_card(images[0], task.annotation_of(example), line, task.target)
        case Match("regions"):
            return cards.pointing_card(images[0], example, line)
        case Match() if "ranking" in line:
            return cards.choice_card(images, example, line)
        case _ if boxes:
            return cards.box_card(images[0], line)
        case _:
            return cards.text_card(images, line)


def _ranked(
    source: Source, task: Task, by_id: Mapping[str, Line], per_task: int
) -> Iterator[tuple[PredictionCard, Line]]:
    """Yields cards of queries that rank a whole split."""
    split = _evaluated_split(source, task, by_id)
    if split is None:
        return
    for place in spaced_places(len(split.rows), per_task):
        row_id = split.rows[place].id
        names = [row_id, *(f"{row_id}#{count}" for count in range(len(split.fits[place])))]
        line = next((by_id[name] for name in names if name in by_id), None)
        if line is None or "ranking" not in line:
            continue
        try:
            yield cards.retrieval_card(source.reader, split, place, task, line), line
        except DataError:
            continue  # as above


def _evaluated_split(source: Source, task: Task, by_id: Mapping[str, Line]) -> Split | None:
    """Returns the rows that were ranked: candidates are numbered without the bad rows that were left out."""
    assert isinstance(task.target, Match)  # only tasks of this target rank a split
    among = next((line["ranking"]["among"] for line in by_id.values() if "ranking" in line), None)
    rows = range(len(source.reader))
    for images in (False, True):  # the images are decoded only where rows without a broken annotation do not suffice
        rows_left = [row for row in rows if _is_readable(source.reader, row, images=images)]
        split = Split.of(source.reader, task, rows_left, source.name)
        if among == len(split.rows if task.target.among == "images" else split.texts):
            return split
    return None


def _is_readable(reader: Reader, row: int, *, images: bool) -> bool:
    try:
        example = reader[row]
        for image in example.images if images else ():
            decode(image)
    except DataError:
        return False
    return True


def _scored(card: PredictionCard, result: Result, line: Line) -> PredictionCard:
    """Returns a card with its mark, or with its score where the metric has no right and wrong."""
    score = line["scores"].get(result.metric)
    if score is None:
        return card
    if result.metric in _CORRECT_PER_ROW:
        return replace(card, correct=bool(score >= 50))
    return replace(card, score=card.score or _score_text(result, score))


def _score_text(result: Result, score: float) -> str:
    """Returns a row's score as text: percents whole, metres and degrees with one or two decimals."""
    digits = 0 if result.unit == "%" or abs(score) >= 100 else 1 if abs(score) >= 10 else 2
    unit = "" if result.unit == "%" else result.unit
    return f"{result.metric} {score:.{digits}f} {unit}".rstrip()
