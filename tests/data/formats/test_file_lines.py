"""The lines of a file by their places: as `read_lines` gives them, for every file that it reads."""

import gzip
import pickle
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats import file_lines
from motet.data.formats.file_lines import FileLines
from motet.data.formats.text_file import read_lines


@pytest.mark.parametrize(
    "content", ["", "\n", "a", "a\n", "a\r\nb\r\n", "\n\né\n", "\ufeffone\ntwo", "a\x0cb\u2028c\n\nd", "a\r", "\ufeff"]
)
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_lines_are_those_of_read_lines(tmp_path: Path, monkeypatch, content: str, block: int) -> None:
    monkeypatch.setattr(file_lines, "_BLOCK", block)
    path = tmp_path / "x.txt"
    for data in (content.encode(), gzip.compress(content.encode())):
        path.write_bytes(data)
        lines = FileLines(path)
        assert list(lines) == read_lines(path)
        assert len(lines) == len(read_lines(path))
        assert list(pickle.loads(pickle.dumps(lines))) == read_lines(path)


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"a\nb\xff\n")
    with pytest.raises(DataError, match=r"text: got the byte 0xff; want UTF-8 \(.*x.txt, row 1\)"):
        FileLines(path)
    with pytest.raises(DataError, match="No such file"):
        FileLines(tmp_path / "none.txt")
