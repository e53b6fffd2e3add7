"""Classes and answers as arrays, and scores of names as predictions."""

import numpy as np
import pytest
import torch

from motet.core import Answer, DataError, Label, Region, Task, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.base import class_predictions, encode_class


def task(target) -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))


LABEL, ANSWER = task(Label(("a", "b", "c"))), task(Answer(("a", "b", "c")))


def test_a_class_is_its_index_and_minus_one_if_it_is_not_known() -> None:
    assert encode_class(LABEL, 2, "r")["label"].tolist() == 2
    assert encode_class(LABEL, None, "r")["label"].tolist() == -1
    assert encode_class(LABEL, 2, "r")["label"].dtype == np.int64
    with pytest.raises(DataError, match="r: task 't': got 3; want a class from 0 to 2"):
        encode_class(LABEL, 3, "r")


def test_answers_are_soft_targets_and_zeros_if_they_are_not_known() -> None:
    assert encode_class(ANSWER, ("a", "b", "a", "other"), "r")["answers"].tolist() == pytest.approx([0.6, 0.3, 0])
    assert encode_class(ANSWER, "b", "r")["answers"].tolist() == [0, 1, 0]
    assert encode_class(ANSWER, None, "r")["answers"].tolist() == [0, 0, 0]
    assert encode_class(ANSWER, None, "r")["answers"].dtype == np.float32
    with pytest.raises(DataError, match="r: task 't': got 3; want the annotators' answers"):
        encode_class(ANSWER, 3, "r")


def test_a_target_without_names_is_refused() -> None:
    with pytest.raises(UnsupportedTask, match="task 't': got Region; want a Label or an Answer"):
        encode_class(task(Region()), None, "r")


def test_the_name_with_the_highest_score_is_predicted() -> None:
    first, second = class_predictions(torch.tensor([[-1.0, -0.5], [-0.25, -2.0]]), ("a", "b"))
    assert (first.index, first.name, first.scores) == (1, "b", (-1.0, -0.5))
    assert (second.index, second.name, second.scores) == (0, "a", (-0.25, -2.0))
