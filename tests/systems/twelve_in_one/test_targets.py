"""The tasks that are refused, boxes that are none, and targets of places."""

import numpy as np
import pytest
from toy_twelve_in_one import NamedRegions, row

from motet.core import Answer, DataError, Example, Match, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.twelve_in_one import ReferringConfig
from motet.systems.twelve_in_one.region_inputs import DetectedRegionInputs
from motet.systems.twelve_in_one.targets import (
    check_supported,
    encode_target,
    is_image_text_match,
    parse_box,
    parse_candidate_boxes,
)


def task(target, inputs: str = "image text") -> Task:
    return Task(name="t", inputs=frozenset(inputs.split()), label="x", target=target, metrics=(Accuracy,))


@pytest.mark.parametrize(
    ("target", "inputs", "message"),
    [
        (Text(5), "image", "got Text; want one of those"),
        (Answer(), "image", "without names; want its names"),
        (Region(), "text", r"got \['text'\]; want 'image' or 'regions'"),
        (Region(), "image video", r"got \['image', 'video'\]"),
        (Match("regions", "split"), "image", "12-in-1 points at one of the regions of one image"),
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


def test_only_texts_and_images_are_matched_as_pairs() -> None:
    assert is_image_text_match(task(Match("texts")))
    assert is_image_text_match(task(Match("images", "split")))
    assert not is_image_text_match(task(Match("regions")))
    assert not is_image_text_match(task(Region()))


IMAGES = DetectedRegionInputs(source=NamedRegions())
CANDIDATES = ((0.0, 0, 9, 9), (0.0, 0, 9, 6), (12.0, 12, 18, 18))


def encoded(target, annotation, referring=ReferringConfig(), *, training: bool = True, candidates=()):  # noqa: B008
    example = row(0, candidates=candidates)
    return encode_target(example, task(target), annotation, IMAGES, referring, training=training)


def test_the_target_of_a_candidate_is_its_overlap_with_a_match() -> None:
    value = encoded(Match("regions"), {0}, candidates=CANDIDATES)
    # 10 x 7 of 10 x 10 pixels, corners counted as whole pixels.
    assert value["iou"].tolist() == pytest.approx([1.0, 0.7, 0.0])
    assert value["extra_boxes"].tolist() == [list(box) for box in CANDIDATES]
    assert value["extra_features"][:, 0].tolist() == [18, 15, 60]
    strict = encoded(Match("regions"), {0}, ReferringConfig(threshold=0.75), candidates=CANDIDATES)
    assert strict["iou"].tolist() == [1, 0, 0]
    assert encoded(Match("regions"), {0, 2}, candidates=CANDIDATES)["iou"].tolist() == pytest.approx([1, 0.7, 1])


@pytest.mark.parametrize("annotation", [None, set()])
def test_candidates_without_a_match_have_no_overlap(annotation) -> None:
    value = encoded(Match("regions"), annotation, candidates=CANDIDATES)
    assert (value["iou"].tolist(), value["iou"].dtype) == ([0, 0, 0], np.float32)


def test_a_box_is_in_pixels_and_a_phrase_without_one_refers_to_nothing() -> None:
    value = encoded(Region(), (1, 2, 3, 4))
    assert (value["box"].tolist(), value["is_referred"].tolist(), set(value)) == (
        [1, 2, 3, 4],
        True,
        {"box", "is_referred"},
    )
    nothing = encoded(Region(), None)
    assert (nothing["box"].tolist(), nothing["is_referred"].tolist()) == ([0, 0, 0, 0], False)


def test_known_boxes_are_among_the_regions_in_training_if_the_options_say_so() -> None:
    add = ReferringConfig(add_ground_truth=True)
    assert encoded(Region(), (1, 2, 3, 4), add)["extra_boxes"].tolist() == [[1, 2, 3, 4]]
    assert encoded(Region(), None, add)["extra_boxes"].shape == (0, 4)
    assert encoded(Region(), None, add, candidates=CANDIDATES)["extra_boxes"].shape == (3, 4)
    assert "extra_boxes" not in encoded(Region(), (1, 2, 3, 4), add, training=False)


def test_classes_are_encoded_as_in_every_system() -> None:
    assert encoded(Answer(("a", "b")), "b")["answers"].tolist() == [0, 1]
