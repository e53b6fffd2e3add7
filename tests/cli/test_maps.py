"""A map for a program: a summary instead of every number, and the files that hold it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from motet.cli.maps import drawn_at, map_summary, write_map
from motet.cli.predict import prediction_fields
from motet.core import ClassPrediction, ConfigError, Dense, DenseMap, Text

STREETS = Dense(3, "class", ("road", "sky", "train"))


def test_a_map_is_told_in_a_few_numbers_whatever_its_kind() -> None:
    classes = np.zeros((400, 600, 1), dtype=np.int64)
    classes[:100] = 1
    told = {"size": [400, 600, 1], "unit": "class", "classes": {"road": 0.75, "sky": 0.25}}
    assert prediction_fields(DenseMap(classes), STREETS) == told
    normals = np.stack([np.zeros((2, 2)), np.zeros((2, 2)), np.ones((2, 2))], axis=-1)
    assert map_summary(normals, Dense(3, "unit vector")) == {
        "size": [2, 2, 3], "unit": "unit vector", "mean": [0.0, 0.0, 1.0],
    }  # fmt: skip
    edges = np.array([[0.1, np.nan], [0.9, 0.2]], dtype=np.float32)
    assert map_summary(edges, Dense(1, "probability")) == {
        "size": [2, 2], "unit": "probability", "range": [0.1, 0.9], "mean": 0.4,
    }  # fmt: skip
    assert map_summary(np.full((2, 2), np.nan), Dense(1, "metre")) == {"size": [2, 2], "unit": "metre"}


def test_a_folder_gets_every_number_and_an_image_only_the_drawing(tmp_path) -> None:
    metres = DenseMap(np.array([[1.5, 2.25]], dtype=np.float32))
    assert drawn_at(tmp_path / "new", "depth") == tmp_path / "new" / "depth.png"
    (path,) = write_map(tmp_path / "new", "depth", metres)
    assert path == tmp_path / "new" / "depth.npy"
    held = np.load(path, allow_pickle=False)
    assert held.dtype == np.float32
    assert held.tolist() == [[1.5, 2.25]]
    assert write_map(tmp_path / "drawn.png", "depth", metres) == ()
    assert write_map(tmp_path / "new", "kind", ClassPrediction(0)) == ()
    (tmp_path / "has.ending").mkdir()
    assert drawn_at(tmp_path / "has.ending", "depth").parent == tmp_path / "has.ending"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path) -> None:
    file = tmp_path / "file"
    Image.new("L", (2, 2)).save(file, format="PNG")
    with pytest.raises(ConfigError, match=r"--out: got .*; want a folder that can be written"):
        write_map(file, "depth", DenseMap(np.zeros((2, 2))))


def test_words_are_told_as_before() -> None:
    assert prediction_fields(ClassPrediction(1, "dog"), Text(3))["name"] == "dog"
