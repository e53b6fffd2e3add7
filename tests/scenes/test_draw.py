"""Rendering of scenes."""

from dataclasses import replace

import numpy as np
import pytest

from motet.scenes import Scene, Scenes
from motet.scenes.draw import coverage_mask, draw_scene, place_thing, place_things

SCENES = Scenes(part="train", count=8, kinds=20, text_kind="word", num_things=(2, 4))


@pytest.mark.parametrize("style", ["colour", "line"])
def test_things_are_completely_inside_the_image(style) -> None:
    for index in range(len(SCENES)):
        for placed in place_things(SCENES.scene(index), (50, 90), style):
            assert placed.x0 >= 0
            assert placed.x0 + placed.image.width <= 90
            assert placed.y0 >= 0
            assert placed.y0 + placed.image.height <= 50


def test_a_thing_at_the_border_is_moved_inside() -> None:
    thing = replace(SCENES.scene(0).things[0], x=0.0, y=1.0)
    placed = place_thing(thing, (64, 64), "colour")
    assert placed.x0 == 0
    assert placed.y0 + placed.image.height == 64


def test_the_mask_is_where_the_drawing_changes_the_image() -> None:
    scene = SCENES.scene(1)
    thing = scene.things[0]
    alone = Scene((thing,), scene.ground)
    changed = (draw_scene(alone, (96, 96)) != draw_scene(Scene((), scene.ground), (96, 96))).any(-1)
    mask = coverage_mask(place_thing(thing, (96, 96), "colour"), (96, 96))
    assert mask.sum() > 100
    assert changed[mask].mean() > 0.95


def test_nearer_things_are_drawn_over_further_ones() -> None:
    scene = SCENES.scene(2)
    front = replace(scene.things[0], layer=9)
    behind = replace(scene.things[-1], x=front.x, y=front.y, side=front.side, layer=0)
    both = draw_scene(Scene((behind, front), scene.ground), (96, 96))
    only_front = draw_scene(Scene((front,), scene.ground), (96, 96))
    inside = np.zeros((96, 96), dtype=bool)
    placed = place_thing(front, (96, 96), "colour")
    opaque = np.asarray(placed.image.getchannel("A")) == 255
    inside[placed.y0 : placed.y0 + opaque.shape[0], placed.x0 : placed.x0 + opaque.shape[1]] = opaque
    assert (both[inside] == only_front[inside]).all()


def test_text_is_drawn_on_its_plate() -> None:
    scene = SCENES.scene(3)
    assert scene.writing is not None
    bare = draw_scene(replace(scene, things=(), writing=None), (96, 96))
    changed = (draw_scene(replace(scene, things=()), (96, 96)) != bare).any(-1)
    assert changed[:50].sum() == 0
    assert changed[60:].sum() > 300


def test_line_drawings_are_grey() -> None:
    image = draw_scene(replace(SCENES.scene(0), writing=None), (64, 64), "line")
    assert (image.max(-1) - image.min(-1)).max() == 0
