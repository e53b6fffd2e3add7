"""Boxes near the things of a scene, the same every time."""

import numpy as np
import pytest

from motet.core import ConfigError, DataError, MemoryImage
from motet.preprocess.regions import BoxSource, box_iou
from motet.scenes import SceneBoxes, Scenes


def test_every_thing_has_a_box_near_it_and_the_rest_lie_in_the_image() -> None:
    scenes, source = Scenes(part="val", count=20, kinds=6, num_things=(2, 4)), SceneBoxes(num_background=3)
    assert isinstance(source, BoxSource)
    for index in range(20):
        row = scenes[index]
        things = row.labels["boxes"].boxes_xyxy
        found = source.boxes_for(row.images[0], row.image_ids[0])
        height, width = scenes.size_hw
        assert len(found) == len(things) + 3
        assert box_iou(things, found).max(axis=1).min() > 0.5
        assert found.min() >= 0
        assert (found.max(axis=0) <= [width, height, width, height]).all()
        assert (found[:, 2:] > found[:, :2]).all()
        np.testing.assert_array_equal(found, source.boxes_for(row.images[0], "called otherwise"))


def test_the_order_of_boxes_tells_nothing_of_what_is_a_thing() -> None:
    scenes, source = Scenes(part="val", count=60, kinds=6, num_things=(2, 2)), SceneBoxes(jitter=0.0, num_background=2)
    rows = [scenes[index] for index in range(60)]
    first = [box_iou(r.labels["boxes"].boxes_xyxy, source.boxes_for(r.images[0], "")[:1]).max() > 0.99 for r in rows]
    assert 0.25 < np.mean(first) < 0.75


def test_what_is_no_scene_is_refused() -> None:
    with pytest.raises(DataError, match="SceneBoxes: a/1: got MemoryImage; want an image of `Scenes`"):
        SceneBoxes().boxes_for(MemoryImage("a", b""), "a/1")
    with pytest.raises(ConfigError, match=r"SceneBoxes: got jitter 0.6, num_background 5; want"):
        SceneBoxes(jitter=0.6)
