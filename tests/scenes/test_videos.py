"""Clips."""

import itertools

import numpy as np
import pytest

from motet.core import ConfigError
from motet.scenes import MOTIONS, SceneVideos

CLIPS = SceneVideos(part="train", count=120, frames=4, size_hw=(48, 48), kinds=20)


def track(row):
    name = CLIPS.object_names[row.labels["object"]]
    return [next(thing for thing in image.scene.things if thing.name == name) for image in row.images]


def test_the_thing_moves_as_its_class_says() -> None:
    axes = {
        "left": ("x", -1),
        "right": ("x", 1),
        "up": ("y", -1),
        "down": ("y", 1),
        "nearer": ("side", 1),
        "further": ("side", -1),
    }
    seen = set()
    for index in range(len(CLIPS)):
        row = CLIPS[index]
        motion = CLIPS.names[row.labels["class"]]
        seen.add(motion)
        things = track(row)
        if motion in axes:
            field, sign = axes[motion]
            assert all(sign * (getattr(b, field) - getattr(a, field)) > 0 for a, b in itertools.pairwise(things))
            other = {"x", "y", "side"} - {field}
            assert all(len({getattr(thing, name) for thing in things}) == 1 for name in other)
        elif motion == "still":
            assert len(set(things)) == 1
        else:
            assert len({(thing.x, thing.y) for thing in things}) == CLIPS.frames
    assert seen == set(MOTIONS)


def test_a_second_thing_is_at_rest_and_in_the_caption() -> None:
    alone = 0
    for index in range(len(CLIPS)):
        row = CLIPS[index]
        name = CLIPS.object_names[row.labels["object"]]
        others = [{thing for thing in image.scene.things if thing.name != name} for image in row.images]
        assert len({frozenset(one) for one in others}) == 1
        assert (" beside " in row.labels["captions"][0]) == bool(others[0])
        alone += not others[0]
    assert 30 < alone < 90


def test_frames_have_ids_of_their_own_and_are_drawn_in_order() -> None:
    row = CLIPS[0]
    assert len(set(row.image_ids)) == CLIPS.frames == len(row.images)
    assert row.image_ids == CLIPS.keys(0)
    assert row.image_ids[0].startswith(row.id)
    assert len(np.frombuffer(row.images[0].read(), dtype=np.uint8)) > 48 * 48 * 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "got count 0"),
        ({"frames": 1}, "frames 1"),
        ({"size_hw": (31, 64)}, "32 pixels"),
        ({"part": "dev"}, "got 'dev'"),
    ],
)
def test_wrong_values_are_refused(changes, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SceneVideos(**({"part": "train", "count": 1} | changes))


def test_a_row_behind_the_end_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="got row 120; want 0 to 119"):
        CLIPS[120]
