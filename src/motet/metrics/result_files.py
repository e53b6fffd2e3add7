"""Result files of the evaluation servers and official scripts of COCO, VQA and GLUE."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from motet.core import MetricError
from motet.core.whole_files import write_whole

T = TypeVar("T")


def caption_results(predictions: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Returns COCO caption results from (image id, caption).

    Source: cocodataset.org, "Results format": ``[{"image_id": int, "caption": str}]``.

    Raises:
        MetricError: two captions of one image.

    Examples:
        >>> caption_results([("coco2017/val/391895", "a man on a bike")])
        [{'image_id': 391895, 'caption': 'a man on a bike'}]
    """
    return _rows(predictions, "image_id", "caption")


def answer_results(predictions: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Returns VQA results from (row id, answer).

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
    """Returns COCO detection results, one row per box, from (row id, boxes as in `predictions.jsonl`).

    Source: cocodataset.org, "Results format": ``[{"image_id": int, "category_id": int, "bbox": [x, y, width, height],
    "score": float}]``.

    Args:
        predictions: the boxes of each image.
        category_ids: the official id of each label.

    Raises:
        MetricError: two sets of boxes for one image, or a class without an official id.

    Examples:
        >>> prediction = {"boxes_xyxy": [[1.0, 2.0, 4.0, 8.0]], "labels": [1], "scores": [0.5]}
        >>> box_results([("coco2017/val/42", prediction)], (1, 18))
        [{'image_id': 42, 'category_id': 18, 'bbox': [1.0, 2.0, 3.0, 6.0], 'score': 0.5}]
    """
    found: dict[int | str, Mapping[str, Any]] = {}
    for number, boxes in _numbered(predictions):
        if number in found:
            raise MetricError(f"result file: image_id {number!r}: got a second set of boxes; want one per image")
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
    """Returns GLUE results from (row id, class name), sorted by the index at the end of the id.

    Entailment tasks have the class name as their prediction, all others its index, 0 or 1.

    Source: gluebenchmark.com, "FAQ": one file per task with the columns ``index`` and ``prediction``.

    Args:
        predictions: the class name of each row.
        names: the task's class names, in their order.

    Raises:
        MetricError: two predictions for one row, an id without a number at its end, or an unknown class name.

    Examples:
        >>> glue_results([("sst2/test/1", "positive"), ("sst2/test/0", "negative")], ("negative", "positive"))
        [(0, '0'), (1, '1')]
    """
    # WNLI's file holds indices although its classes have the names of RTE's; their order differs.
    by_name = names[0] == "entailment"
    found: dict[int, str] = {}
    for row_id, prediction in predictions:
        number = _number(row_id)
        if not isinstance(number, int):
            raise MetricError(f"result file: row {row_id!r}: got no number at its end; want GLUE's index there")
        if number in found:
            raise MetricError(f"result file: index {number}: got a second prediction; want one per row")
        if prediction not in names:
            raise MetricError(f"result file: index {number}: got {prediction!r}; want one of {', '.join(names)}")
        found[number] = prediction if by_name else str(list(names).index(prediction))
    return sorted(found.items())


def write_results(path: Path, results: list[dict[str, Any]]) -> None:
    """Writes a result file atomically.

    Raises:
        MetricError: the file cannot be written.
    """
    _write(path, json.dumps(results, ensure_ascii=False))


def write_glue(path: Path, results: Iterable[tuple[int, str]]) -> None:
    """Writes a result file for GLUE atomically. Raises MetricError, see `write_results`."""
    _write(path, "".join(f"{index}\t{prediction}\n" for index, prediction in [("index", "prediction"), *results]))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise MetricError(f"result file: got {error.strerror or error}; want a writable path ({path})") from error


def _rows(predictions: Iterable[tuple[str, str]], id_key: str, value_key: str) -> list[dict[str, Any]]:
    found: dict[int | str, str] = {}
    for number, text in _numbered(predictions):
        if number in found:
            raise MetricError(f"result file: {id_key} {number!r}: got a second {value_key}; want one per {id_key}")
        found[number] = text
    return [{id_key: number, value_key: text} for number, text in found.items()]


def _category(category_ids: Sequence[int], label: int) -> int:
    if category_ids[label] < 0:
        raise MetricError(f"result file: class {label}: got no official category id; want one for each class")
    return category_ids[label]


def _numbered(predictions: Iterable[tuple[str, T]]) -> list[tuple[int | str, T]]:
    """Returns each row's official number; without one the last part of its id, or all of it if that is not unique."""
    rows = list(predictions)
    last = {row_id: _number(row_id) for row_id, _ in rows}
    counts = Counter(last.values())
    return [
        (row_id if isinstance(number := last[row_id], str) and counts[number] > 1 else number, prediction)
        for row_id, prediction in rows
    ]


def _number(row_id: str) -> int | str:
    """Returns the official number at the end of an id, or the last part of the id if it is not a number."""
    last = row_id.rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else last
