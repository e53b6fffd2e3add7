"""IoU, and the matching of one class by hand."""

import numpy as np
import pytest

from motet.core import Boxes, BoxSet
from motet.metrics.box_matching import MAX_DETECTIONS, areas_of, match_boxes, overlaps

PETS = Boxes(("cat", "dog"))
BOX = (0.0, 0.0, 40.0, 40.0)


def boxes(*corners, labels=None, scores=None, **more) -> BoxSet:
    return BoxSet(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        np.array(labels or [0] * len(corners), dtype=np.int64),
        np.array(scores or [1.0] * len(corners)),
        **more,
    )


def test_iou_is_symmetric_between_0_and_1_and_1_with_itself() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (20, 2))
    some = np.concatenate([corners, corners + rng.uniform(1, 50, (20, 2))], axis=1)
    ious = overlaps(some, some, np.zeros(20, dtype=bool))
    assert ious == pytest.approx(ious.T)
    assert np.diagonal(ious) == pytest.approx(np.ones(20))
    assert ious.min() >= 0
    assert ious.max() <= 1 + 1e-12


def test_empty_boxes_overlap_nothing_and_have_no_area() -> None:
    point = np.array([[1.0, 1.0, 1.0, 1.0]])
    assert overlaps(point, point, np.array([False])).tolist() == [[0.0]]
    assert areas_of(point).tolist() == [0.0]


def test_hits_are_bits_of_thresholds() -> None:
    matches = match_boxes(boxes((0.0, 0.0, 40.0, 30.0)), boxes(BOX), PETS, "ap")  # IoU 0.75
    assert matches.hits[0].tolist() == [0b111111]
    assert not matches.ignored[0].any()


def test_detections_are_sorted_and_ranked_by_class() -> None:
    found = boxes(BOX, BOX, BOX, labels=[0, 1, 0], scores=[0.1, 0.5, 0.9])
    matches = match_boxes(found, boxes(BOX, BOX, labels=[0, 1]), PETS, "ap")
    assert (matches.scores.tolist(), matches.labels.tolist()) == ([0.9, 0.5, 0.1], [0, 1, 0])
    assert matches.ranks.tolist() == [0, 0, 1]
    # The second detection of the cat finds it matched already.
    assert [bool(hit) for hit in matches.hits[0]] == [True, True, False]


def test_only_the_best_hundred_of_a_class_count() -> None:
    count = MAX_DETECTIONS + 5
    found = boxes(*[BOX] * count, scores=[(1 + place) / count for place in range(count)])
    assert len(match_boxes(found, boxes(BOX), PETS, "ap").labels) == MAX_DETECTIONS


def test_a_box_of_another_size_is_ignored_there() -> None:
    matches = match_boxes(boxes((0.0, 0.0, 10.0, 10.0)), boxes(BOX), PETS, "ap")
    everything = (1 << 10) - 1
    assert matches.counted[:, 0].tolist() == [True, False, True, False]
    assert matches.ignored[:, 0].tolist() == [0, 0, everything, everything]
