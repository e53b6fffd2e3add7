import gzip
import os
import tracemalloc
from pathlib import Path

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


def test_a_gzip_that_becomes_a_thousand_times_its_size_is_refused(tmp_path):
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(bytes(64 * 1024**2), 9) * 2)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"gzip: got \d+,\d+ bytes that become more than 33,554,432; want .*bomb.json"):
        read_bytes(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000


def test_text_that_compresses_well_is_read(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(gzip.compress(b"the same line\n" * 100_000))
    assert len(read_bytes(path)) == 1_400_000


def test_what_never_ends_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(DataError, match="file: got a pipe, socket or device; want a readable file"):
            read_bytes(path)
    with pytest.raises(DataError, match="file: got Is a directory; want"):
        read_bytes(tmp_path)
    with pytest.raises(DataError, match=r"file: got embedded null byte; want a readable file \(a\\x00b\)"):
        read_bytes(Path("a\0b"))
