"""Maps as JSON, at another size, and constant maps."""

import base64
import json

import numpy as np
import pytest
from published_maps import png

from motet.core import DataError, Dense, DenseMap, Example
from motet.evaluation.maps import SIDE, map_from_json, map_to_json, resample
from motet.evaluation.predictions_io import prediction_to_json
from motet.evaluation.trivial.constant_answers import annotation_as_prediction, constant_baselines, score
from motet.evaluation.trivial.constant_maps import constant_maps
from motet.tasks import depth, edges, semantic_segmentation, surface_normals

NAN = float("nan")
SEGMENT = semantic_segmentation("segment", ("ground", "cat", "dog"))


def rows(*annotations):
    return [(Example(id=str(place)), np.asarray(annotation)) for place, annotation in enumerate(annotations)]


@pytest.mark.parametrize(
    ("values", "target", "within"),
    [
        (np.arange(12).reshape(3, 4) % 3, Dense(3, "class"), 0),
        (np.array([[300, 7]]), Dense(400, "class"), 0),
        (np.linspace(0.3, 80, 12).reshape(3, 4, 1), Dense(1, "metre"), 0.001),
        (np.linspace(0, 1, 12).reshape(3, 4), Dense(1, "probability"), 1e-4),
        (np.linspace(-1, 1, 36).reshape(3, 4, 3), Dense(3, "unit vector"), 0.005),
    ],
)
def test_a_small_map_comes_back_as_it_was_written(values, target, within) -> None:
    encoded = json.loads(json.dumps(prediction_to_json(DenseMap(values), target)))
    assert encoded["size"] == list(values.shape)
    back = map_from_json(encoded, target)
    assert np.abs(back - (values[..., 0] if values.shape[-1] == 1 else values)).max() <= within


def test_a_large_map_is_written_with_pixels_left_out() -> None:
    values = np.arange(300 * 200).reshape(300, 200) % 5
    back = map_from_json(map_to_json(values, Dense(5, "class")), Dense(5, "class"))
    assert back.shape == (SIDE, 85)
    assert np.array_equal(back, resample(values, (SIDE, 85)))


def test_a_map_of_one_value_or_of_none_can_be_written() -> None:
    assert (
        map_from_json(map_to_json(np.full((2, 2), 3.5), Dense(1, "metre")), Dense(1, "metre")).tolist()
        == [[3.5] * 2] * 2
    )
    assert (
        map_from_json(map_to_json(np.full((2, 2), NAN), Dense(1, "metre")), Dense(1, "metre")).tolist()
        == [[0.0] * 2] * 2
    )


def test_what_is_no_map_is_one_line() -> None:
    with pytest.raises(
        DataError, match=r"predictions: got \['size'\] .*; want a map saved by motet, with its PNG in base64"
    ):
        map_from_json({"size": [2, 2]}, Dense(1, "metre"))


def test_the_commonest_class_everywhere_and_at_each_place() -> None:
    # The upper half is mostly a cat, the lower half the ground; twice as many pixels are ground.
    top, bottom = np.full((1, 4), 1), np.zeros((1, 4), dtype=int)
    train = rows(np.vstack([top, bottom]), np.vstack([top, bottom]), np.vstack([bottom, np.full((1, 4), -1)]))
    maps = constant_maps(SEGMENT.target, train, rows(np.zeros((4, 2), dtype=int)))
    assert maps["mean map"][0].values.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert maps["constant"][0].values.shape == (4, 2)
    held_out = rows(np.vstack([top, bottom]))
    assert constant_baselines(SEGMENT, train, held_out)["mean map"] == 100.0


def test_mean_depth_and_mean_direction() -> None:
    train = rows(np.array([[2.0], [NAN]]), np.array([[4.0], [6.0]]))
    baselines = constant_baselines(depth(), train, rows(np.array([[3.0], [6.0]])))
    assert baselines == pytest.approx({"constant": np.sqrt((1.0**2 + 2.0**2) / 2), "mean map": 0.0}, abs=1e-9)
    up, right = [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]
    facing = constant_baselines(surface_normals(), rows([[up]], [[right]]), rows([[up]]))
    assert facing == pytest.approx({"constant": 45.0, "mean map": 45.0})


def test_edges_have_none_all_and_those_that_are_mostly_there() -> None:
    train = rows(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))
    baselines = constant_baselines(edges(), train, rows(np.array([[1.0, 0.0]])))
    assert baselines == pytest.approx({"no edge": 100 / 3, "all edge": 100 / 3, "mean map": 100.0})


def test_maps_without_an_annotation_have_no_baseline() -> None:
    assert constant_baselines(depth(), rows(np.full((2, 2), NAN)), rows(np.ones((2, 2)))) == {}


def test_an_annotation_of_another_size_with_holes_becomes_a_prediction() -> None:
    predicted = annotation_as_prediction(depth(), np.array([[2.0, NAN], [4.0, 3.0]]))
    assert predicted.values.tolist() == [[2.0, 3.0], [4.0, 3.0]]
    annotation = np.array([[2.0, 2.0, 3.0, 3.0], [4.0, 4.0, 3.0, NAN]])
    assert score(depth(), rows(annotation), [predicted]) == 0.0
    classes = annotation_as_prediction(SEGMENT, np.array([[1, -1, 1, 2]]))
    assert classes.values.tolist() == [[1, 1, 1, 2]]
    assert annotation_as_prediction(surface_normals(), np.full((1, 1, 3), NAN)).values.tolist() == [[[0.0, 0.0, 0.0]]]


@pytest.mark.parametrize(
    "change",
    [
        {"png": base64.b64encode(png(2**31 - 1, 2**31 - 1, 8, 0, b"")).decode()},
        {"png": base64.b64encode(png(129, 1, 8, 0, bytes(130))).decode()},
        {"png": "no base64"}, {"png": 5}, {"png": None}, {"range": 5}, {"range": [0]}, {"range": ["a", "b"]},
    ],
)  # fmt: skip
def test_a_map_of_somebody_else_is_one_line(change):
    encoded = map_to_json(np.zeros((4, 6)), Dense(1, "metre")) | change
    with pytest.raises(
        DataError, match=r"predictions: got .*; want a map saved by motet, with its PNG in base64"
    ) as caught:
        map_from_json(encoded, Dense(1, "metre"))
    assert "\n" not in str(caught.value)
