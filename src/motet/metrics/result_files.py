"""Predictions in the files that the servers of COCO, VQA and GLUE and their official scripts read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from motet.core import MetricError

Said = TypeVar("Said")


def caption_results(predictions: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """COCO caption results from (image id, caption).

    Source: cocodataset.org, "Results format": ``[{"image_id": int, "caption": str}]``.

    Raises:
        MetricError: two captions of one image.

    Examples:
        >>> caption_results([("coco2017/val/391895", "a man on a bike")])
        [{'image_id': 391895, 'caption': 'a man on a bike'}]
    """
    return _rows(predictions, "image_id", "caption")


def answer_results(predictions: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """VQA results from (row id, answer).

    Source: visualqa.org, "Results format": ``[{"question_id": int, "answer": str}]``.

    Raises:
        MetricError: two answers to one question.

    Examples:
        >>> answer_results([("vqav2/val/262148003", "yes")])
        [{'question_id': 262148003, 'answer': 'yes'}]
    """
    return _rows(predictions, "question_id", "answer")


def box_results(
    predictions: Iterable[tuple[str, Mapping[str, Any]]], category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """COCO detection results from (row id, boxes as `predictions.jsonl` holds them), a row for each box.

    Source: cocodataset.org, "Results format": ``[{"image_id": int, "category_id": int, "bbox": [x, y, width, height],
    "score": float}]``.

    Args:
        predictions: of each image.
        category_ids: the official number of each label.

    Raises:
        MetricError: two sets of boxes of one image, or a class without an official number.

    Examples:
        >>> said = {"boxes_xyxy": [[1.0, 2.0, 4.0, 8.0]], "labels": [1], "scores": [0.5]}
        >>> box_results([("coco2017/val/42", said)], (1, 18))
        [{'image_id': 42, 'category_id': 18, 'bbox': [1.0, 2.0, 3.0, 6.0], 'score': 0.5}]
    """
    found: dict[int | str, Mapping[str, Any]] = {}
    for number, boxes in _numbered(predictions):
        if number in found:
            raise MetricError(f"result file: image_id {number!r}: got a second set of boxes; want one")
        found[number] = boxes
    return [
        {
            "image_id": number,
            "category_id": _category(category_ids, label),
            "bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)],
            "score": score,
        }
        for number, boxes in found.items()
        for (x0, y0, x1, y1), label, score in zip(boxes["boxes_xyxy"], boxes["labels"], boxes["scores"], strict=True)
    ]


def glue_results(predictions: Iterable[tuple[str, str]], names: Sequence[str]) -> list[tuple[int, str]]:
    """GLUE's results from (row id, name), sorted by the number at the end of the id: names of relations, else 0 and 1.

    Source: gluebenchmark.com, "FAQ": a file a task with the columns ``index`` and ``prediction``.

    Args:
        predictions: of each row.
        names: the task's, in their order.

    Raises:
        MetricError: two answers to one row, an id without a number at its end, or an answer that is no name.

    Examples:
        >>> glue_results([("sst2/test/1", "positive"), ("sst2/test/0", "negative")], ("negative", "positive"))
        [(0, '0'), (1, '1')]
    """
    # WNLI's file holds numbers, though its classes are called like RTE's, the other way round.
    in_words = names[0] == "entailment"
    found: dict[int, str] = {}
    for row_id, said in predictions:
        number = _number(row_id)
        if not isinstance(number, int):
            raise MetricError(f"result file: row {row_id!r}: got no number at its end; want GLUE's index")
        if number in found:
            raise MetricError(f"result file: index {number}: got a second answer; want one")
        if said not in names:
            raise MetricError(f"result file: index {number}: got {said!r}; want one of {', '.join(names)}")
        found[number] = said if in_words else str(list(names).index(said))
    return sorted(found.items())


def write_results(path: Path, results: list[dict[str, Any]]) -> None:
    """Writes a result file whole or not at all.

    Raises:
        MetricError: the file cannot be written.
    """
    _write(path, json.dumps(results, ensure_ascii=False))


def write_glue(path: Path, results: Iterable[tuple[int, str]]) -> None:
    """Writes a result file for GLUE whole or not at all. Raises MetricError, see `write_results`."""
    _write(path, "".join(f"{index}\t{said}\n" for index, said in [("index", "prediction"), *results]))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise MetricError(f"result file: got {error.strerror or error}; want a place to write ({path})") from error


def _rows(predictions: Iterable[tuple[str, str]], key: str, said: str) -> list[dict[str, Any]]:
    found: dict[int | str, str] = {}
    for number, text in _numbered(predictions):
        if number in found:
            raise MetricError(f"result file: {key} {number!r}: got a second {said}; want one")
        found[number] = text
    return [{key: number, said: text} for number, text in found.items()]


def _category(category_ids: Sequence[int], label: int) -> int:
    if category_ids[label] < 0:
        raise MetricError(f"result file: class {label}: got no official number; want one for each class")
    return category_ids[label]


def _numbered(predictions: Iterable[tuple[str, Said]]) -> list[tuple[int | str, Said]]:
    """Each row's official number, or its name where it has none: the whole of it where several end alike."""
    rows = list(predictions)
    last = {row_id: _number(row_id) for row_id, _ in rows}
    often = Counter(last.values())
    return [
        (row_id if isinstance(number := last[row_id], str) and often[number] > 1 else number, said)
        for row_id, said in rows
    ]


def _number(row_id: str) -> int | str:
    """The official number at the end of an id; other sets keep their name there."""
    last = row_id.rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else last
