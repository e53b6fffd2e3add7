"""The first lines of files: plain, gzipped, binary, long, missing."""

import gzip
from pathlib import Path

import pytest

from motet.data.detect.first_lines import first_lines


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_blank_lines_and_line_ends_are_left_out(tmp_path: Path, pack) -> None:
    path = tmp_path / "x"
    path.write_bytes(pack(b"\xef\xbb\xbfa\r\n\n  \nb\nc"))
    assert first_lines(path, 2) == ["a", "b"]
    assert first_lines(path, 9) == ["a", "b", "c"]


def test_a_line_that_the_limit_cuts_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\n" + b"b" * 300 * 1024)
    assert first_lines(path, 5) == ["a"]


@pytest.mark.parametrize("data", [b"a\0b\n", b"\x1f\x8bno gzip", b""])
def test_what_is_no_text_has_no_lines(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert first_lines(path, 5) == []


def test_a_missing_file_and_a_folder_have_no_lines(tmp_path: Path) -> None:
    assert first_lines(tmp_path / "none", 5) == []
    assert first_lines(tmp_path, 5) == []
