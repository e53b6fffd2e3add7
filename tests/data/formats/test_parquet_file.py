import time
import tracemalloc

import pytest

from motet.core import DataError
from motet.data.formats import parquet_file
from motet.data.formats.parquet_file import first_parquet_rows, load_parquet

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

ROWS = {
    "text": ["a", "bü", None], "number": [1, 2, 3],
    "image": [{"bytes": b"x", "path": "p"}, None, {"bytes": b"", "path": "q"}],
    "texts": [["a", "b"], [], None], "raw": [b"zz", None, b"\xff"], "share": [0.5, None, 1.0],
}  # fmt: skip


def test_columns_of_every_kind_come_back(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table(ROWS), path)
    assert load_parquet(path, list(ROWS)) == ROWS
    assert load_parquet(path, ["number"]) == {"number": [1, 2, 3]}
    assert first_parquet_rows(path, 2) == [{name: cells[row] for name, cells in ROWS.items()} for row in range(2)]
    with pytest.raises(DataError, match=r"column 'txt': got a table without it; want it \(did you mean 'text'"):
        load_parquet(path, ["txt"])


def refused(path, columns, message):
    tracemalloc.start()
    began = time.process_time()
    for read in (lambda: load_parquet(path, columns), lambda: first_parquet_rows(path, 5)):
        with pytest.raises(DataError, match=message) as caught:
            read()
        assert "\n" not in str(caught.value)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert time.process_time() - began < 5


def test_values_without_end_in_few_bytes_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    same = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 3_000_000, pyarrow.int32()), pyarrow.array(["x"]))
    parquet.write_table(pyarrow.table({"text": same}), path, store_schema=False)
    assert path.stat().st_size < 10_000
    refused(
        path, ["text"], r"Parquet: got 3,000,000 values in [\d,]+ bytes; want at most 100 values per byte of the file"
    )


@pytest.mark.parametrize("nested", [False, True])
def test_one_long_text_in_many_rows_is_refused(tmp_path, nested):
    path = tmp_path / "t.parquet"
    places = pyarrow.array([0] * 1000, pyarrow.int32())
    same = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(["x" * 20_000_000]))
    column = pyarrow.StructArray.from_arrays([same], ["bytes"]) if nested else same
    parquet.write_table(pyarrow.table({"text": column}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 20_000
    refused(path, ["text"], r"Parquet: got [\d,]+ bytes that become [\d,]+; want at most 33,554,432")


def test_more_than_fits_is_refused_by_what_the_file_declares(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table(ROWS), path)
    monkeypatch.setattr(parquet_file, "_MAX_BYTES", 20)
    with pytest.raises(DataError, match=r"table: got 0.0 GiB in the columns \['text'\]; want at most 0"):
        load_parquet(path, ["text"])


def test_a_file_that_ends_the_process_which_asks_for_its_sizes_is_one_line(tmp_path, monkeypatch):
    parquet.write_table(pyarrow.table(ROWS), tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table(ROWS), tmp_path / "b.parquet")
    program = tmp_path / "sizes.py"
    text = 'import json, os, sys\nprint(\'{"error": "x"}\', flush=True)\n'
    text += "os.abort() if len(json.load(sys.stdin)) > 1 else 0\n"
    program.write_text(text)
    monkeypatch.setattr(parquet_file.parquet_sizes, "__file__", str(program))
    with pytest.raises(DataError, match=r"Parquet: got a file on which pyarrow fails \(exit code -6\).*b.parquet"):
        load_parquet(tmp_path, ["text"])
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(parquet_file, "_SECONDS", 0.5)
    with pytest.raises(DataError, match=r"fails \(no end after 0.5 seconds\); want .*a.parquet"):
        load_parquet(tmp_path, ["text"])


def test_a_broken_file_beside_a_whole_one_is_named(tmp_path):
    parquet.write_table(pyarrow.table(ROWS), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"Parquet: got .*; want a whole Parquet file \(.*b.parquet\)"):
        load_parquet(tmp_path, ["text"])
