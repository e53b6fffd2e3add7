"""Predictions in the files that the COCO caption and VQA servers and their official scripts read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from motet.core import MetricError


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


def write_results(path: Path, results: list[dict[str, Any]]) -> None:
    """Writes a result file whole or not at all.

    Raises:
        MetricError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(results, ensure_ascii=False), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise MetricError(f"result file: got {error.strerror or error}; want a place to write ({path})") from error


def _rows(predictions: Iterable[tuple[str, str]], key: str, said: str) -> list[dict[str, Any]]:
    found: dict[int | str, str] = {}
    for row_id, text in predictions:
        number = _number(row_id)
        if number in found:
            raise MetricError(f"result file: {key} {number!r}: got a second {said}; want one")
        found[number] = text
    return [{key: number, said: text} for number, text in found.items()]


def _number(row_id: str) -> int | str:
    """The official number at the end of an id; other sets keep their name there."""
    last = row_id.rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else last
