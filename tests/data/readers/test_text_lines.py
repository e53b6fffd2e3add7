import gzip

import pytest

from motet.core import DataError
from motet.data.readers import TextLines


def test_blank_lines_are_skipped_and_ids_are_line_numbers(tmp_path, write):
    reader = TextLines(write(tmp_path / "news" / "a.txt", "One.\n\n  Two. \n"))
    assert [(row.id, row.text, row.labels) for row in (reader[0], reader[1])] == [
        ("news/a/0", "One.", {"text": ("One.",)}),
        ("news/a/2", "Two.", {"text": ("Two.",)}),
    ]
    assert reader.keys(1) == ()
    with pytest.raises(IndexError):
        reader.keys(2)


def test_a_gzipped_file_gives_the_same_rows(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"One.\n"))
    assert TextLines(tmp_path / "a.txt.gz")[0].text == "One."


def test_a_file_without_words_is_an_error(tmp_path, write):
    with pytest.raises(DataError, match="lines: got none; want at least one with words"):
        TextLines(write(tmp_path / "a.txt", "\n \n"))
