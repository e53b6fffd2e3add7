"""Classes and answers as arrays."""

import numpy as np
import pytest

from motet.core import Answer, DataError, Label, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.base import encode_class


def task(target) -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))


def test_a_label_is_an_index_and_minus_one_without_annotation() -> None:
    pets = task(Label(("cat", "dog")))
    assert [encode_class(pets, annotation, "e/0")["label"].tolist() for annotation in (0, 1, None)] == [0, 1, -1]
    with pytest.raises(DataError, match="e/0: task 't': got 2; want a class from 0 to 1"):
        encode_class(pets, 2, "e/0")


def test_answers_are_soft_targets_and_zero_without_annotation() -> None:
    colours = task(Answer(("red", "blue")))
    found = encode_class(colours, ("red",) * 2 + ("green",) * 8, "e/0")["answers"]
    np.testing.assert_allclose(found, [0.6, 0.0], rtol=1e-6)
    empty = encode_class(colours, None, "e/0")["answers"]
    assert (empty.tolist(), empty.dtype, found.dtype) == ([0.0, 0.0], np.float32, np.float32)
    with pytest.raises(DataError, match="e/0: task 't': got 7; want the annotators' answers"):
        encode_class(colours, 7, "e/0")


@pytest.mark.parametrize("target", [Answer(), Text(8)])
def test_other_targets_have_no_class(target) -> None:
    with pytest.raises(UnsupportedTask, match=r"task 't': got .*; want a Label, or an Answer with names"):
        encode_class(task(target), "a", "e/0")
