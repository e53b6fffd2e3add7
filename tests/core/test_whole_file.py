import os
from pathlib import Path

import pytest

from motet.core.whole_file import write_whole


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
