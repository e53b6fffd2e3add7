"""Cards of predictions, made of lines as `predictions.jsonl` holds them."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from motet.core import Example
from motet.metrics import Accuracy
from motet.report.cards.hardest import CORRECT_PER_ROW
from motet.report.cards.predictions import box_card, choice_card, joined, ordinal, region_card, text_card

IMAGE = Image.new("RGB", (80, 60), "grey")


def line(prediction: Any, ground_truth: Any, **fields: Any) -> dict[str, Any]:
    return {
        "task": "t",
        "text": "a prompt",
        "prediction": prediction,
        "ground_truth": ground_truth,
        "scores": {},
    } | fields


def boxes(*rows: tuple[float, str]) -> dict[str, Any]:
    return {
        "boxes_xyxy": [[1.0, 2.0, 30.0, 40.0] for _ in rows],
        "labels": [0 for _ in rows],
        "names": [name for _, name in rows],
        "scores": [score for score, _ in rows],
    }


def size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_a_card_has_the_task_and_the_prompt_of_its_line() -> None:
    card = text_card([IMAGE], line("yes", ["no", "no", "maybe"], text=["first turn", "second turn"]))
    assert (card.task, card.prompt) == ("t", "first turn / second turn")
    assert (card.prediction, card.ground_truth, card.wide) == ("yes", "no / maybe", False)


def test_a_video_has_no_more_panels_than_there_is_room_for() -> None:
    four, nine = (size(text_card([IMAGE] * count, line("a", "a")).image) for count in (4, 9))
    assert four == nine


def test_boxes_of_a_low_score_are_neither_drawn_nor_listed() -> None:
    card = box_card(IMAGE, line(boxes((0.2, "cat"), (0.9, "cat")), boxes((1.0, "cat"))))
    assert (card.prediction, card.ground_truth) == ("cat 0.90", "cat")


def test_many_boxes_are_counted_by_class() -> None:
    many = boxes(*[(0.9, "cat")] * 12, (0.8, "dog"), (0.7, "dog"))
    card = box_card(IMAGE, line(many, boxes((1.0, "cat"))))
    assert card.prediction == "12 cat, 2 dog"


def test_attributes_come_before_the_class() -> None:
    card = box_card(IMAGE, line(boxes((0.5, "cat")), boxes((1.0, "cat")) | {"described": [["large", "red"]]}))
    assert card.ground_truth == "large red cat"


def test_a_region_is_the_box_of_the_highest_score() -> None:
    prediction = {"boxes_xyxy": [[1, 1, 9, 9], [20, 20, 40, 40]], "scores": [0.1, 0.8]}
    card = region_card(IMAGE, line(prediction, [20, 20, 40, 40], scores={"region_iou": 100.0}))
    assert (card.prediction, card.ground_truth, card.score) == ("box 20 20 40 40", "box 20 20 40 40", "IoU 1.00")


@pytest.mark.parametrize(("rank", "text"), [(3, "correct candidate ranked 3rd of 4"), (None, "no correct candidate")])
def test_the_rank_of_the_correct_candidate_is_on_the_card(rank: int | None, text: str) -> None:
    example = Example(id="r", images=(), image_ids=("i",), candidates=("a", "b", "c", "d"))
    ranking = {"first": [0, 1, 2, 3], "rank": rank, "among": 4}
    card = choice_card([IMAGE], example, line("a", [2], ranking=ranking))
    assert card.prediction == text
    assert [correct for _, correct in card.ranked_texts] == [False, False, True, False]


def test_texts_and_numbers_in_words() -> None:
    assert joined(np.int64(3)) == "3"
    assert [ordinal(number) for number in (12, 13, 21, 101, 1003)] == ["12th", "13th", "21st", "101st", "1003rd"]


def test_metrics_with_a_mark_per_row_are_metrics() -> None:
    import motet.metrics as metrics

    names = {value.name for value in vars(metrics).values() if isinstance(value, type) and hasattr(value, "name")}
    assert Accuracy.name in names
    assert names >= CORRECT_PER_ROW
