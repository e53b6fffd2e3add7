"""Files of a report, whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from motet.core import DataError
from motet.report.write import write_files


def test_files_are_written_in_order_into_a_new_folder(tmp_path: Path) -> None:
    paths = write_files(tmp_path / "a" / "b", {"y.txt": b"1", "x.txt": b"2"})
    assert [path.name for path in paths] == ["y.txt", "x.txt"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["x.txt", "y.txt"]


def test_a_folder_that_cannot_be_made_is_one_line_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError) as raised:
        write_files(tmp_path / "file" / "below", {"report.html": b""})
    assert "report.html: got Not a directory; want a folder with room that can be written" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_old_file_stays_where_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="got No space left on device; want a folder with room that can be written"):
        write_files(tmp_path, {"a.txt": b"new"})
    assert (tmp_path / "a.txt").read_text() == "old"
