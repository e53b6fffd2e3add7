"""Parts of a measurement come back as they were saved; others, damaged and half ones count as missing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.analysis.interference import Directions, Interference, Probes
from motet.core import CheckpointError, DataError
from motet.core.model_folder import WEIGHTS
from motet.experiments.interference_parts import MeasurementParts, digest_of_model

BLOCKS = {"trunk": [torch.nn.Parameter(torch.zeros(3))]}
DIRECTIONS = Directions(
    {"trunk": torch.tensor([1.0, 0.0, 0.0])}, {"trunk": torch.tensor([2.0, 0.5, 0.0])}, {"trunk": 4}
)
PROBES = Probes({"trunk": np.array([[0.5, -1.0]])}, {"trunk": np.array([2.0])})
RESULT = Interference(("a", "b"), {})


def parts(folder: Path, **identity: object) -> MeasurementParts:
    return MeasurementParts(folder, {"weights": "w", **identity})


def test_a_direction_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    parts(tmp_path).save_directions("a task/with a slash", DIRECTIONS)
    found = parts(tmp_path).directions("a task/with a slash", BLOCKS)
    assert found is not None
    assert torch.equal(found.unit["trunk"], DIRECTIONS.unit["trunk"])
    assert torch.equal(found.mean["trunk"], DIRECTIONS.mean["trunk"])
    assert found.counted == {"trunk": 4}
    assert parts(tmp_path).directions("another task", BLOCKS) is None


def test_probes_come_back_as_they_were_saved(tmp_path: Path) -> None:
    parts(tmp_path).save_probes("a", PROBES)
    found = parts(tmp_path).probes("a", BLOCKS)
    assert found is not None
    np.testing.assert_array_equal(found.products["trunk"], PROBES.products["trunk"])
    np.testing.assert_array_equal(found.lengths["trunk"], PROBES.lengths["trunk"])


def test_another_measurement_never_reads_them(tmp_path: Path) -> None:
    parts(tmp_path).save_probes("a", PROBES)
    assert parts(tmp_path, seed=1).probes("a", BLOCKS) is None
    assert parts(tmp_path).probes("a", {**BLOCKS, "head": BLOCKS["trunk"]}) is None, "a block is missing"


def test_a_damaged_file_counts_as_missing(tmp_path: Path) -> None:
    parts(tmp_path).save_directions("a", DIRECTIONS)
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-4])
    assert parts(tmp_path).directions("a", BLOCKS) is None


def test_the_result_replaces_its_own_parts_only(tmp_path: Path) -> None:
    own, other = parts(tmp_path), parts(tmp_path, seed=1)
    for one in (own, other):
        one.save_directions("a", DIRECTIONS)
    assert own.finished() is None
    own.write_result(RESULT)
    assert own.finished() == RESULT
    assert own.directions("a", BLOCKS) is None
    assert other.directions("a", BLOCKS) is not None
    assert not list(tmp_path.glob("*.part"))


def test_half_a_result_counts_as_missing(tmp_path: Path) -> None:
    own = parts(tmp_path)
    own.write_result(RESULT)
    (path,) = tmp_path.glob("*.json")
    path.write_text(path.read_text()[:5])
    assert own.finished() is None


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("")
    with pytest.raises(DataError, match=r"interference: got .*; want a folder with room that can be written"):
        parts(file).save_probes("a", PROBES)
    with pytest.raises(DataError, match="want a folder with room"):
        parts(file).write_result(RESULT)


def test_the_digest_is_that_of_the_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="want a saved model"):
        digest_of_model(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"one")
    one = digest_of_model(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"two")
    assert digest_of_model(tmp_path) != one
