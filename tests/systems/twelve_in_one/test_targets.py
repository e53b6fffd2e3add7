"""The tasks that are refused, and boxes that are none."""

import numpy as np
import pytest

from motet.core import Answer, DataError, Example, Match, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.twelve_in_one.targets import check_supported, parse_box, parse_candidate_boxes


def task(target, inputs: str = "image text") -> Task:
    return Task(name="t", inputs=frozenset(inputs.split()), label="x", target=target, metrics=(Accuracy,))


@pytest.mark.parametrize(
    ("target", "inputs", "message"),
    [
        (Text(5), "image", "got Text; want one of those"),
        (Answer(), "image", "without names; want its names"),
        (Region(), "text", r"got \['text'\]; want 'image' or 'regions'"),
        (Region(), "image video", r"got \['image', 'video'\]"),
    ],
)
def test_what_it_cannot_predict_is_refused(target, inputs: str, message: str) -> None:
    with pytest.raises(UnsupportedTask, match=message):
        check_supported(task(target, inputs))


def test_matches_of_a_row_and_of_a_split_are_supported() -> None:
    for target in (Match("texts"), Match("regions"), Match("images", "split")):
        check_supported(task(target))


def test_a_box_is_four_finite_numbers_or_nothing() -> None:
    assert parse_box(task(Region()), None, "r") is None
    assert parse_box(task(Region()), (1, 2, 3, 4), "r").tolist() == [1, 2, 3, 4]
    for bad in ((1, 2, 3), (1, 2, 3, np.nan)):
        with pytest.raises(DataError, match="r: task 't': box: got"):
            parse_box(task(Region()), bad, "r")


@pytest.mark.parametrize("candidates", [(), ("a", "b"), ((1.0, 2.0),), ((1.0, 2.0, np.inf, 4.0),)])
def test_candidates_are_boxes(candidates) -> None:
    with pytest.raises(DataError, match="r: task 't': candidates: got"):
        parse_candidate_boxes(task(Match("regions")), Example(id="r", candidates=candidates))
