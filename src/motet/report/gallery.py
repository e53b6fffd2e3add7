"""The gallery of a run: evaluated rows with their images, predictions and ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from motet.report.cards.hardest import CORRECT_PER_ROW, confidence_of, hardest
from motet.report.cards.rows import evaluated_tasks, readable_evenly_spaced, spaced_places
from motet.report.content import Choice, PredictionCard
from motet.report.runs import RunRecord

Line = Mapping[str, Any]


def gallery(
    predictions: Path, sources: Sequence[Source], run: RunRecord, *, per_task: int, num_hardest: int = 0
) -> Iterator[PredictionCard]:
    """Yields cards of some rows of every evaluated task: the hardest ones, then some evenly spaced over its source.

    Args:
        predictions: the file of every row's prediction; without it there are no cards.
        sources: whose readers find the images.
        run: its report names the source that each task was evaluated on.
        per_task: evenly spaced rows per task.
        num_hardest: rows per task with the surest wrong or the worst predictions (see `hardest`).
    """
    if not predictions.exists():
        return
    lines = {(line["task"], line["source"], line["id"]): line for line in checked_lines(predictions)}
    for result, source, task in evaluated_tasks(sources, run):
        by_id = {
            row_id: line for (name, place, row_id), line in lines.items() if (name, place) == (task.name, source.name)
        }
        try:
            hard = hardest(by_id.values(), result, num_hardest) if num_hardest else []
            chosen: dict[str, Choice] = {line["id"]: choice for line, choice in hard}
            make = _ranked if is_ranked(task, source.reader) else _rows
            for card, line in make(source, task, by_id, per_task, chosen):
                sure, choice = confidence_of(line), chosen.get(line["id"], "evenly spaced")
                yield replace(_scored(card, result, line), confidence=sure, choice=choice)
        # A line has a form of its own for each kind of target, which somebody may have changed in any way.
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, MotetError):
                raise
            got = f"lines of {task.name!r} with other entries ({type(error).__name__}: {one_line(str(error)):.80})"
            raise DataError(f"predictions: got {got}; want those that motet wrote", path=predictions) from error


def checked_lines(predictions: Path) -> Iterator[Line]:
    """Yields the lines of a file of predictions. Raises DataError for one without task, source or id."""
    for row, line in enumerate(read_lines(predictions)):
        if not all(isinstance(line.get(name), str) for name in ("task", "source", "id")):
            got = f"the keys {sorted(line)}"
            raise DataError(f"predictions: got {got}; want a line that motet wrote", path=predictions, row=row)
        yield line


def _rows(
    source: Source, task: Task, by_id: Mapping[str, Line], per_task: int, chosen: Mapping[str, Choice]
) -> Iterator[tuple[PredictionCard, Line]]:
    spaced = (example for example in readable_evenly_spaced(source, per_task) if example.id not in chosen)
    for example in (*_of_ids(source, by_id, chosen), *spaced):
        line = by_id.get(example.id)
        if line is None or not example.images:
            continue
        try:
            yield _card(example, task, line), line
        except DataError:
            continue  # an image that cannot be read was counted in the evaluation


def _of_ids(source: Source, by_id: Mapping[str, Line], chosen: Iterable[str]) -> list[Example]:
    """Returns the rows of some ids in their order; only rows with the images of one of them are read."""
    wanted = {row_id: tuple(by_id[row_id].get("images", ())) for row_id in chosen}
    if not wanted:
        return []
    images, found = set(wanted.values()), dict[str, Example]()
    for place in range(len(source.reader)):
        try:
            if source.reader.keys(place) in images and (example := source.reader[place]).id in wanted:
                found.setdefault(example.id, example)
        except DataError:
            continue  # it was counted in the evaluation
    return [found[row_id] for row_id in wanted if row_id in found]


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
    source: Source, task: Task, by_id: Mapping[str, Line], per_task: int, chosen: Mapping[str, Choice]
) -> Iterator[tuple[PredictionCard, Line]]:
    """Yields cards of queries that rank a whole split."""
    split = _evaluated_split(source, task, by_id)
    if split is None:
        return
    names_of = [
        [row.id, *(f"{row.id}#{count}" for count in range(len(split.fits[place])))]
        for place, row in enumerate(split.rows)
    ]
    place_of = {name: place for place, names in enumerate(names_of) for name in names}
    hard = [(place_of[name], name) for name in chosen if name in place_of]
    spaced = [(place, "") for place in spaced_places(len(split.rows), per_task)]
    for place, name in (*hard, *spaced):
        line = by_id[name] if name else next((by_id[one] for one in names_of[place] if one in by_id), None)
        if not name and line is not None and line["id"] in chosen:
            continue  # it is among the hardest
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
    if result.metric in CORRECT_PER_ROW:
        return replace(card, correct=bool(score >= 50))
    return replace(card, score=card.score or _score_text(result, score))


def _score_text(result: Result, score: float) -> str:
    """Returns a row's score as text: percents whole, metres and degrees with one or two decimals."""
    digits = 0 if result.unit == "%" or abs(score) >= 100 else 1 if abs(score) >= 10 else 2
    unit = "" if result.unit == "%" else result.unit
    return f"{result.metric} {score:.{digits}f} {unit}".rstrip()
