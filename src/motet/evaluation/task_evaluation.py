"""Evaluation of one task on rows of one source: predictions, updated metrics, results, merged over ranks."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never

import numpy as np
import torch

from motet.core import (
    Boxes,
    BoxSet,
    ClassPrediction,
    DataError,
    Dense,
    DenseMap,
    Label,
    Metric,
    Panoptic,
    PanopticMap,
    Prediction,
    Reader,
    Result,
    ScalarPrediction,
    System,
    Target,
    TargetSpec,
    Task,
    TextPrediction,
)
from motet.core.ranks import gather
from motet.evaluation.batches import EvaluationRow, batches, own_rows
from motet.evaluation.intervals import Bootstrap, bootstrap
from motet.evaluation.predictions_io import (
    annotation_to_json,
    confidence,
    prediction_to_json,
    ranking_to_json,
    value_to_json,
)

MIN_IMAGES_FOR_A_CLAIM = 200  # with fewer, an evaluation shows only that the format is read

_CONSTANT_ROWS = 20  # fewer rows may well have one answer

Progress: TypeAlias = Callable[[str, int, int], None]
"""A callback for progress: a label, the number of items done, and their total."""


@dataclass
class TaskEvaluation:
    """The evaluated rows of one task on one source.

    Args:
        task: the task.
        source: name of the source.
        metrics: the task's metrics, updated with the rows.
        images: row id to image ids.
        predictions: row id to text, prediction, annotation, and further entries ("ranking", "confidence") as JSON
            values; empty unless they are kept.
        answers: some of the different predictions, in words: enough to see that all are the same.
    """

    task: Task
    source: str
    metrics: tuple[Metric, ...]
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    predictions: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)

    @classmethod
    def empty(cls, task: Task, source: str) -> TaskEvaluation:
        """Returns an evaluation without rows."""
        return cls(task, source, tuple(metric() for metric in task.metrics))

    def add(self, row: EvaluationRow, prediction: Prediction, annotation: Any, *, keep_predictions: bool) -> None:
        """Updates the metrics with one row."""
        for metric in self.metrics:
            metric.update(row.id, prediction, annotation, self.task.target)
        self.images[row.id] = row.images
        if len(self.answers) <= 1:
            self.answers.add(_in_words(prediction, self.task.target))
        if keep_predictions:
            target = self.task.target
            self.predictions[row.id] = (
                value_to_json(row.text),
                prediction_to_json(prediction, target),
                annotation_to_json(annotation, target),
                _further(prediction, annotation, target),
            )

    def merged(self) -> TaskEvaluation:
        """Returns the evaluation with the rows of all ranks, the same on each rank."""
        whole = TaskEvaluation.empty(self.task, self.source)
        for kept, images, predictions, answers in gather(
            ([metric.rows for metric in self.metrics], self.images, self.predictions, self.answers)
        ):
            whole.answers.update(answers)
            for metric, rows in zip(whole.metrics, kept, strict=True):
                metric.rows.update(rows)
            whole.images.update(images)
            whole.predictions.update(predictions)
        return whole

    def num_images(self) -> int:
        """Returns the number of different images of the rows; a video counts one for any number of frames."""
        if "video" in self.task.inputs:
            return len({images for images in self.images.values() if images})
        return len({image for images in self.images.values() for image in images})

    def bootstraps(self) -> tuple[Bootstrap, ...]:
        """Returns the bootstrap over images of each metric."""
        return tuple(bootstrap(metric, self.images) for metric in self.metrics)

    def results(self, bootstraps: Sequence[Bootstrap] = ()) -> tuple[Result, ...]:
        """Returns a result per metric that the rows define, the main one first; with intervals from `bootstraps`."""
        drawn = bootstraps or (None,) * len(self.metrics)
        results = (
            self._result(metric, place == 0, one)
            for place, (metric, one) in enumerate(zip(self.metrics, drawn, strict=True))
            if place == 0 or metric.is_defined()
        )
        return tuple(results)

    def _result(self, metric: Metric, main: bool, drawn: Bootstrap | None) -> Result:
        low, high = (None, None) if drawn is None else drawn.interval()
        return Result(
            task=self.task.name,
            source=self.source,
            metric=metric.name,
            value=metric.compute(),
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            count=len(metric.rows),
            num_images=self.num_images(),
            low=low,
            high=high,
            main=main,
            classes=_by_name(metric, self.task.target) if main else {},
        )

    def notes(self, role: str) -> tuple[str, ...]:
        """Returns the remarks of the metrics, and one on a small number of images."""
        where = f"{self.task.name} on {self.source}"
        remarks = [f"{where}: {remark}" for metric in self.metrics for remark in metric.remarks()]
        if len(self.answers) == 1 and len(self.images) >= _CONSTANT_ROWS:
            remarks.append(f"{where}: every answer is {min(self.answers)[:80]}: nothing was learned from the input")
        images = self.num_images()
        count, kind = (images, "images") if images else (len(self.metrics[0].rows), "rows")
        if count < MIN_IMAGES_FOR_A_CLAIM:
            remarks.append(f"{where}: {count} {role} {kind}: a format check; a claim needs {MIN_IMAGES_FOR_A_CLAIM}")
        return tuple(remarks)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yields the lines of predictions.jsonl: each row with its prediction, ground truth and scores."""
        ids = sorted(self.predictions)
        scores = {metric.name: metric.row_scores(ids) for metric in self.metrics}
        for place, row_id in enumerate(ids):
            text, prediction, annotation, further = self.predictions[row_id]
            yield {
                "id": row_id,
                "images": list(self.images[row_id]),
                "source": self.source,
                "task": self.task.name,
                "text": text if "text" in self.task.inputs else "",
                "prediction": prediction,
                "ground_truth": annotation,
                **further,
                # A map without an annotated pixel has a score of NaN, which is no JSON.
                "scores": {
                    name: round(float(s[place]), 4)
                    for name, s in scores.items()
                    if s is not None and np.isfinite(s[place])
                },
            }


def _further(prediction: Prediction, annotation: Any, target: TargetSpec) -> dict[str, Any]:
    """Returns the entries of a line that only some kinds of targets have."""
    entries = {
        "ranking": ranking_to_json(prediction, annotation, target) or None,
        "confidence": confidence(prediction, target),
    }
    return {name: entry for name, entry in entries.items() if entry is not None}


def _in_words(prediction: Prediction, target: TargetSpec) -> str:
    """Returns a prediction in words, other words for every other prediction."""
    match prediction:
        case TextPrediction(text=text):
            return repr(text) if text.strip() else "empty"
        case ClassPrediction(scores=scores) if scores:
            return f"a ranking {scores}"
        case ClassPrediction():
            return repr(prediction_to_json(prediction, target))
        case ScalarPrediction(value=value):
            return f"{value:g}"
        case BoxSet():
            return "without a box" if not len(prediction.labels) else f"boxes {prediction.boxes_xyxy.tolist()}"
        case DenseMap(values=values):
            first = np.asarray(values).flat[0]
            same = f"one map ({zlib.crc32(np.ascontiguousarray(values).tobytes()):08x})"
            return f"the value {first:g} everywhere" if np.all(values == first) else same
        case PanopticMap(segments=segments, labels=labels):
            crc = zlib.crc32(np.ascontiguousarray(segments).tobytes())
            return f"segments of {labels.tolist()} ({crc:08x})"
        case _ as never:
            assert_never(never)


def _by_name(metric: Metric, target: TargetSpec) -> dict[str, float | None]:
    """Returns the metric per class name, None for a class without an annotation; empty without classes."""
    found = metric.by_class()
    names = target.names if isinstance(target, Dense | Boxes | Label | Panoptic) else ()
    return {name: found.get(label) for label, name in enumerate(names)} if found else {}


def evaluate_rows(
    system: System,
    source: str,
    reader: Reader,
    tasks: Sequence[Task],
    rows: Sequence[int],
    *,
    batch_size: int,
    workers: int = 0,
    keep_predictions: bool = False,
    progress: Progress | None = None,
) -> list[TaskEvaluation]:
    """Predicts and evaluates rows of a reader for tasks that one batch can carry together.

    Args:
        system: in eval mode (see `eval_mode`).
        source: name of the source.
        reader: the rows.
        tasks: the tasks to evaluate.
        rows: indices into the reader.
        batch_size: rows per batch on each rank.
        workers: number of loader processes.
        keep_predictions: whether to keep predictions and annotations for predictions.jsonl.
        progress: called after every batch of this rank.

    Raises:
        DataError: a row that cannot be read, or two rows with the same id.
    """
    evaluated = {task.name: TaskEvaluation.empty(task, source) for task in tasks}
    own, ids, label = own_rows(rows), list[str](), f"{source}: {', '.join(evaluated)}"
    # An exported model has no parameters, and runs on the CPU.
    device = next((parameter.device for parameter in system.parameters()), torch.device("cpu"))
    for batch, batch_rows in batches(reader, system.processor, tasks, own, size=batch_size, workers=workers):
        predictions = system.predict(batch.to(device))
        for name, target in batch.targets.items():
            _add(evaluated[name], target, batch_rows, predictions[name], keep_predictions)
        ids += [row.id for row in batch_rows]
        if progress is not None:
            progress(label, len(ids), len(own))
    different = len(set().union(*gather(set(ids))))
    if different != len(rows):
        raise DataError(f"source {source!r}: got {different} different ids in {len(rows)} rows; want every id once")
    return [evaluated[task.name].merged() for task in tasks]


def _add(
    evaluated: TaskEvaluation,
    target: Target,
    rows: Sequence[EvaluationRow],
    predictions: Sequence[Prediction],
    keep_predictions: bool,
) -> None:
    for place, prediction, annotation in zip(target.rows.tolist(), predictions, target.annotations, strict=True):
        evaluated.add(rows[place], prediction, annotation, keep_predictions=keep_predictions)


@contextmanager
def eval_mode(system: System) -> Iterator[None]:
    """Sets eval mode without gradients, and restores the mode of every module afterwards."""
    modes = [(module, module.training) for module in system.modules()]
    system.eval()
    try:
        # Not inference mode: a tensor that a system caches here (a causal mask) must also work in training.
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
