"""Writes and reads predictions.jsonl: one JSON object per row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    ClassPrediction,
    ConfigError,
    DataError,
    Dense,
    DenseMap,
    Label,
    Match,
    Panoptic,
    PanopticMap,
    Prediction,
    ScalarPrediction,
    TargetSpec,
    TextPrediction,
)
from motet.core.plain_json import parse_json
from motet.core.printable import printable
from motet.core.regular_files import file_bytes
from motet.core.whole_files import whole_file
from motet.evaluation.maps import map_to_json

TOP_K = 5
"""Number of candidates of a ranking that are saved, the best first."""


def prediction_to_json(prediction: Prediction, target: TargetSpec) -> Any:
    """Returns a prediction as JSON values: its text, number or boxes; a map as a small image.

    Examples:
        >>> prediction_to_json(ClassPrediction(1), Label(("cat", "dog")))
        'dog'
    """
    match prediction:
        case TextPrediction(text=text):
            return text
        case ClassPrediction(index=index, name=name):
            names = target.names if isinstance(target, Label | Answer) else ()
            return names[index] if 0 <= index < len(names) else name or index
        case ScalarPrediction(value=value):
            return value
        case BoxSet():
            return _boxes_to_json(prediction, target)
        case DenseMap(values=values):
            return map_to_json(values, target) if isinstance(target, Dense) else {"size": list(values.shape)}
        case PanopticMap():
            return _segments_to_json(prediction, target)
        case _ as never:
            assert_never(never)


def ranking_to_json(prediction: Prediction, annotation: Any, target: TargetSpec) -> dict[str, Any]:
    """Returns the ranking of a `Match` with scores: its first candidates, the rank of the best right one, their number.

    In a tie wrong candidates come first, as in the metrics.

    Examples:
        >>> ranking_to_json(ClassPrediction(1, scores=(0.1, 0.7, 0.4)), {2}, Match("texts"))
        {'first': [1, 2, 0], 'rank': 2, 'among': 3}
    """
    if not isinstance(target, Match) or not isinstance(prediction, ClassPrediction) or not prediction.scores:
        return {}
    scores = np.asarray(prediction.scores, dtype=np.float64)
    right = [int(place) for place in annotation if place < len(scores)]
    # In a tie wrong candidates come first.
    order = np.lexsort((np.isin(np.arange(len(scores)), right), -scores))
    best = next((place + 1 for place, one in enumerate(order.tolist()) if one in right), None)
    return {"first": order[:TOP_K].tolist(), "rank": best, "among": len(scores)}


def confidence(prediction: Prediction, target: TargetSpec) -> float | None:
    """Returns how sure a prediction is, from 0 to 1: its probability, or the score of its surest box; None if unknown.

    A softmax over the scores of all names, or the probability of all words of a text. Rankings have none: their scores
    are similarities of any size.

    Examples:
        >>> confidence(ClassPrediction(1, scores=(0.0, 1.0)), Label(("cat", "dog")))
        0.7311
    """
    match prediction:
        case ClassPrediction(index=index, scores=scores) if isinstance(target, Label | Answer) and scores:
            shares = np.exp(np.asarray(scores, dtype=np.float64) - max(scores))
            share = float(shares[index] / shares.sum()) if 0 <= index < len(scores) else float("nan")
        case TextPrediction(log_prob=log_prob) if log_prob:
            share = float(np.exp(min(0.0, log_prob)))
        case BoxSet(scores=scores) if len(scores):
            share = float(np.max(scores))
        case _:
            return None
    return round(share, 4) if np.isfinite(share) else None


def annotation_to_json(annotation: Any, target: TargetSpec) -> Any:
    """Returns an annotation as JSON values: a class as its name, a map as its size only."""
    if isinstance(target, Label):
        return target.names[int(annotation)]
    if isinstance(annotation, BoxSet):
        return _boxes_to_json(annotation, target)
    if isinstance(annotation, np.ndarray) and annotation.ndim >= 2:
        return {"size": list(annotation.shape)}
    return value_to_json(annotation)


def _segments_to_json(prediction: PanopticMap, target: TargetSpec) -> dict[str, Any]:
    """Returns the segments by name and area, the largest first; their pixels are left out."""
    names = target.names if isinstance(target, Panoptic) else ()
    areas = prediction.areas().tolist()
    labels = [names[label] if label < len(names) else label for label in prediction.labels.tolist()]
    segments = [{"name": name, "area": area} for name, area in zip(labels, areas, strict=True) if area]
    size = list(prediction.segments.shape)
    return {"size": size, "segments": sorted(segments, key=lambda one: -int(one["area"]))}


def _boxes_to_json(boxes: BoxSet, target: TargetSpec) -> dict[str, Any]:
    """Returns boxes with their class names, rounded to hundredths of a pixel to keep the file small."""
    fields: dict[str, Any] = value_to_json(boxes)
    fields["boxes_xyxy"] = np.round(np.asarray(boxes.boxes_xyxy, dtype=np.float64), 2).tolist()
    fields["scores"] = [float(f"{score:.6g}") for score in boxes.scores]
    if np.any(boxes.crowd):
        fields["crowd"] = [bool(one) for one in boxes.crowd]
    if isinstance(target, Boxes):
        fields["names"] = [target.names[int(label)] for label in boxes.labels]
        if boxes.attributes and target.attributes:
            fields["described"] = [[target.attributes[index] for index in one] for one in boxes.attributes]
    return fields


def value_to_json(value: Any) -> Any:
    """Returns tuples, sets, arrays and boxes as lists and dicts."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case BoxSet():
            return {
                "boxes_xyxy": value_to_json(value.boxes_xyxy),
                "labels": value_to_json(value.labels),
                "scores": value_to_json(value.scores),
                "attributes": value_to_json(value.attributes),
            }
        case np.ndarray() | np.generic():
            return value.tolist()
        case Mapping():
            return {str(key): value_to_json(part) for key, part in value.items()}
        case set() | frozenset():
            return sorted(value_to_json(part) for part in value)
        case list() | tuple():
            return [value_to_json(part) for part in value]
    return repr(value)


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Writes lines of JSON, all of them or none.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            for line in lines:
                text = printable(json.dumps(line, ensure_ascii=False))  # ids hold names of files
                file.write(text.encode() + b"\n")
    except OSError as error:
        raise ConfigError(f"predictions: got {error.strerror or error}; want a writable path ({path})") from error


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines that `write_lines` wrote.

    Raises:
        DataError: the file does not exist, or a line is no JSON object.
    """
    try:
        lines = file_bytes(path).splitlines()
    except OSError as error:
        raise DataError(f"predictions: got {error.strerror or error}; want a readable file", path=path) from error
    for number, line in enumerate(lines):
        try:
            row = parse_json(line, halves=True)
        except ValueError as error:
            raise DataError(f"predictions: got {error}, one object per line", path=path, row=number) from error
        if not isinstance(row, dict):
            raise DataError("predictions: got no object; want one JSON object per line", path=path, row=number)
        yield row
