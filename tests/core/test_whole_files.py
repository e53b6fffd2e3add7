"""A file is written whole or not at all: an error, a full disk or a stop leaves the earlier one and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from motet.core.whole_files import whole_file, write_whole


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "grün")
    write_whole(tmp_path / "a.txt", b"\x00\x01")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\x01"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(143)])
def test_whatever_ends_the_writing_leaves_the_earlier_file(tmp_path: Path, error: BaseException) -> None:
    write_whole(tmp_path / "a.txt", "earlier")

    def write() -> None:
        with whole_file(tmp_path / "a.txt") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert (tmp_path / "a.txt").read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_whole(tmp_path / "a.txt", "earlier")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.txt", "later")
    assert (tmp_path / "a.txt").read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"dear")
    for name in ("a.json", "a.json.part", f"a.json.{os.getpid()}"):
        (tmp_path / name).symlink_to(tmp_path / "other")
    write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "other").read_bytes() == b"dear"
    assert (tmp_path / "a.json").read_bytes() == b"new"


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "folder", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(OSError, match="No such"):
        write_whole(tmp_path / "no" / "a.json", b"new")
