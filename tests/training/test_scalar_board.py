"""TensorBoard reads back the scalars, has one file of a run, and a full disk raises where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from motet.training import scalar_board
from motet.training.scalar_board import ScalarBoard


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {tag: [(s.step, s.value) for s in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def test_what_is_written_is_read_by_tensorboard_at_once(tmp_path: Path) -> None:
    board = ScalarBoard(tmp_path / "tensorboard")
    board.add([("loss/a", 0.5), ("loss/b", 2.0)], 1)
    board.add([("loss/a", 0.25)], 2)
    assert read(tmp_path / "tensorboard") == {"loss/a": [(1, 0.5), (2, 0.25)], "loss/b": [(1, 2.0)]}
    board.close()


def test_a_new_file_takes_the_place_of_earlier_ones(tmp_path: Path) -> None:
    first = ScalarBoard(tmp_path)
    for step in range(5):
        first.add([("loss", float(step))], step)
    first.close()
    again = ScalarBoard(tmp_path)
    again.add([("loss", 30.0)], 3)
    again.remove_earlier()
    again.close()
    assert read(tmp_path) == {"loss": [(3, 30.0)]}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_raises_at_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  the board closes it
    monkeypatch.setattr(scalar_board.Path, "open", lambda *_, **__: full)
    monkeypatch.setattr(scalar_board.Path, "mkdir", lambda *_, **__: None)
    with pytest.raises(OSError, match="No space left"):
        ScalarBoard(Path("nowhere"))
    assert full.closed
