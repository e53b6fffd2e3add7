"""Scores to maps of the file's size, and back from whatever was done to the image."""

import numpy as np
import pytest
import torch
from toys import label_task

from motet.core import ClassPrediction, Dense, DenseMap, Loss, Target, Task, UnsupportedTask
from motet.preprocess.geometry import Geometry
from motet.systems.vit_adapters.answers import dense_map, in_unit, predictions, task_loss

CLASS = label_task("class")


def task(spec: Dense, loss=None) -> Task:
    return Task(
        name="t", inputs=frozenset({"image"}), label="t", target=spec, metrics=label_task("x").metrics, loss=loss
    )


def whole(hflip: bool = False) -> Geometry:
    """A file of 12 x 20 pixels that is seen at 6 x 10."""
    return Geometry((0, 0, 20, 12), hflip, (6, 10), (12, 20))


@pytest.mark.parametrize("hflip", [False, True])
def test_the_best_class_of_each_pixel_of_the_file(hflip: bool) -> None:
    scores = torch.zeros(3, 6, 10)
    scores[1] = 1.0
    scores[2, :, :4] = 5.0
    found = dense_map(scores, task(Dense(3, "class", ("a", "b", "c"))), whole(hflip)).values
    assert found.shape == (12, 20)
    assert found.dtype == np.int64
    left, right = (found[:, :7], found[:, -7:])[:: -1 if hflip else 1]
    assert (left == 2).all()
    assert (right == 1).all()


def test_metres_are_bilinear_between_and_never_negative() -> None:
    scores = torch.arange(10.0).expand(6, 10)[None] - 1
    found = dense_map(scores, task(Dense(1, "metre")), whole()).values
    assert found.shape == (12, 20)
    np.testing.assert_allclose(found[0, 4:16], np.arange(4, 16) / 2 - 1.25, atol=1e-5)
    assert found.min() == 0.0


def test_normals_come_back_unit_long_and_turned_back() -> None:
    vector = torch.tensor([3.0, 0.0, -4.0])
    scores = vector[:, None, None].expand(3, 6, 10)
    for hflip, x in ((False, 0.6), (True, -0.6)):
        found = dense_map(scores, task(Dense(3, "unit vector")), whole(hflip)).values
        assert found.shape == (12, 20, 3)
        np.testing.assert_allclose(found, np.broadcast_to([x, 0.0, -0.8], (12, 20, 3)), atol=1e-6)


def test_one_channel_of_probability_or_two() -> None:
    for channels, scores in ((1, [1.5]), (2, [0.0, 1.5])):
        given = torch.tensor(scores)[:, None, None].expand(channels, 6, 10)
        found = dense_map(given, task(Dense(channels, "probability")), whole()).values
        assert found.shape == (12, 20)
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-1.5)), rtol=1e-6)


def test_what_a_crop_left_out_is_unknown_and_depth_grows_back() -> None:
    geometry = Geometry((5, 3, 15, 9), False, (6, 10), (12, 20))
    inside = np.zeros((12, 20), dtype=bool)
    inside[3:9, 5:15] = True
    depth = dense_map(torch.full((1, 6, 10), 2.0), task(Dense(1, "metre")), geometry).values
    assert np.array_equal(~np.isnan(depth), inside)
    assert (depth[inside] == 2.0).all()
    scaled = dense_map(torch.full((1, 6, 10), 2.0), task(Dense(1, "metre")), geometry, scale_depth=True).values
    np.testing.assert_allclose(scaled[inside], 4.0)
    classes = dense_map(torch.randn(3, 6, 10), task(Dense(3, "class")), geometry).values
    assert np.array_equal(classes >= 0, inside)
    normals = dense_map(torch.randn(3, 6, 10), task(Dense(3, "unit vector")), geometry).values
    assert np.array_equal(~np.isnan(normals).any(-1), inside)


def test_an_annotation_comes_back_as_it_was_where_nothing_is_resized() -> None:
    annotation = np.random.default_rng(0).integers(0, 4, (12, 20))
    geometry = Geometry((0, 0, 20, 12), True, (12, 20), (12, 20))
    scores = torch.nn.functional.one_hot(torch.from_numpy(geometry.map(annotation).copy()), 4).permute(2, 0, 1).float()
    assert np.array_equal(dense_map(scores, task(Dense(4, "class")), geometry).values, annotation)


def test_every_row_has_its_own_geometry() -> None:
    geometries = torch.tensor([whole().numbers, Geometry((0, 0, 7, 9), False, (6, 10), (9, 7)).numbers])
    target = Target(torch.tensor([0, 2]), {"geometry": geometries})
    found = predictions(task(Dense(1, "metre")), torch.ones(2, 1, 6, 10), target)
    assert [type(one) for one in found] == [DenseMap, DenseMap]
    assert [one.values.shape for one in found] == [(12, 20), (9, 7)]
    (choice,) = predictions(CLASS, torch.tensor([[0.0, 3.0, 1.0]]), Target(torch.tensor([0]), {}))
    assert isinstance(choice, ClassPrediction)
    assert (choice.index, choice.name) == (1, "green")
    assert np.exp(choice.scores).sum() == pytest.approx(1.0)


def test_a_loss_of_probabilities_is_given_probabilities() -> None:
    seen: list[torch.Tensor] = []

    def loss(scores, value) -> Loss:
        seen.append(scores)
        return Loss(scores.sum(), torch.tensor(1.0))

    scores = torch.randn(2, 1, 3, 4)
    task_loss(task(Dense(1, "probability"), loss), scores, {})
    torch.testing.assert_close(seen[0], scores.sigmoid())
    task_loss(task(Dense(3, "unit vector"), loss), scores, {})
    assert seen[1] is scores
    two = torch.randn(2, 2, 3, 4)
    torch.testing.assert_close(in_unit(two, Dense(2, "probability")), (two[:, 1:] - two[:, :1]).sigmoid())
    found = task_loss(CLASS, torch.zeros(2, 3), {"label": torch.tensor([0, 2])})
    assert float(found.total / found.weight) == pytest.approx(np.log(3))


def test_a_map_of_a_task_that_asks_for_none() -> None:
    with pytest.raises(UnsupportedTask, match="got Label; want a Dense"):
        dense_map(torch.zeros(1, 2, 2), CLASS, whole())
