"""Scenes have exact panoptic masks: the visible part of each thing, and the ground."""

import numpy as np

from motet.scenes import Scenes


def test_segments_are_the_visible_things_and_the_ground() -> None:
    reader = Scenes(part="train", count=12, size_hw=(64, 64))
    for index in range(12):
        labels = reader[index].labels
        found = labels["panoptic"]
        assert np.array_equal(found.classes(), labels["segmentation"])
        for number, label in enumerate(found.labels, 1):
            here = labels["instances"][found.segments == number]
            assert len(np.unique(here)) == 1
            assert (here[0] < 0) == (label == 0)
        assert len(found.labels) == len(np.unique(labels["instances"]))
