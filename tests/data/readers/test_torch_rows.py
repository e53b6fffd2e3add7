"""Rows of torch data sets: tuples and mappings, images in every form that people's data sets give."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import DataError
from motet.data.readers import TorchRows
from motet.preprocess.images import decode

NORMALISED = torch.linspace(-2, 2, 48).reshape(3, 4, 4)
PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


class Rows:
    """A map-style data set."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.rows[index]


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        PIXELS, Image.fromarray(PIXELS), png(), torch.from_numpy(PIXELS).permute(2, 0, 1),
        torch.from_numpy(PIXELS).permute(2, 0, 1) / 255, PIXELS.transpose(2, 0, 1), PIXELS / 255,
    ],
    ids=["array", "PIL", "bytes", "uint8 tensor", "float tensor", "array with channels first", "floats"],
)  # fmt: skip
def test_an_image_in_any_form_has_the_same_pixels(image: Any) -> None:
    reader = TorchRows(Rows((image, 1)), names=("cat", "dog"))
    example = reader[0]
    assert np.array_equal(np.asarray(decode(example.images[0])), PIXELS)
    assert example.labels == {"class": 1}
    assert (example.id, example.image_ids, reader.keys(0)) == ("Rows/0", ("Rows/0",), ("Rows/0",))


@pytest.mark.parametrize(
    "grey", [PIXELS[:, :, 0], torch.from_numpy(PIXELS[:, :, :1]).permute(2, 0, 1)], ids=["array", "tensor"]
)
def test_a_grey_image_is_read(grey: Any) -> None:
    assert np.array_equal(np.asarray(decode(TorchRows(Rows((grey, 0)))[0].images[0]))[:, :, 1], PIXELS[:, :, 0])


def test_a_path_is_read_when_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert TorchRows(Rows((path, 0)))[0].images[0].read() == png()


def test_rows_of_mappings_have_texts_and_answers() -> None:
    row = {"img": PIXELS, "q": "what?", "a": ["red", "red", "blue"], "c": "a caption"}
    reader = TorchRows(Rows(row), image="img", text="q", labels={"answers": "a", "captions": "c"}, name="mine")
    example = reader[0]
    assert example.id == "mine/0"
    assert example.text == "what?"
    assert example.labels == {"answers": ("red", "red", "blue"), "answer": "red", "captions": ("a caption",)}


def test_rows_without_images_have_no_image_id() -> None:
    reader = TorchRows(Rows(("good", torch.tensor(1))), image=None, text=0, names=("bad", "good"))
    assert reader.keys(0) == ()
    assert (reader[0].images, reader[0].labels) == ((), {"class": 1})


def test_images_that_rows_share_have_one_id_and_the_reader_can_be_pickled() -> None:
    reader = TorchRows(Rows((PIXELS, "dog"), (PIXELS, "cat")), names=("cat", "dog"), image_ids=("x", "x"))
    again = pickle.loads(pickle.dumps(reader))
    assert [again.keys(row) for row in range(2)] == [("x",), ("x",)]
    assert [again[row].labels["class"] for row in range(2)] == [1, 0]


@pytest.mark.parametrize(
    ("row", "given", "message"),
    [
        ((PIXELS,), {}, "got a tuple; want 1 in every row"),
        ({"x": 1}, {"image": "img"}, r"got keys \['x'\]; want 'img' in every row"),
        ((NORMALISED, 0), {}, r"image: got a Tensor of float32, \(3, 4, 4\), from -2 to 2; want a PIL image"),
        ((object(), 0), {}, "image: got a object; want a PIL image"),
        ((PIXELS, 7), {"names": ("a", "b")}, "class: got '7'; want one of 2 names, or its index"),
        ((PIXELS, "z"), {}, "class: got 'z'; want an index"),
        ((PIXELS, 3), {"labels": {"captions": 1}}, "captions: got a int; want a text or texts"),
        ((3, 0), {"image": None, "text": 0}, "text: got a int; want a text"),
    ],
    ids=["short", "key", "normalised", "object", "class", "name", "caption", "text"],
)  # fmt: skip
def test_a_row_that_is_not_as_said_is_named_with_what_is_wanted(row: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=rf"^Rows: {message}.*\(row 0\)"):
        TorchRows(Rows(row), **given)[0]


def test_no_rows_and_ids_of_another_number_are_refused() -> None:
    with pytest.raises(DataError, match="Rows: got no rows; want at least one"):
        TorchRows(Rows())
    with pytest.raises(DataError, match="image_ids: got 1 ids for 2 rows; want one per row"):
        TorchRows(Rows((PIXELS, 0), (PIXELS, 0)), image_ids=("a",))
    with pytest.raises(IndexError):
        TorchRows(Rows((PIXELS, 0)))[1]
