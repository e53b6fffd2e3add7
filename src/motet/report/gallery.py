"""Rows of a run that were judged, with their images: what was asked, what was said, what is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import DataError, Dense, Example, Match, Region, Result, Task
from motet.data.source import Source
from motet.evaluation.predictions_io import read_lines
from motet.evaluation.retrieval import Split, is_ranked
from motet.preprocess.images import decode
from motet.report import PredictionCard, RunRecord
from motet.report.cards import predictions as answers

Line = Mapping[str, Any]
_JUDGED_BY_ROW = {"accuracy", "answer_match", "exact", "region_accuracy", "match_accuracy", "recall_at_1"}


def gallery(predictions: Path, sources: Sequence[Source], run: RunRecord, *, per_task: int) -> Iterator[PredictionCard]:
    """Some rows of every task that was judged, spread evenly over its source, with what was said and what is true.

    Args:
        predictions: the file of every row's prediction; without it there is nothing to show.
        sources: by whose readers the images are found.
        run: its report says which source each task was judged on.
        per_task: rows a task.
    """
    if not predictions.exists():
        return
    said = {(line["task"], line["source"], line["id"]): line for line in read_lines(predictions)}
    for result, source, task in evaluated_tasks(sources, run):
        own = {
            row_id: line for (name, place, row_id), line in said.items() if (name, place) == (task.name, source.name)
        }
        if is_ranked(task):
            yield from _ranked(result, source, task, own, per_task)
        else:
            yield from _rows(result, source, task, own, per_task)


def evaluated_tasks(sources: Sequence[Source], run: RunRecord) -> Iterator[tuple[Result, Source, Task]]:
    """Each task with the source that its main number is of."""
    by_name = {source.name: source for source in sources}
    for result in run.report.results:
        source = by_name.get(result.source)
        task = next((task for task in source.tasks if task.name == result.task), None) if source else None
        if result.main and source is not None and task is not None:
            yield result, source, task


def evenly_spaced(source: Source, most: int) -> Iterator[Example]:
    """Rows evenly over a source."""
    count = len(source.reader)
    return (source.reader[place * count // min(most, count)] for place in range(min(most, count)))


def _rows(
    result: Result, source: Source, task: Task, said: Mapping[str, Line], per_task: int
) -> Iterator[PredictionCard]:
    for example in evenly_spaced(source, per_task):
        line = said.get(example.id)
        if line is None or not example.images:
            continue
        try:
            images = [decode(image) for image in example.images]
        except DataError:
            continue  # an image that cannot be read was counted when it was judged
        boxed = isinstance(line["prediction"], dict) and "names" in line["prediction"]
        match task.target:
            case Region():
                card = answers.region_card(images[0], line)
            case Dense() if "png" in line["prediction"]:
                card = answers.map_card(images[0], task.annotation_of(example), line, task.target)
            case Match("regions"):
                card = answers.pointing_card(images[0], example, line)
            case Match() if "ranking" in line:
                card = answers.choice_card(images, example, line)
            case _ if boxed:
                card = answers.box_card(images[0], line)
            case _:
                card = answers.text_card(images, line)
        yield _shown(result, line, card)


def _ranked(
    result: Result, source: Source, task: Task, said: Mapping[str, Line], per_task: int
) -> Iterator[PredictionCard]:
    """Queries of a ranking over a whole split, with what was found first and what is right."""
    split = Split.of(source.reader, task, range(len(source.reader)), source.name)
    asked = [row.id for row in split.rows]
    for number in range(min(per_task, len(asked))):
        place = number * len(asked) // min(per_task, len(asked))
        names = [asked[place], *(f"{asked[place]}#{count}" for count in range(len(split.fits[place])))]
        line = next((said[name] for name in names if name in said), None)
        if line is None or "ranking" not in line:
            continue
        try:
            card = answers.retrieval_card(source.reader, split, place, task, line)
        except DataError:
            continue
        yield _shown(result, line, card)


def _shown(result: Result, line: Line, card: answers.AnswerCard) -> PredictionCard:
    score = line["scores"].get(result.metric)
    by_row = result.metric in _JUDGED_BY_ROW
    return PredictionCard(
        image=card.image,
        wide=card.wide,
        task=result.task,
        prompt="" if card.hides_text else answers.text_of(line["text"]),
        prediction=card.prediction,
        ground_truth=card.ground_truth,
        correct=None if score is None or not by_row else bool(score >= 50),
        score=card.score or ("" if score is None or by_row else _score(result, score)),
        ranked_texts=card.listed,
    )


def _score(result: Result, score: float) -> str:
    """A row's score: percents whole, metres and degrees to a tenth or a hundredth."""
    digits = 0 if result.unit == "%" or abs(score) >= 100 else 1 if abs(score) >= 10 else 2
    unit = "" if result.unit == "%" else result.unit
    return f"{result.metric} {score:.{digits}f} {unit}".rstrip()
