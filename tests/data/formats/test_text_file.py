import gzip

import pytest

from motet.core import DataError
from motet.data.formats.text_file import read_bytes, read_csv, read_lines, read_text


def test_gzip_is_seen_by_its_content_and_not_its_name(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(gzip.compress("één\nzwei\n".encode()))
    assert read_lines(path) == ["één", "zwei"]


def test_a_gzip_that_breaks_off_is_named(tmp_path):
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress(b"abc" * 100)[:-12])
    with pytest.raises(DataError, match="broken stream") as caught:
        read_bytes(path)
    assert caught.value.path == path


def test_only_line_feeds_end_lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes("a\x0cb\u2028c\r\n\nd".encode())
    assert read_lines(path) == ["a\x0cb\u2028c", "", "d"]


def test_a_byte_order_mark_is_dropped(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"\xef\xbb\xbfimage,caption\n")
    assert read_text(path) == "image,caption\n"


def test_bytes_that_are_no_utf8_are_named_with_their_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("a\nb\ncaf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"0xe9; want UTF-8 .*row 2"):
        read_lines(path)


def test_csv_keeps_quoted_commas_quotes_and_line_feeds(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'a,b\r\n"x, ""y""","1\n2"\r\n\r\nlast,\r\n')
    assert list(read_csv(path)) == [["a", "b"], ['x, "y"', "1\n2"], ["last", ""]]


def test_a_quote_that_never_closes_is_named_with_its_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"x,y\n')
    with pytest.raises(DataError, match="row 1"):
        list(read_csv(path))
