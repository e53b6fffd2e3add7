"""Answers for a person, for a program, and drawn on the picture."""

import numpy as np
import pytest
from PIL import Image

from motet.cli.ask import in_words, plain, write_drawn
from motet.core import Boxes, BoxSet, Choice, ConfigError, Label, Text, Words
from motet.drawing import tone_of

PETS = Boxes(("cat", "dog"), ("red",))
FOUND = BoxSet(
    np.array([[1.0, 2.0, 30.0, 40.0], [50.0, 20.0, 90.0, 70.0], [0.0, 0.0, 5.0, 5.0]]),
    np.array([0, 1, 0]),
    np.array([0.5, 0.9, 0.1]),
    ((), (0,), ()),
)


def test_boxes_are_said_by_name_the_surest_first() -> None:
    assert in_words(FOUND, PETS, 0.3) == "red dog 0.90  50.0 20.0 90.0 70.0\ncat 0.50  1.0 2.0 30.0 40.0"
    assert in_words(FOUND, PETS, 0.95) == "nothing (no box of score 0.95 or more)"


def test_a_program_gets_every_box_with_its_names() -> None:
    told = plain(FOUND, PETS)
    assert told["names"] == ["cat", "dog", "cat"]
    assert told["described"] == [[], ["red"], []]
    assert told["boxes_xyxy"][1] == [50.0, 20.0, 90.0, 70.0]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "white.png"
    Image.new("RGB", (100, 80), "white").save(path)
    return path


def test_sure_boxes_are_drawn_on_the_picture(picture, tmp_path) -> None:
    write_drawn(tmp_path / "new" / "out.png", picture, FOUND, PETS, 0.3)
    with Image.open(tmp_path / "new" / "out.png") as file:
        drawn = file.convert("RGB")
    assert drawn.size == (100, 80)
    assert drawn.getpixel((49, 60)) == tone_of(1)
    assert drawn.getpixel((0, 30)) == tone_of(0)


@pytest.mark.parametrize(
    ("answer", "target"), [(Words("a white field"), Text(5)), (Choice(0, "cat"), Label(("cat", "dog")))]
)
def test_words_are_written_below_the_picture(picture, tmp_path, answer, target) -> None:
    write_drawn(tmp_path / "out.jpg", picture, answer, target, 0.3)
    with Image.open(tmp_path / "out.jpg") as drawn:
        assert drawn.height > 80


def test_a_place_that_cannot_be_written_is_one_line(picture, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--out: got unknown file extension: .*; want a place for a .png or .jpg"):
        write_drawn(tmp_path / "out.what", picture, FOUND, PETS, 0.3)
    with pytest.raises(ConfigError, match=r"--out: got .*; want a place"):
        write_drawn(picture / "out.png", picture, FOUND, PETS, 0.3)
