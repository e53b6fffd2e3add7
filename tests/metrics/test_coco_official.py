"""The official library gives the numbers of our metrics, edge cases included."""

import numpy as np
import pytest

from motet.core import Boxes, BoxSet
from motet.metrics import COCO_TWELVE
from motet.metrics.coco_official import official_twelve

pytest.importorskip("faster_coco_eval")
PETS = Boxes(("cat", "dog"))
EMPTY = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def some_boxes(rng: np.random.Generator, count: int, *, annotated: bool) -> BoxSet:
    corners = rng.integers(0, 100, (count, 2)).astype(np.float64)
    sides = rng.integers(5, 120, (count, 2))
    scores = np.ones(count) if annotated else rng.permutation(count) / count
    return BoxSet(np.concatenate([corners, corners + sides], axis=1), rng.integers(0, 2, count), scores)


def ours(pairs) -> list[float]:
    numbers = []
    for kind in COCO_TWELVE:
        metric = kind()
        for row, (prediction, annotation) in enumerate(pairs):
            metric.update(str(row), prediction, annotation, PETS)
        numbers.append(metric.compute())
    return numbers


def test_random_boxes_get_the_same_twelve_numbers() -> None:
    rng = np.random.default_rng(3)
    pairs = []
    for _ in range(6):
        annotation = some_boxes(rng, 4, annotated=True)
        noise = annotation.boxes_xyxy + rng.integers(-4, 5, (4, 4)) * (rng.random((4, 4)) < 0.5)
        near = BoxSet(noise, annotation.labels, rng.permutation(4) / 4 + 0.1)
        pairs.append((near, annotation))
    assert official_twelve(pairs, num_names=2) == pytest.approx(ours(pairs), abs=1e-6)


def test_no_detection_at_all_is_0_and_not_a_crash() -> None:
    annotation = some_boxes(np.random.default_rng(0), 3, annotated=True)
    assert official_twelve([(EMPTY, annotation)], num_names=2) == pytest.approx(ours([(EMPTY, annotation)]))
