import csv
import gzip
import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.core import ConfigError, DataError
from motet.data.formats import parquet_file
from motet.data.formats.table_file import as_number, first_rows, load_columns, table_suffix

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


# Without a deadline: every example writes a file, which takes as long as the disk is busy.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_any_cell_that_is_written_as_csv_is_read_again(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    assert load_columns(path, ("a", "b")) == {"a": [a for a, _ in rows], "b": [b for _, b in rows]}


def test_tsv_has_no_quotes(tmp_path, write):
    path = write(tmp_path / "t.tsv", 'a\tb\n"x\ty, z\n')
    assert load_columns(path, ("b", "a")) == {"b": ["y, z"], "a": ['"x']}


def test_json_rows_may_leave_cells_out(tmp_path, write):
    rows = [{"a": 1, "b": [1, 2]}, {"b": None}, {"a": "x"}]
    lines = "\n".join(json.dumps(row) for row in rows)
    for path in (write(tmp_path / "t.jsonl", lines), write(tmp_path / "t.json", rows)):
        assert load_columns(path, ("a", "b")) == {"a": [1, None, "x"], "b": [[1, 2], None, None]}
        assert first_rows(path, 2) == rows[:2]


def test_gzipped_tables_are_read(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n2\n"))
    assert load_columns(path, ("a",)) == {"a": ["1", "2"]}
    assert first_rows(path, 1) == [{"a": "1"}]


def test_parquet_files_of_a_folder_are_one_table(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for place, name in enumerate(("b", "a")):
        parquet.write_table(pyarrow.table({"n": [place, place + 10], "l": [["x"], []]}), tmp_path / f"{name}.parquet")
    assert load_columns(tmp_path, ("n", "l")) == {"n": [1, 11, 0, 10], "l": [["x"], [], ["x"], []]}
    assert first_rows(tmp_path, 1) == [{"n": 1, "l": ["x"]}]
    parquet.write_table(pyarrow.table({"m": [1]}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match="the same columns in all files"):
        load_columns(tmp_path, ("n",))


def test_more_parquet_than_fits_is_refused(tmp_path, monkeypatch):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"image": [b"x" * 5000], "n": [1]}), tmp_path / "t.parquet")
    monkeypatch.setattr(parquet_file, "_MAX_BYTES", 1000)
    assert load_columns(tmp_path / "t.parquet", ("n",)) == {"n": [1]}
    with pytest.raises(DataError, match="HfDataset maps such a table from disk"):
        load_columns(tmp_path / "t.parquet", ("image",))


def test_without_the_extra_parquet_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"motet\[hf\]"):
        load_columns(tmp_path / "t.parquet", ("a",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "header: got an empty file"),
        ("t.csv", "aa,b\n1,2\n", "column 'a': got a table without it; want it .*did you mean 'aa'"),
        ("t.jsonl", '{"b": 1}', "column 'a': got a table without it"),
        ("t.csv", "a,b,a\n", r"header: got \['a'\] more than once"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", r"columns: got 3; want 2, as in the header .*row 1\)"),
        ("t.jsonl", '{"a": 1}\n[1]\n', r"row: got \[1\]; want an object .*row 1\)"),
        ("t.json", '{"a": 1}', "file: got .*; want a list"),
        ("t.parquet", "PAR1", "want a whole Parquet file"),
        ("t.xlsx", "", "want one that ends in .csv"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(tmp_path, write, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message) as caught:
        load_columns(path, ("a",))
    assert caught.value.path == path


def test_a_folder_without_parquet_is_an_error(tmp_path):
    assert table_suffix(tmp_path) == ".parquet"
    with pytest.raises(DataError, match=r"without \.parquet files"):
        load_columns(tmp_path, ("a",))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("03", "03"),
        ("nan", "nan"),
        ("1_0", "1_0"),
        ("", ""),
        (None, None),
    ],
)
def test_a_cell_that_writes_a_number_is_one(cell, value):
    assert as_number(cell) == value
    assert type(as_number(cell)) is type(value)
