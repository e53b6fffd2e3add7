"""Boxes as text: there and back, and strict."""

import logging

import numpy as np
import pytest
import torch
from toy_vlm import LABEL, task, vlm

from motet.core import Boxes, BoxSet, Region
from motet.systems.vlm.box_text import JsonBoxes, LabelledBox, LocationTokens
from motet.systems.vlm.targets import predicted_boxes

BOXES = [LabelledBox((0.25, 0.5, 0.75, 0.875), "cat"), LabelledBox((0.0, 0.0, 0.5, 0.25), "")]


def test_location_tokens_are_y_before_x_in_1024_steps() -> None:
    # The example of the PaliGemma model card has this form: y0 x0 y1 x1, then the name.
    text = LocationTokens().write(BOXES[:1])
    assert text == "<loc0512><loc0256><loc0896><loc0768> cat"
    assert LocationTokens().parse(LocationTokens().write(BOXES)) == BOXES


def test_json_is_x_before_y_in_thousandths() -> None:
    assert JsonBoxes().write(BOXES[:1]) == '[{"bbox_2d": [250, 500, 750, 875], "label": "cat"}]'
    assert JsonBoxes().parse(JsonBoxes().write(BOXES)) == BOXES
    assert JsonBoxes().parse("[]") == []


@pytest.mark.parametrize(
    "text",
    [
        "", "a cat", "{}", '[{"bbox_2d": [1, 2, 3]}]', '[{"bbox_2d": [1, 2, 3, 4.5]}]', '[{"bbox_2d": [9, 2, 3, 4]}]',
        '[{"bbox_2d": [1, 2, 3, 4000]}]', '[{"bbox_2d": [1, 2, 3, 4], "score": 1}]', '[{"bbox_2d": [true, 2, 3, 4]}]',
        '[{"bbox_2d": [1, 2, 3, 4], "label": 1}]', 'Sure: [{"bbox_2d": [1, 2, 3, 4]}]', "[" * 5000,
    ],
)  # fmt: skip
def test_other_text_is_no_box(text: str) -> None:
    assert JsonBoxes().parse(text) is None


@pytest.mark.parametrize("text", ["cat", "<loc0001><loc0002><loc0003>", "<loc0900><loc0002><loc0003><loc0004>"])
def test_other_tokens_are_no_box(text: str) -> None:
    assert LocationTokens().parse(text) is None


def test_predictions_are_in_pixels_of_the_file_and_other_names_are_left_out() -> None:
    boxes = task("things", Boxes(("cat", "dog")), "things")
    text = JsonBoxes().write([BOXES[0], LabelledBox((0.0, 0.0, 1.0, 1.0), "cow")])
    found = predicted_boxes(boxes, text, -2.0, 4, JsonBoxes(), (200, 400))
    assert found == BoxSet(np.array([[100.0, 100.0, 300.0, 175.0]]), np.array([0]), np.array([np.exp(-0.5)]))


def test_a_text_of_another_form_is_no_box_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    place = task("place", Region(), "place")
    system = vlm("paligemma", LABEL, place)
    logger = logging.getLogger("motet.vlm")
    logger.addHandler(caplog.handler)
    try:
        texts = ["cat", "", "<loc0512><loc0256><loc0896><loc0768>"]
        found = system._boxes(place, texts, [-1.0] * 3, [[5], [2], [7, 2]], torch.tensor([[10, 20]] * 3))
    finally:
        logger.removeHandler(caplog.handler)
    assert [boxes.boxes_xyxy.tolist() for boxes in found] == [[], [], [[5.0, 5.0, 15.0, 8.75]]]
    assert "task place: 1 of 3 answers are no LocationTokens" in caplog.text
