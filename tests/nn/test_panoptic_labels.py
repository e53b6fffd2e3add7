"""Panoptic maps to labels of a square and back; with no loss where sizes are equal and segments few."""

import numpy as np
import torch
from torch.nn import functional as F

from motet.core.panoptic import PanopticMap
from motet.metrics.panoptic import panoptic_counts
from motet.nn.panoptic_labels import from_logits, to_labels, to_panoptic

THINGS = (False, True)
MAP = PanopticMap(
    np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 0, 1], [3, 3, 0, 1]]), np.array([0, 1, 1]), np.zeros(3, dtype=bool)
)


def round_trip(found: PanopticMap, size: int, count: int) -> PanopticMap:
    labels = to_labels(found, size, max_instances=count)
    logits = {
        "semantics": F.one_hot(labels["semantics"], 3)[None].float(),
        "instances": F.one_hot(labels["instances"], count)[None].float(),
    }
    return to_panoptic(from_logits(logits)[0].numpy(), found.segments.shape, THINGS)


def test_labels_are_numbered_from_the_largest() -> None:
    labels = to_labels(MAP, 4, max_instances=8)
    assert labels["instances"].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 0, 1], [3, 3, 0, 1]]
    assert labels["semantics"].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [2, 2, 0, 1], [2, 2, 0, 1]]


def test_a_map_comes_back() -> None:
    counts = panoptic_counts(round_trip(MAP, 4, 8), MAP, 2)
    assert counts.tolist() == [[1, 1, 0, 0], [2, 2, 0, 0]]


def test_the_smallest_segments_and_crowds_are_left_out() -> None:
    labels = to_labels(MAP, 4, max_instances=3)
    assert (labels["semantics"][2:, :2] == 0).all()
    crowd = PanopticMap(MAP.segments, MAP.labels, np.array([False, True, False]))
    assert (to_labels(crowd, 4, max_instances=8)["semantics"][:2, 2:] == 0).all()


def test_parts_of_stuff_are_one_segment_and_nothing_is_nothing() -> None:
    labels = np.array([[[1, 1], [1, 2], [2, 1], [2, 2], [0, 3]]])
    found = to_panoptic(labels, (1, 5), THINGS)
    assert found.segments.tolist() == [[1, 1, 2, 3, 0]]
    assert found.labels.tolist() == [0, 1, 1]


def test_sizes_follow_the_nearest_pixel() -> None:
    labels = to_labels(MAP, 2, max_instances=8)
    assert labels["instances"].tolist() == [[1, 2], [3, 1]]
    assert to_panoptic(
        torch.stack([labels["semantics"], labels["instances"]], -1).numpy(), (4, 4), THINGS
    ).segments.shape == (4, 4)
