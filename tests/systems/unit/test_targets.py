"""Annotations as arrays: boxes in the view, attributes, padding; the tasks that are refused."""

import numpy as np
import pytest

from motet.core import Answer, Boxes, BoxSet, Label, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.preprocess.geometry import Geometry
from motet.systems.unit.targets import check_supported, encode_target, stack_targets

MIRRORED = Geometry((0, 0, 40, 20), True, (20, 40), (20, 40))


def task(target, inputs: str = "image") -> Task:
    return Task(name="t", inputs=frozenset(inputs.split()), label="x", target=target, metrics=(Accuracy,))


@pytest.mark.parametrize(
    ("target", "inputs", "message"),
    [
        (Text(5), "image", "got Text; want one of those"),
        (Answer(), "image", "without names; want its names"),
        (Label(("a", "b")), "video", r"got \['video'\]; want 'image', 'text' or both"),
        (Region(), "text", r"boxes need an image: got inputs \['text'\]"),
    ],
)
def test_what_it_cannot_predict_is_refused(target, inputs: str, message: str) -> None:
    with pytest.raises(UnsupportedTask, match=message):
        check_supported(task(target, inputs))


def test_a_missing_annotation_is_encoded_as_nothing() -> None:
    assert encode_target(task(Label(("a", "b"))), None, "r", None, 1)["label"] == -1
    assert encode_target(task(Answer(("a", "b"))), None, "r", None, 1)["answers"].tolist() == [0, 0]
    assert len(encode_target(task(Region()), None, "r", MIRRORED, 1)["boxes"]) == 0


def test_boxes_are_mirrored_with_the_image() -> None:
    (box,) = encode_target(task(Region()), (0.0, 0.0, 10.0, 20.0), "r", MIRRORED, 1)["boxes"]
    assert box.tolist() == pytest.approx([35 / 40, 0.5, 0.25, 1.0])


def test_attributes_are_cut_and_crowds_left_out() -> None:
    boxes = np.array([[0.0, 0, 9, 9], [5, 5, 20, 20]])
    found = BoxSet(boxes, np.array([0, 1]), np.ones(2), ((2, 0, 1), (1,)), crowd=np.array([False, True]))
    value = encode_target(task(Boxes(("a", "b"), ("x", "y", "z"))), found, "r", MIRRORED, 2)
    assert value["labels"].tolist() == [0]
    assert value["attributes"].tolist() == [[2, 0]]


def test_rows_are_padded_to_the_one_with_the_most_boxes() -> None:
    rows = [{"boxes": np.ones((n, 4), np.float32), "labels": np.arange(n), "attributes": np.zeros((n, 1), int)}
            for n in (2, 0)]  # fmt: skip
    value = stack_targets(rows)
    assert value["valid"].tolist() == [[True, True], [False, False]]
    assert value["attributes"].flatten().tolist() == [0, 0, -1, -1]
    assert value["boxes"].shape == (2, 2, 4)
