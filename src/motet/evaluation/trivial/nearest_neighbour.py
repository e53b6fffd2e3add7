"""The trivial baseline "nearest neighbour": the annotation of the most similar training image or video."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from motet.core import Task
from motet.evaluation.trivial.constant_answers import AnnotatedRows, annotation_as_prediction, score
from motet.evaluation.trivial.pretrained_features import PretrainedFeatures


def nearest_neighbour_baseline(
    features: PretrainedFeatures, task: Task, train: AnnotatedRows, held_out: AnnotatedRows
) -> dict[str, float]:
    """Returns the score of the annotation of the nearest training image, ``{"nearest neighbour": x}``, or nothing.

    Tasks with questions have no such baseline, since the neighbour's question differs; nor have systems without a
    pretrained encoder, and rows without an image.

    Args:
        features: the feature vectors; the nearest image has the largest cosine.
        task: the task.
        train: rows whose annotations are predicted.
        held_out: rows to predict.
    """
    images = all(example.images for example, _ in [*train, *held_out])
    if "text" in task.inputs or not images or not train or not held_out:
        return {}
    predictions = [
        answer for _, annotation in train if (answer := annotation_as_prediction(task, annotation)) is not None
    ]
    if len(predictions) < len(train) or not features.has_images:
        return {}
    known = _unit(features.of_images(task, [example for example, _ in train]))
    queries = _unit(features.of_images(task, [example for example, _ in held_out]))
    nearest = (queries @ known.T).argmax(axis=1)
    return {"nearest neighbour": score(task, held_out, [predictions[place] for place in nearest.tolist()])}


def _unit(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Returns vectors of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
