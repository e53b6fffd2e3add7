"""Box sets are equal by what they hold."""

from dataclasses import replace

import numpy as np
import pytest

from motet.core import BoxSet, ClassPrediction, DenseMap


def boxes() -> BoxSet:
    corners = np.array([[0, 0, 4, 5], [1, 2, 3, 4]], dtype=np.float32)
    return BoxSet(corners, np.array([1, 0]), np.ones(2, dtype=np.float32), ((0,), ()))


def test_equal_boxes_are_equal() -> None:
    assert boxes() == boxes()
    assert boxes() != "boxes"


@pytest.mark.parametrize(
    "other",
    [
        {"boxes_xyxy": np.array([[0, 0, 4, 5], [1, 2, 3, 5]], dtype=np.float32)},
        {"labels": np.array([1, 1])},
        {"scores": np.zeros(2, dtype=np.float32)},
        {"attributes": ((0,), (1,))},
        {"crowd": np.array([True, False])},
        {"areas": np.array([20.0, 4.0])},
    ],
)
def test_other_boxes_are_not(other: dict[str, object]) -> None:
    assert replace(boxes(), **other) != boxes()


def test_maps_are_equal_where_their_values_are_and_the_unknown_is_equal_to_itself() -> None:
    values = np.array([[1.0, np.nan], [3.0, 4.0]], dtype=np.float32)
    assert DenseMap(values) == DenseMap(values.copy())
    assert DenseMap(values) != DenseMap(np.nan_to_num(values))
    assert DenseMap(np.array([[0, -1]])) == DenseMap(np.array([[0, -1]]))
    assert DenseMap(np.array([[0, -1]])) != DenseMap(np.array([[0], [-1]]))
    assert DenseMap(values) != values.tolist()


def test_the_likeliest_names_come_first_with_probabilities_of_all() -> None:
    found = ClassPrediction(2, "cow", (0.0, float("-inf"), 2.0, 1.0)).ranked(("cat", "dog", "cow", "hen"), 2)
    assert [one.name for one in found.top] == ["cow", "hen"]
    total = 1 + np.e + np.e**2
    assert [one.probability for one in found.top] == pytest.approx([np.e**2 / total, np.e / total])
    assert found == ClassPrediction(2, "cow", (0.0, float("-inf"), 2.0, 1.0))  # it is the same prediction


@pytest.mark.parametrize("scores", [(), (1.0,), (float("nan"), 1.0), (float("-inf"), float("-inf"))])
def test_a_prediction_without_a_score_per_name_is_not_ranked(scores) -> None:
    assert ClassPrediction(0, "cat", scores).ranked(("cat", "dog")).top == ()
