"""Constant maps and mean maps by hand."""

import numpy as np
import pytest

from motet.core import Dense, Example
from motet.evaluation.trivial.constant_maps import GRID, annotation_as_map, constant_maps

NAN = float("nan")
CLASSES, METRES, EDGES = Dense(3, "class", ("a", "b", "c")), Dense(1, "metre"), Dense(1, "probability")


def rows(*maps):
    return [(Example(id=str(number)), np.asarray(values)) for number, values in enumerate(maps)]


def halves(left, right, size=(4, 4)) -> np.ndarray:
    return np.where(np.arange(size[1]) < size[1] // 2, left, right) * np.ones(size, dtype=type(left))


def test_classes_have_the_majority_everywhere_and_per_place() -> None:
    train = rows(halves(0, 1), halves(0, 2), halves(0, 2))
    found = constant_maps(CLASSES, train, rows(np.zeros((2, 6), dtype=int)))
    assert np.unique(found["constant"][0].values).tolist() == [0]
    assert found["mean map"][0].values.tolist() == [[0, 0, 0, 2, 2, 2]] * 2


def test_depths_have_the_mean_of_annotated_pixels() -> None:
    found = constant_maps(METRES, rows(halves(1.0, NAN), halves(3.0, NAN)), rows(np.ones((1, 2))))
    assert found["constant"][0].values.tolist() == [[2.0, 2.0]]
    # A place that no training map annotates has the mean over all.
    assert found["mean map"][0].values.tolist() == [[2.0, 2.0]]


def test_edges_have_none_all_and_the_mean() -> None:
    found = constant_maps(EDGES, rows(halves(1.0, 0.0)), rows(np.zeros((1, 2))))
    assert {name: maps[0].values.tolist() for name, maps in found.items()} == {
        "no edge": [[0.0, 0.0]],
        "all edge": [[1.0, 1.0]],
        "mean map": [[1.0, 0.0]],
    }


def test_maps_without_any_annotated_pixel_give_no_baseline() -> None:
    assert constant_maps(METRES, rows(np.full((3, 3), NAN)), rows(np.ones((1, 1)))) == {}


def test_every_prediction_has_the_size_of_its_row() -> None:
    held_out = rows(np.ones((3, 5, 3)), np.ones((GRID + 8, 2, 3)))
    found = constant_maps(Dense(3, "unit vector"), rows(np.ones((4, 4, 3))), held_out)
    for maps in found.values():
        assert [one.values.shape for one in maps] == [(3, 5, 3), (GRID + 8, 2, 3)]


def test_an_annotated_map_is_filled_with_its_own_mean_or_majority() -> None:
    assert annotation_as_map(np.array([[1.0, 3.0, NAN]]), METRES).values == pytest.approx(np.array([[1.0, 3.0, 2.0]]))
    assert annotation_as_map(np.array([[2, 2, 1, -1]]), CLASSES).values.tolist() == [[2, 2, 1, 2]]
    assert annotation_as_map(np.array([[[1.0], [NAN]]]), METRES).values.tolist() == [[1.0, 1.0]]
    assert annotation_as_map(np.full((1, 2), NAN), METRES).values.tolist() == [[0.0, 0.0]]
