"""Answers of the service as JSON values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from motet.core import (
    BoxSet,
    ClassPrediction,
    Dense,
    DenseMap,
    Match,
    PanopticMap,
    Prediction,
    ScalarPrediction,
    Task,
    TextPrediction,
)
from motet.hub.many import RowPredictions
from motet.hub.prediction_record import prediction_value, scores_to_json
from motet.report.draw import describe_map, draw_map, encode_png


class TaskAnswer(BaseModel):
    """A task of the model.

    Attributes:
        name: its name.
        inputs: "image", "text", "regions", "video".
        target: its kind, such as "Label".
        names: of its classes, 200 at most.
        candidates: the kind of candidates that a request must bring; "" for none.
        attention: whether POST /attention/NAME draws its attention.
        single: whether there is a single-task model of it to compare with.
    """

    name: str
    inputs: list[str]
    target: str
    names: list[str]
    candidates: str
    attention: bool
    single: bool


class TasksAnswer(BaseModel):
    """All tasks of the model, and the limits of a request."""

    tasks: list[TaskAnswer]
    limits: dict[str, float]


class RowAnswer(BaseModel):
    """The prediction of one row, or its error.

    Attributes:
        kind: of the prediction.
        value: a name or text; a number; boxes with their names and scores; a map as a small PNG in base64.
        scores: probabilities of the best names, scores of candidates, or the log-probability of a text.
        line: a map as a sentence.
        drawn: a map in colours, a PNG in base64, on request.
        error: one line; a row with an error has no value.
    """

    kind: Literal["class", "text", "number", "boxes", "map"] | None = None
    value: Any = None
    scores: dict[str, Any] = Field(default_factory=dict)
    line: str = ""
    drawn: str = ""
    error: str = ""


class PredictAnswer(BaseModel):
    """The answer to a request: one entry per row, in their order."""

    task: str
    model: Literal["multi", "single"]
    predictions: list[RowAnswer]


class ErrorAnswer(BaseModel):
    """The answer to a request that is refused: one line."""

    error: str


def task_answer(task: Task, *, attention: bool, single: bool) -> TaskAnswer:
    """Returns a task for `GET /tasks`."""
    names = getattr(task.target, "names", ())
    candidates = task.target.among if isinstance(task.target, Match) and task.target.among != "images" else ""
    return TaskAnswer(
        name=task.name, inputs=sorted(task.inputs), target=type(task.target).__name__, names=list(names[:200]),
        candidates=candidates, attention=attention, single=single,
    )  # fmt: skip


def row_answer(row: RowPredictions, task: Task, *, top: int, drawn: bool) -> RowAnswer:
    """Returns the prediction of a row, or its error.

    Args:
        row: of `Predictor.many`.
        task: that was predicted.
        top: names or candidates with scores.
        drawn: whether a map is also drawn in colours.
    """
    if row.error:
        return RowAnswer(error=row.error)
    prediction = row.predictions[task.name]
    answer = RowAnswer(
        kind=_kind(prediction), value=prediction_value(prediction, task), scores=scores_to_json(prediction, task, top)
    )
    if isinstance(prediction, DenseMap) and isinstance(task.target, Dense):
        answer.line = describe_map(prediction.values, task.target)
        if drawn:
            answer.drawn = base64.b64encode(encode_png(draw_map(prediction.values, task.target))).decode()
    return answer


def _kind(prediction: Prediction) -> Literal["class", "text", "number", "boxes", "map"]:
    match prediction:
        case ClassPrediction():
            return "class"
        case TextPrediction():
            return "text"
        case ScalarPrediction():
            return "number"
        case BoxSet():
            return "boxes"
        case DenseMap() | PanopticMap():
            return "map"


def limits_answer(limits: Mapping[str, float]) -> dict[str, float]:
    """Returns the limits that a client can keep to."""
    return {name: value for name, value in limits.items() if name in ("body_bytes", "pixels", "rows", "images", "text")}
