"""Annotations against the pixels they speak of."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import BoxSet
from motet.scenes import ATTRIBUTES, Scenes
from motet.scenes.annotate import FAR_M, thing_depth_m
from motet.scenes.draw import draw_scene

INDEX = st.integers(0, 10**6)


def scenes(**fields: Any) -> Scenes:
    return Scenes(part="train", count=10**6 + 1, **fields)


@settings(max_examples=15, deadline=None)
@given(index=INDEX)
def test_boxes_are_tight_around_masks(index: int) -> None:
    labels = scenes()[index].labels
    for box, covered in zip(labels["boxes"].boxes_xyxy, labels["masks"], strict=True):
        rows, columns = np.nonzero(covered)
        tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert tuple(box) == tight


@settings(max_examples=15, deadline=None)
@given(index=INDEX)
def test_the_pixels_of_a_mask_are_the_things_and_no_others(index: int) -> None:
    reader = scenes(num_things=(2, 5))
    scene = reader.scene(index)
    labels = reader[index].labels
    without = draw_scene(type(scene)((), scene.ground), (128, 128))
    changed = (draw_scene(scene, (128, 128)) != without).any(-1)
    seen = labels["instances"] >= 0
    assert (seen == labels["masks"].any(axis=0)).all()
    assert changed[seen].mean() > 0.97  # a pixel of the ground's own colour may hide
    assert (changed & ~seen).sum() < 0.8 * seen.sum()  # only the faint rims of outlines, which thin things have most of


@settings(max_examples=15, deadline=None)
@given(index=INDEX)
def test_nearer_things_hide_further_ones(index: int) -> None:
    reader = scenes(num_things=(4, 6))
    scene, labels = reader.scene(index), reader[index].labels
    for row in range(len(scene.things)):
        hidden = labels["masks"][row] & (labels["instances"] != row)
        by = set(labels["instances"][hidden].tolist())
        assert all(scene.things[other].layer > scene.things[row].layer for other in by)
        assert all(thing_depth_m(scene.things[other]) < thing_depth_m(scene.things[row]) for other in by)


@pytest.mark.parametrize("size_hw", [(128, 128), (64, 96), (160, 96)])
@pytest.mark.parametrize("style", ["colour", "line"])
def test_maps_have_the_image_size_and_valid_values(size_hw: tuple[int, int], style: str) -> None:
    reader = scenes(size_hw=size_hw, style=style, kinds=20, num_things=(3, 3))
    for index in range(4):
        labels = reader[index].labels
        seen = labels["instances"] >= 0
        assert labels["segmentation"].shape == labels["depth"].shape == labels["edges"].shape == size_hw
        assert labels["normals"].shape == (*size_hw, 3)
        np.testing.assert_allclose(np.linalg.norm(labels["normals"], axis=-1), 1, atol=1e-5)
        assert (labels["normals"][..., 2] > 0).all()
        assert set(np.unique(labels["edges"])) == {0.0, 1.0}
        assert labels["depth"].min() > 1.5
        assert labels["depth"].max() <= FAR_M
        assert labels["depth"][seen].max() < labels["depth"][~seen].min()
        assert (labels["segmentation"] == 0).sum() == (~seen).sum()
        found = {reader.names[label - 1] for label in np.unique(labels["segmentation"]) if label}
        assert found == set(labels["names"])


def test_normals_are_those_of_the_depth() -> None:
    """On a thing, the slope of depth is the slope of the normal: dz/dx = n_x / n_z, with z towards the viewer."""
    reader = scenes(num_things=(1, 1))
    labels = reader[3].labels
    thing = reader.scene(3).things[0]
    x0, y0, x1, y1 = labels["boxes"].boxes_xyxy[0].astype(int)
    inside = np.s_[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
    covered = labels["masks"][0]
    core = covered & np.roll(covered, 1, 1) & np.roll(covered, -1, 1)
    pixels_a_metre = max(labels_size := (x1 - x0, y1 - y0))
    assert labels_size[0] > 20
    slope = np.gradient(labels["depth"], axis=1) * pixels_a_metre
    expected = labels["normals"][..., 0] / labels["normals"][..., 2]
    np.testing.assert_allclose(slope[inside][core[inside]], expected[inside][core[inside]], atol=0.02)
    assert labels["depth"][covered].max() <= thing_depth_m(thing) + 1e-5


def test_edges_are_where_neighbours_differ() -> None:
    labels = scenes(num_things=(2, 2))[0].labels
    instances, edges = labels["instances"], labels["edges"]
    for row in range(0, 127, 3):
        for column in range(127):
            right = instances[row, column] != instances[row, column + 1]
            below = instances[row, column] != instances[row + 1, column]
            assert edges[row, column] == float(right or below)


def test_boxes_carry_colour_and_size() -> None:
    reader = scenes(kinds=20, num_things=(3, 5))
    for index in range(10):
        labels = reader[index].labels
        boxes = labels["boxes"]
        assert isinstance(boxes, BoxSet)
        assert [reader.names[label] for label in boxes.labels] == list(labels["names"])
        for attributes, colour, size in zip(boxes.attributes, labels["colours"], labels["sizes"], strict=True):
            words = [ATTRIBUTES[i] for i in attributes]
            assert words == ([size] if colour == "mixed" else [colour, size])


def test_line_drawings_have_no_colours() -> None:
    labels = scenes(style="line", num_things=(3, 3))[0].labels
    assert set(labels["colours"]) == {"mixed"}
    assert all(len(attributes) == 1 for attributes in labels["boxes"].attributes)
