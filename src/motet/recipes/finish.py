"""A finished run as something to look at and to pass on: its page with pictures, and its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from motet.core import BoxSet, DataError, Result
from motet.core.saved import model_folder
from motet.data.source import Source
from motet.drawing import draw_boxes, side_by_side
from motet.evaluate.written import read_lines
from motet.prep.images import decode
from motet.report import Comparison, Content, RunRecord, Shown, read_run, thumbnail, write_report
from motet.restore import model_card, restore

PREDICTIONS = "predictions.jsonl"
_CARD = "README.md"
BOXED = 256
"""Pixels of each picture's height where boxes are drawn on it."""
SURE = 0.3
"""Boxes of a lower score are not shown."""
_JUDGED_BY_ROW = {"accuracy", "answer_match", "exact"}


def write_page(
    folder: Path, sources: Sequence[Source], *, title: str, comparison: Comparison | None = None, per_task: int = 6
) -> Path:
    """Writes `report.html` and `report.md` into a finished run's folder, with predictions beside their pictures.

    Args:
        folder: of the run.
        sources: of the run; those that were judged are looked up by the names in its report.
        title: of the page.
        comparison: with single-task models, where there are any.
        per_task: pictures a task.

    Raises:
        CheckpointError: a folder that is no finished run, or that cannot be written.
    """
    run = read_run(folder)
    shown = tuple(gallery(folder / PREDICTIONS, sources, run, per_task=per_task))
    page, _ = write_report(folder, Content(title, run, comparison, shown))
    return page


def write_card(folder: Path, *, trust: Sequence[str] = ()) -> Path:
    """Writes the model card of a run into the folder of its last saved step.

    Raises:
        CheckpointError: the run has no saved step, or it is damaged.
    """
    run = read_run(folder)
    place = model_folder(folder)
    card = model_card(restore(place, trust=trust), name=str(folder), report=run.report, credit=run.credit)
    (place / _CARD).write_text(card, encoding="utf-8")
    return place / _CARD


def gallery(predictions: Path, sources: Sequence[Source], run: RunRecord, *, per_task: int) -> Iterator[Shown]:
    """Some rows of every task that was judged, spread evenly over its source, with what was said and what is true.

    Args:
        predictions: the file of every row's prediction; without it there is nothing to show.
        sources: by whose readers the pictures are found.
        run: its report says which source each task was judged on.
        per_task: rows a task.
    """
    if not predictions.exists():
        return
    said = {(line["task"], line["source"], line["id"]): line for line in read_lines(predictions)}
    by_name = {source.name: source for source in sources}
    for result in run.report.results:
        source = by_name.get(result.source)
        if result.main and source is not None:
            yield from _cards(result, source, said, per_task)


def _cards(
    result: Result, source: Source, said: Mapping[tuple[str, str, str], dict[str, Any]], per_task: int
) -> Iterator[Shown]:
    count = len(source.reader)
    for place in range(min(per_task, count)):
        example = source.reader[place * count // min(per_task, count)]
        line = said.get((result.task, source.name, example.id))
        if line is None or not example.images:
            continue
        try:
            picture = decode(example.images[0])
        except DataError:
            continue  # a picture that cannot be read was counted when it was judged
        boxed = isinstance(line["prediction"], dict) and "names" in line["prediction"]
        yield Shown(
            picture=_boxed(picture, line["prediction"], line["truth"]) if boxed else thumbnail(picture),
            wide=boxed,
            task=result.task,
            question=_text(line["text"]),
            prediction=_listed(line["prediction"], said=True) if boxed else _text(line["prediction"]),
            truth=_listed(line["truth"]) if boxed else _text(line["truth"]),
            right=_right(result, line),
            score=_score(result, line),
        )


def _boxed(picture: Image.Image, said: Mapping[str, Any], true: Mapping[str, Any]) -> bytes:
    """What is true beside what was said, each on the picture, at a size at which names can be read."""
    scale = BOXED / picture.height
    large = picture.resize((max(1, round(picture.width * scale)), BOXED))
    names = {
        **dict(zip(true["labels"], true["names"], strict=True)),
        **dict(zip(said["labels"], said["names"], strict=True)),
    }
    listed = [names.get(label, "") for label in range(max(names, default=-1) + 1)]
    panels = [
        ("true", draw_boxes(large, _box_set(true), listed, scale)),
        ("said", draw_boxes(large, _box_set(said), listed, scale, scores=True, min_score=SURE)),
    ]
    return thumbnail(side_by_side(panels, height=BOXED), size=4 * BOXED)


def _box_set(written: Mapping[str, Any]) -> BoxSet:
    boxes = np.asarray(written["boxes_xyxy"], dtype=np.float64).reshape(-1, 4)
    return BoxSet(boxes, np.asarray(written["labels"], dtype=np.int64), np.asarray(written["scores"], dtype=np.float64))


def _listed(written: Mapping[str, Any], *, said: bool = False) -> str:
    """The things in words, with what is said of them; of those that were said, the sure ones."""
    described = written.get("described") or [()] * len(written["names"])
    rows = sorted(zip(written["scores"], written["names"], described, strict=True), key=lambda row: -row[0])
    shown = [(score, " ".join([*words, name])) for score, name, words in rows if not said or score >= SURE]
    return ", ".join(f"{name} {score:.2f}" if said else name for score, name in shown)


def _right(result: Result, line: Mapping[str, Any]) -> bool | None:
    score = line["scores"].get(result.metric)
    return None if score is None or result.metric not in _JUDGED_BY_ROW else bool(score >= 50)


def _score(result: Result, line: Mapping[str, Any]) -> str:
    score = line["scores"].get(result.metric)
    return "" if score is None or result.metric in _JUDGED_BY_ROW else f"{result.metric} {score:.0f}"


def _text(value: Any) -> str:
    """Several answers one after the other, each once."""
    if isinstance(value, list):
        return " / ".join(dict.fromkeys(map(str, value)))
    return str(value)
