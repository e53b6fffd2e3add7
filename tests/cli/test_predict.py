"""Answers for a person, for a program, and drawn on the picture."""

from unittest.mock import ANY

import numpy as np
import published_videos
import pytest
from PIL import Image

from motet.cli.candidates import candidates_of
from motet.cli.predict import images_or_frames, prediction_fields, prediction_line, write_drawn
from motet.core import Boxes, BoxSet, ClassPrediction, ConfigError, Label, Match, Region, Text, TextPrediction
from motet.report.draw import PREDICTED_COLOUR, class_colour
from motet.tasks import classification, video_classification

PETS = Boxes(("cat", "dog"), ("red",))
FOUND = BoxSet(
    np.array([[1.0, 2.0, 30.0, 40.0], [50.0, 20.0, 90.0, 70.0], [0.0, 0.0, 5.0, 5.0]]),
    np.array([0, 1, 0]),
    np.array([0.5, 0.9, 0.1]),
    ((), (0,), ()),
)


def test_boxes_are_said_by_name_the_surest_first() -> None:
    assert prediction_line(FOUND, PETS, 0.3) == "red dog 0.90  50.0 20.0 90.0 70.0\ncat 0.50  1.0 2.0 30.0 40.0"
    assert prediction_line(FOUND, PETS, 0.95) == "nothing (no box of score 0.95 or more)"


def test_a_program_gets_every_box_with_its_names() -> None:
    told = prediction_fields(FOUND, PETS)
    assert told["names"] == ["cat", "dog", "cat"]
    assert told["described"] == [[], ["red"], []]
    assert told["boxes_xyxy"][1] == [50.0, 20.0, 90.0, 70.0]


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "white.png"
    Image.new("RGB", (100, 80), "white").save(path)
    return path


def test_sure_boxes_are_drawn_on_the_image(image, tmp_path) -> None:
    write_drawn(tmp_path / "new" / "out.png", [image], FOUND, PETS, 0.3)
    with Image.open(tmp_path / "new" / "out.png") as file:
        drawn = file.convert("RGB")
    assert drawn.size == (100, 80)
    assert drawn.getpixel((49, 60)) == class_colour(1)
    assert drawn.getpixel((0, 30)) == class_colour(0)


@pytest.mark.parametrize(
    ("answer", "target"),
    [(TextPrediction("a white field"), Text(5)), (ClassPrediction(0, "cat"), Label(("cat", "dog")))],
)
def test_words_are_written_below_the_image(image, tmp_path, answer, target) -> None:
    write_drawn(tmp_path / "out.jpg", [image], answer, target, 0.3)
    with Image.open(tmp_path / "out.jpg") as drawn:
        assert drawn.height > 80


def test_a_place_that_cannot_be_written_is_one_line(image, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--out: got unknown file extension: .*; want the path of a .png"):
        write_drawn(tmp_path / "out.what", [image], FOUND, PETS, 0.3)
    with pytest.raises(ConfigError, match=r"--out: got .*; want the path of a .png"):
        write_drawn(image / "out.png", [image], FOUND, PETS, 0.3)


PLACE = BoxSet(np.array([[10.0, 20.0, 60.0, 70.0]]), np.zeros(1, dtype=np.int64), np.array([0.25]))


def test_the_place_of_a_phrase_is_said_and_drawn_however_unsure(image, tmp_path) -> None:
    assert prediction_line(PLACE, Region(), 0.3) == "10.0 20.0 60.0 70.0  (0.25)"
    nothing = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
    assert prediction_line(nothing, Region()) == "no box"
    for name, answer in (("place.png", PLACE), ("nothing.png", nothing)):
        write_drawn(tmp_path / name, [image], answer, Region(), 0.3)
    with Image.open(tmp_path / "place.png") as drawn:
        assert drawn.convert("RGB").getpixel((10, 50)) == PREDICTED_COLOUR
        assert drawn.size == (100, 80)
    with Image.open(tmp_path / "nothing.png") as drawn:
        assert drawn.convert("RGB").getcolors() == [(8000, (255, 255, 255))]


def test_what_is_pointed_at_stands_out_among_thin_boxes(image, tmp_path) -> None:
    target = Match("regions")
    given = candidates_of(["5,5,30,40", "50,20,90,70"], target, ["p.png"])
    assert given.values == ((5, 5, 30, 40), (50, 20, 90, 70))
    assert prediction_line(ClassPrediction(1), target, 0.3, given) == "box 2 of 2: 50.0 20.0 90.0 70.0"
    assert prediction_fields(ClassPrediction(1), target, given)["candidate"] == [50, 20, 90, 70]
    write_drawn(tmp_path / "out.png", [image], ClassPrediction(1), target, 0.3, given)
    with Image.open(tmp_path / "out.png") as file:
        drawn = file.convert("RGB")
    assert drawn.getpixel((50, 50)) == PREDICTED_COLOUR
    assert drawn.getpixel((4, 20)) not in (PREDICTED_COLOUR, (255, 255, 255))


def test_texts_and_images_are_chosen_from(image, tmp_path) -> None:
    texts = candidates_of(["a cat", "a dog"], Match("texts"), ["p.png"])
    assert (texts.values, prediction_line(ClassPrediction(1, "a dog"), Match("texts"), 0, texts)) == (
        ("a cat", "a dog"),
        "a dog",
    )
    images = candidates_of([], Match("images"), ["a.png", "b.png"])
    assert (images.values, prediction_line(ClassPrediction(1, "ask/0/1"), Match("images"), 0, images)) == ((), "b.png")
    write_drawn(tmp_path / "out.png", [image, image], ClassPrediction(1), Match("images"), 0.3, images)
    with Image.open(tmp_path / "out.png") as file:
        drawn = file.convert("RGB")
    assert drawn.width > 200
    assert drawn.getpixel((107, 60)) == PREDICTED_COLOUR
    assert drawn.getpixel((1, 60)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("given", "target", "error"),
    [
        ([], Match("regions"), "got none; want LEFT,TOP,RIGHT,BOTTOM of each box"),
        ([], Match("texts", "split"), "got none; want each text to choose from"),
        (["1,2,3"], Match("regions"), "got '1,2,3'; want LEFT,TOP,RIGHT,BOTTOM in pixels"),
        (["9,9,3,3"], Match("regions"), "want LEFT,TOP,RIGHT,BOTTOM in pixels"),
        (["a cat"], Match("images"), "want --image for each image"),
        (["a cat"], Label(("a", "b")), "this task chooses from no candidates"),
    ],
)
def test_candidates_that_do_not_fit_the_task_are_one_line(given, target, error) -> None:
    with pytest.raises(ConfigError, match=error):
        candidates_of(given, target, ["p.png"])


def test_a_video_is_its_frames_where_videos_are_seen_and_an_image_itself(tmp_path) -> None:
    film = published_videos.video(tmp_path / "film.mp4", num_frames=24)
    task = video_classification("action", ("jump", "run"))
    frames = images_or_frames([str(film)], task)
    assert frames is not None
    assert len(frames) == 12
    assert frames[1].clip.positions[1] == 0.125  # in the middle of the first quarter
    assert images_or_frames(["a.png", "b.png"], task) == ["a.png", "b.png"]
    assert images_or_frames(["a.mp4"], classification("kind", ("cat", "dog"))) == ["a.mp4"]
    assert images_or_frames([], task) is None


def test_a_class_is_printed_with_its_probability_and_the_next_ones() -> None:
    names = ("cat", "dog", "cow")
    answer = ClassPrediction(1, "dog", (0.0, 1.0, -9.0)).ranked(names, 2)
    assert prediction_line(answer, Label(names)) == "dog 73.1 %  (then cat 26.9 %)"
    assert prediction_fields(answer, Label(names))["top"] == (("dog", pytest.approx(0.731, abs=1e-3)), ANY)
    assert prediction_line(ClassPrediction(1, "dog"), Label(names)) == "dog"
