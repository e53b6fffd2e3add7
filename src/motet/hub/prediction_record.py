"""Predictions of rows as records: JSON values for files of many predictions and for the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from motet.core import Answer, ClassPrediction, Label, Match, Prediction, Task, TextPrediction
from motet.evaluation.predictions_io import prediction_to_json, value_to_json
from motet.hub.many import RowPredictions


def row_record(row: RowPredictions, tasks: Mapping[str, Task], *, alternatives: int = 0) -> dict[str, Any]:
    """Returns a row's predictions as JSON values, or its error.

    Args:
        row: of `Predictor.many`.
        tasks: the system's, by name.
        alternatives: the number of next best names per prediction, with their scores; 0 for none.

    Examples:
        >>> row_record(RowPredictions(row=4, id="a.jpg", error="image: got 3 bytes; want an image"), {})
        {'row': 4, 'id': 'a.jpg', 'images': [], 'error': 'image: got 3 bytes; want an image'}
    """
    record: dict[str, Any] = {"row": row.row, "id": row.id, "images": list(row.images)}
    if "".join(row.text):
        record["text"] = row.text if isinstance(row.text, str) else list(row.text)
    if row.error:
        return record | {"error": row.error}
    found = {name: prediction_to_json(one, tasks[name].target) for name, one in row.predictions.items()}
    record["predictions"] = found
    if alternatives:
        record["scores"] = {
            name: scores_to_json(one, tasks[name], alternatives) for name, one in row.predictions.items()
        }
    return record


def scores_to_json(prediction: Prediction, task: Task, count: int) -> dict[str, Any]:
    """Returns the confidence in a prediction: probabilities of names, scores of candidates, log-probability of a text.

    Boxes have their scores beside them, and a number or a map has none: they yield no entry.

    Args:
        prediction: of the task.
        task: its names are those that the prediction chose from.
        count: names or candidates at most, the best first.

    Examples:
        >>> from motet.tasks import classification
        >>> scores_to_json(ClassPrediction(1, "dog", (0.0, 1.0)), classification("kind", ("cat", "dog")), 1)
        {'top': [{'name': 'dog', 'probability': 0.731059}]}
    """
    match prediction, task.target:
        case ClassPrediction(scores=scores), (Label(names=names) | Answer(names=names)) if len(scores) == len(names):
            return {"top": [{"name": names[place], "probability": share} for place, share in _top(scores, count)]}
        case ClassPrediction(scores=scores), Match() if scores:
            order = np.argsort(-np.asarray(scores), kind="stable")[:count].tolist()
            return {"top": [{"candidate": place, "score": _short(scores[place])} for place in order]}
        case TextPrediction(log_prob=log_prob), _:
            return {"log_prob": _short(log_prob)}
    return {}


def _top(scores: Sequence[float], count: int) -> list[tuple[int, float]]:
    """Returns the places of the highest scores, with their shares by a softmax over all."""
    if not scores or not np.isfinite(max(scores)):
        return []
    shares = np.exp(np.asarray(scores, dtype=np.float64) - max(scores))
    shares /= shares.sum()
    return [(place, _short(shares[place])) for place in np.argsort(-shares, kind="stable")[:count].tolist()]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def table_row(record: Mapping[str, Any], tasks: Sequence[str], *, scored: bool) -> dict[str, str | None]:
    """Returns a record as cells of a table: one column per task, and one of its scores.

    Texts are cells as they are; boxes, maps and scores are JSON.

    Args:
        record: of `row_record`.
        tasks: their names, in the order of the columns.
        scored: whether there are columns of scores.

    Examples:
        >>> table_row({"row": 0, "id": "a", "images": ["a.jpg"], "predictions": {"n": 3}}, ["n"], scored=False)
        {'row': '0', 'id': 'a', 'image': 'a.jpg', 'text': None, 'n': '3', 'error': None}
    """
    images, text = record["images"], record.get("text")
    image = images[0] if len(images) == 1 else images or None
    cells = {"row": str(record["row"]), "id": record["id"], "image": _cell(image), "text": _cell(text)}
    for name in tasks:
        cells[name] = _cell(record.get("predictions", {}).get(name))
        if scored:
            cells[f"{name}.scores"] = _cell(record.get("scores", {}).get(name))
    return cells | {"error": record.get("error")}


def _cell(value: Any) -> str | None:
    import json

    if value is None or isinstance(value, str):
        return value
    return json.dumps(value_to_json(value), ensure_ascii=False)


def prediction_value(prediction: Prediction, task: Task) -> Any:
    """Returns a prediction as JSON values: its text, number or boxes; a map as a small image.

    Args:
        prediction: of the task.
        task: it has the names of classes.
    """
    return prediction_to_json(prediction, task.target)
