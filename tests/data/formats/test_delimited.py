"""Tables as spreadsheets, pandas and GLUE write them: delimiters, quotes, encodings."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.core import ConfigError, DataError
from motet.data.formats.delimited import delimited_rows

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\ufeff"), max_size=12)


def rows_of(root, text, name="t.csv", encoding="utf-8"):
    path = root / name
    path.write_bytes(text.encode(encoding))
    return list(delimited_rows(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_the_delimiter_is_the_one_that_cuts_rows_alike(tmp_path, delimiter, name):
    rows = [["Datei", "Text"], ["a.jpg", "ein Käfer, Nr. 1"], ["b.jpg", "zwei; drei | vier"]]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    assert rows_of(tmp_path, file.getvalue(), name) == rows


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_shows_the_encoding(tmp_path, encoding):
    text = ("\ufeff" if encoding == "utf-16-be" else "") + "a;b\r\nKäfer;2\r\n"
    assert rows_of(tmp_path, text, encoding=encoding) == [["a", "b"], ["Käfer", "2"]]


def test_another_encoding_is_an_error_until_it_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\nKäfer,2\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"got the byte 0xe4; want UTF-8 .*row 1"):
        delimited_rows(path)
    assert list(delimited_rows(path, encoding="cp1252"))[1] == ["Käfer", "2"]
    with pytest.raises(ConfigError, match="want one that Python knows"):
        delimited_rows(path, encoding="cp12520")


def test_excels_own_first_line_and_spaces_after_commas(tmp_path):
    assert rows_of(tmp_path, "sep=;\r\na;b\r\n1;2,5\r\n") == [["a", "b"], ["1", "2,5"]]
    assert rows_of(tmp_path, 'image, label\na.jpg, "cat, small"\n') == [["image", "label"], ["a.jpg", "cat, small"]]
    assert rows_of(tmp_path, "image,label\na.jpg, cat\n")[1] == ["a.jpg", " cat"]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ('a\t"say ""stop"""', ["a", 'say "stop"']),  # a doubled mark
        ('a\t"two\nlines"', ["a", "two\nlines"]),
        ('a\t"with\ttab"', ["a", "with\ttab"]),
        ('a\t"one, two"', ["a", "one, two"]),  # Excel quotes cells with a comma
        ('"a"\t"plain"', None),
        ('a\t"plain"', None),
        ('a\t"one, two"\nb\tthree, four', None),
        ('a\t"say ""stop"""\nb\t5" pipe', None),  # a mark in another cell is no quote
    ],
)
def test_a_tsv_has_quotes_where_all_its_marks_are_a_spreadsheets(tmp_path, cells, read):
    rows = rows_of(tmp_path, f"x\ty\n{cells}\n", "t.tsv")
    assert rows[1] == (read or cells.split("\n")[0].split("\t"))


# Without a deadline: every example writes a file, which takes as long as the disk is busy.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_any_quoted_tsv_is_read_again(tmp_path, rows):
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL, delimiter="\t").writerows([("a", "b"), *rows])
    assert rows_of(tmp_path, file.getvalue(), "t.tsv") == [["a", "b"], *map(list, rows)]


def test_a_file_without_a_common_delimiter_is_cut_by_its_header(tmp_path):
    assert rows_of(tmp_path, "a;b\n1;2\n1;2;3\n") == [["a", "b"], ["1", "2"], ["1", "2", "3"]]
    assert rows_of(tmp_path, "a\n1\n2\n") == [["a"], ["1"], ["2"]]
