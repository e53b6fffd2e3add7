"""Rows and images in memory are stored once, under a name that is a digest of their content."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from motet.core import ConfigError, DataError
from motet.data.formats.stored_rows import store_image, store_rows

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def encoded(form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, form)
    return stream.getvalue()


def test_equal_rows_are_one_file_and_others_another(tmp_path: Path) -> None:
    cells = {"text": ["ä", "b\n", None], "count": [1, 2.5, True]}
    first = store_rows(cells, (0, 1, 2), tmp_path)
    assert [json.loads(line) for line in first.read_text().splitlines()] == [
        {"text": "ä", "count": 1}, {"text": "b\n", "count": 2.5}, {"text": None, "count": True},
    ]  # fmt: skip
    stamp = first.stat().st_mtime_ns
    assert store_rows(cells, (0, 1, 2), tmp_path) == first
    assert first.stat().st_mtime_ns == stamp
    assert store_rows(cells, (0, 1), tmp_path) != first


def test_a_cell_that_no_table_holds_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="column 'box', row 1: got a object; want texts, numbers or lists of them"):
        store_rows({"box": [1, object()]}, (0, 1), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("image", "ending"),
    [
        (PIXELS, ".png"), (Image.fromarray(PIXELS), ".png"), (encoded("JPEG"), ".jpg"), (encoded("PNG"), ".png"),
        ({"bytes": encoded("PNG"), "path": "x.png"}, ".png"), (PIXELS[:, :, 0], ".png"),
    ],
    ids=["array", "PIL", "JPEG", "PNG", "struct", "grey"],
)  # fmt: skip
def test_an_image_in_memory_becomes_a_file_with_its_pixels(image: Any, ending: str, tmp_path: Path) -> None:
    path = Path(store_image(image, tmp_path))
    assert path.suffix == ending
    assert store_image(image, tmp_path) == str(path)
    if ending == ".png":
        grey = isinstance(image, np.ndarray) and image.ndim == 2
        assert np.array_equal(np.asarray(Image.open(path)), PIXELS[:, :, 0] if grey else PIXELS)


def test_a_path_stays_a_path(tmp_path: Path) -> None:
    assert store_image("a/b.jpg", tmp_path) == "a/b.jpg"
    assert store_image({"bytes": None, "path": "a.jpg"}, tmp_path) == "a.jpg"


@pytest.mark.parametrize(
    "image", [3, PIXELS.astype(np.float32), PIXELS[None], object()], ids=["number", "floats", "four", "object"]
)
def test_anything_else_is_named_with_column_and_row(image: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'img': got a .*; want a path, encoded bytes, .* \(row 7\)"):
        store_image(image, tmp_path, column="img", row=7)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"rows: got .*; want a folder with room \(\$MOTET_CACHE\)"):
        store_rows({"a": [1]}, (0,), tmp_path / "file" / "inside")
