"""Parts of a feature store: complete or absent, checked block by block, locked for one writer."""

import errno
import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from motet.core import DataError
from motet.data.feature_parts import (
    StorePart,
    clear_unfinished,
    locked,
    parts_in,
    read_stamps,
    write_json,
    write_part,
)

ROWS = [("x", 0), ("x", 1), ("y", 0)]
FEATURES = np.arange(3 * 2 * 4, dtype=np.float16).reshape(3, 2, 4)


def written(store: Path) -> StorePart:
    assert list(write_part(store, ROWS, (2, 4), [FEATURES[:2], FEATURES[2:]])) == [2, 3]
    (part,) = parts_in(store)
    return part


def test_a_part_has_the_features_that_were_written(tmp_path: Path) -> None:
    part = written(tmp_path)
    assert (part.rows, part.shape) == (tuple(ROWS), (2, 4))
    assert np.array_equal(part.array(), FEATURES)
    assert part.is_intact()


def test_a_changed_byte_a_missing_and_another_shape_are_found(tmp_path: Path) -> None:
    part = written(tmp_path)
    data = bytearray(part.path.read_bytes())
    data[-1] ^= 1
    part.path.write_bytes(bytes(data))
    assert not part.is_intact()
    np.save(part.path, FEATURES[:2])
    assert not part.is_intact()
    part.path.unlink()
    assert not part.is_intact()


def test_a_part_in_writing_is_no_part(tmp_path: Path) -> None:
    writing = write_part(tmp_path, ROWS, (2, 4), [FEATURES[:2], FEATURES[2:]])
    next(writing)
    assert parts_in(tmp_path) == []
    writing.close()
    clear_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_features_without_an_index_are_cleared_and_finished_ones_stay(tmp_path: Path) -> None:
    part = written(tmp_path)
    np.save(tmp_path / "part-0-x.npy", FEATURES)
    clear_unfinished(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npy"]
    assert parts_in(tmp_path) == [part]


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": [["x", 0]]}', '{"rows": 3}'])
def test_a_part_with_a_damaged_index_is_removed(tmp_path: Path, text: str) -> None:
    part = written(tmp_path)
    part.path.with_suffix(".json").write_text(text)
    assert parts_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_parts_are_found_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    for value in range(3):
        list(write_part(tmp_path, [(str(value), 0)], (2, 4), [np.full((1, 2, 4), value, np.float16)]))
    assert [part.rows[0][0] for part in parts_in(tmp_path)] == ["0", "1", "2"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"stored features: got No such file.*; want a folder with write permission"):
        list(write_part(tmp_path / "none", ROWS, (2, 4), [FEATURES]))


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"a": "b"}'])
def test_stamps_that_are_missing_or_damaged_are_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "stamps.json").write_text(text)
    assert read_stamps(tmp_path) == ({"a": "b"} if text == '{"a": "b"}' else {})


def test_json_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}


def test_a_second_holder_waits_for_the_first_and_says_for_whom(tmp_path: Path, caplog) -> None:
    with locked(tmp_path) as first:
        assert list(first) == []
        with locked(tmp_path) as second:
            next(second)  # one short wait: the lock is held
            next(second)
    (line,) = caplog.messages
    assert line == (
        f"stored features in {tmp_path}: waits for process {os.getpid()} on {socket.gethostname()}, which fills the "
        "same store"
    )
    with locked(tmp_path) as third:
        assert list(third) == []


def test_a_part_that_is_stopped_half_way_leaves_nothing(tmp_path: Path) -> None:
    writing = write_part(tmp_path, [("a", 0), ("b", 0)], (1, 2), iter([np.zeros((1, 1, 2), "<f2")] * 2))
    next(writing)
    assert list(tmp_path.iterdir())
    writing.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_is_one_line_and_leaves_no_part(tmp_path: Path, monkeypatch, call: int) -> None:
    calls = []

    def fsync(handle: int) -> None:  # first of the features, then of their index
        calls.append(handle)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DataError, match="stored features: got No space left on device") as error:
        list(write_part(tmp_path, [("a", 0)], (1, 2), iter([np.zeros((1, 1, 2), "<f2")])))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(10**13,), (2**63,), (2**62, 2**62), (-1,), (2, 2, 4)])
def test_a_file_that_declares_more_than_it_holds_is_not_intact(tmp_path: Path, shape) -> None:
    part = written(tmp_path)
    with part.path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        file.write(bytes(16))
    assert not part.is_intact()
    part.path.write_bytes(b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 15 + b"\n")
    assert not part.is_intact()
    with pytest.raises(DataError, match=r"stored features: got .*; want the file as motet wrote it"):
        part.array()


@pytest.mark.parametrize("ending", [".json", ".npy"])
def test_a_folder_in_the_place_of_a_file_of_a_part_is_one_line(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path).path.with_suffix(ending)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"stored features: got .*; want a file that can be deleted"):
        [part.remove() for part in parts_in(tmp_path)]
