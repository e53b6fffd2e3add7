"""The card of each kind of prediction: regions on the image, candidates, rankings, two images side by side."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError, Dense, DenseMap, Example, MemoryImage, Report, Result
from motet.data.source import Source
from motet.evaluation.predictions_io import prediction_to_json
from motet.report import RunRecord
from motet.report.cards.predictions import BOX_HEIGHT
from motet.report.draw import GROUND_TRUTH_COLOUR, PREDICTED_COLOUR
from motet.report.gallery import gallery
from motet.tasks import depth, matching, pointing, referring, retrieval, verification

BOXES = ((2.0, 2.0, 20.0, 20.0), (30.0, 10.0, 60.0, 40.0), (1.0, 25.0, 12.0, 38.0))


@dataclass(frozen=True)
class Rows:
    """Grey images, 64 wide and 48 high."""

    images: int = 1
    candidates: tuple = ()
    labels: dict = field(default_factory=dict)
    broken: int = -1
    count: int = 3

    def __len__(self):
        return self.count

    def keys(self, index):
        return tuple(f"i{index}-{place}" for place in range(self.images))

    def __getitem__(self, index):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48), (90 + index, 90, 90)).save(buffer, format="PNG")
        data = b"broken" if index == self.broken else buffer.getvalue()
        images = tuple(MemoryImage(key, data) for key in self.keys(index))
        labels = {"captions": (f"caption {index}", "a picture")} | self.labels
        ids = self.keys(index)
        return Example(id=f"r{index}", images=images, image_ids=ids, candidates=self.candidates, labels=labels)


@pytest.fixture
def cards(tmp_path):
    def made(task, reader, line, *, ids=("r0",), per_task=1):
        metric = task.main_metric
        whole = {"images": [], "source": "s", "task": task.name, "text": "the left one", "scores": {metric: 100.0}}
        path = tmp_path / "predictions.jsonl"
        path.write_text("".join(json.dumps({**whole, **line, "id": name}) + "\n" for name in ids))
        source = Source(name="s", reader=reader, tasks=(task,), role="test")
        result = Result(task=task.name, source="s", metric=metric, value=1.0, unit="%", higher_is_better=True, count=3)
        run = RunRecord(folder=tmp_path, tasks=(task.name,), seed=0, report=Report(results=(result,)))
        return list(gallery(path, [source], run, per_task=per_task))

    return made


def pixels(card):
    return np.asarray(Image.open(io.BytesIO(card.image)).convert("RGB"), dtype=int)


def near(card, tone):
    """Returns the number of pixels of about this colour: a JPEG keeps none exactly."""
    return int((np.abs(pixels(card) - np.array(tone)).max(axis=2) < 40).sum())


def box(*corners, score=0.9):
    return {"boxes_xyxy": [list(corner) for corner in corners], "labels": [0], "scores": [score], "attributes": []}


def test_a_predicted_region_is_drawn_beside_the_annotated_one(cards):
    (card,) = cards(
        referring(),
        Rows(),
        {
            "prediction": box(BOXES[0]),
            "ground_truth": list(BOXES[1]),
            "scores": {"region_iou": 0.0, "region_accuracy": 0.0},
        },
    )
    assert (card.prediction, card.ground_truth, card.correct) == ("box 2 2 20 20", "box 30 10 60 40", False)
    assert card.score == "IoU 0.00"
    assert pixels(card).shape[0] == BOX_HEIGHT
    assert min(near(card, PREDICTED_COLOUR), near(card, GROUND_TRUTH_COLOUR)) > 200


def test_a_phrase_without_a_referent_has_no_annotated_box(cards):
    (card,) = cards(referring(), Rows(), {"prediction": box(BOXES[0]), "ground_truth": None})
    assert card.ground_truth == "no box"
    assert near(card, GROUND_TRUTH_COLOUR) == 0
    (card,) = cards(referring(), Rows(), {"prediction": {**box(), "scores": []}, "ground_truth": None})
    assert card.prediction == "no box"


def test_candidates_are_drawn_thin_and_counted_from_one(cards):
    (card,) = cards(pointing(), Rows(candidates=BOXES), {"prediction": 1, "ground_truth": [2]})
    assert (card.prediction, card.ground_truth) == ("box 2 of 3", "box 3")
    assert min(near(card, PREDICTED_COLOUR), near(card, GROUND_TRUTH_COLOUR)) > 200
    shown = pixels(card)
    scale = BOX_HEIGHT / 48
    left = shown[round(11 * scale), round(2 * scale) - 1 : round(2 * scale) + 3]
    assert left.max() > 200


def test_two_images_are_side_by_side(cards):
    (card,) = cards(verification(), Rows(images=2), {"prediction": "true", "ground_truth": "false"})
    assert card.wide
    height, width, _ = pixels(card).shape
    assert width > 2.3 * height


def test_candidate_texts_of_a_row_are_listed_with_the_correct_one_marked(cards):
    ranking = {"first": [1, 0, 2], "rank": 2, "among": 3}
    reader = Rows(candidates=("a", "b", "c"))
    (card,) = cards(matching(), reader, {"prediction": "b", "ground_truth": [0], "ranking": ranking})
    assert card.ranked_texts == (("b", False), ("a", True), ("c", False))
    assert (card.prediction, card.ground_truth) == ("correct candidate ranked 2nd of 3", "a")


def test_candidate_images_of_a_row_are_in_the_order_of_their_ranks(cards):
    ranking = {"first": [1, 0], "rank": 1, "among": 2}
    reader = Rows(images=2, candidates=("i0-0", "i0-1"))
    (card,) = cards(matching(among="images"), reader, {"prediction": "i0-1", "ground_truth": [1], "ranking": ranking})
    assert card.wide
    assert near(card, GROUND_TRUTH_COLOUR) > 300
    assert card.ground_truth == "i0-1"


def test_images_ranked_for_a_caption_have_the_correct_one_framed_also_after_the_first_few(cards):
    ranking = {"first": [1, 2], "rank": 3, "among": 3}
    line = {"prediction": "i1-0", "ground_truth": [0], "ranking": ranking, "text": "caption 0"}
    (card,) = cards(retrieval(), Rows(), line, ids=("r0#0",))
    assert card.prompt == "caption 0"
    assert (card.prediction, card.ground_truth) == ("correct image ranked 3rd of 3", "i0-0")
    three = pixels(card).shape[1]
    assert near(card, GROUND_TRUTH_COLOUR) > 300
    (card,) = cards(retrieval(), Rows(), {**line, "ranking": {**ranking, "first": [1, 0]}}, ids=("r0#0",))
    assert pixels(card).shape[1] < three
    assert near(card, GROUND_TRUTH_COLOUR) > 300


def test_captions_ranked_for_an_image_are_listed(cards):
    line = {"prediction": "a picture", "ground_truth": [0, 1], "ranking": {"first": [2, 1, 0], "rank": 2, "among": 4}}
    (card,) = cards(retrieval(among="texts"), Rows(), line)
    assert card.prompt == ""
    assert card.ranked_texts == (("caption 1", False), ("a picture", True), ("caption 0", True))


def test_a_query_that_goes_by_another_row_and_a_broken_image_cost_only_their_cards(cards):
    line = {
        "prediction": "i1-0",
        "ground_truth": [0],
        "ranking": {"first": [0], "rank": 1, "among": 3},
        "text": "caption 0",
    }
    names = ("r0#0", "r1#0", "r2#0")
    assert len(cards(retrieval(), Rows(), line, ids=names, per_task=3)) == 3
    assert len(cards(retrieval(), Rows(), line, ids=names[:1], per_task=3)) == 1
    assert cards(retrieval(), Rows(broken=0), line, ids=names, per_task=3) == []


def test_candidates_are_numbered_without_the_row_that_its_evaluation_left_out(cards):
    ranking = {"first": [1, 0], "rank": 1, "among": 2}
    line = {"prediction": "i2-0", "ground_truth": [1], "ranking": ranking, "text": "caption 2"}
    (card,) = cards(retrieval(), Rows(broken=0), line, ids=("r2#0",), per_task=3)
    assert card.ground_truth == "i2-0"


def test_a_map_is_drawn_with_the_annotated_one_and_its_errors(cards):
    annotation = np.where(np.arange(64) < 32, 2.0, 6.0)[None].repeat(48, axis=0)
    predicted = prediction_to_json(DenseMap(np.full((48, 64), 2.0)), Dense(1, "metre"))
    (card,) = cards(
        depth(), Rows(labels={"depth": annotation}), {"prediction": predicted, "ground_truth": {"size": [48, 64]}}
    )
    assert card.wide
    assert (card.prediction, card.ground_truth) == ("2.00 to 2.00 m", "2.00 to 6.00 m")
    # Four panels of 200 pixels' height; in the last the right half is wholly wrong.
    assert pixels(card).shape[1] > 4 * 200
    assert near(card, (150, 20, 30)) > 0.4 * 200 * 133


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": 5}, {"prediction": None}, {"ground_truth": 5}, {"scores": []}, {"task": 5}, {"source": None},
        {"prediction": box("x")}, {"prediction": {}},
    ],
)  # fmt: skip
def test_lines_that_motet_did_not_write_are_one_line(cards, change):
    line = {"prediction": box(BOXES[0]), "ground_truth": list(BOXES[1]), "scores": {"region_iou": 0.0}}
    with pytest.raises(DataError, match=r"predictions: got .*; want"):
        cards(referring(), Rows(), line | change)
