"""Files of many predictions: whole or not there, continued, the same in three formats."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from motet.core import ConfigError
from motet.hub.prediction_file import PredictionFile

RECORDS = [
    {"row": 0, "id": "a", "images": ["a.jpg"], "predictions": {"kind": 'cat, "big"', "boxes": {"names": ["x"]}}},
    {"row": 1, "id": "b", "images": ["b.jpg"], "error": "image: got nothing; want an image"},
    {"row": 2, "id": "c", "images": [], "text": "how?", "predictions": {"kind": "dög\nline", "boxes": None}},
]


def file(path: Path, **request: object) -> PredictionFile:
    return PredictionFile(path=path, tasks=("kind", "boxes"), request=request)


def test_what_was_collected_is_continued_and_the_file_appears_whole(tmp_path: Path) -> None:
    out = file(tmp_path / "new" / "o.jsonl", model="m")
    assert out.collected() == 0
    with out.collecting() as writer:
        writer.write(RECORDS[:1])
    with open(out.part, "ab") as part:
        part.write(b'{"row": 1, "cut by a ki')
    again = file(tmp_path / "new" / "o.jsonl", model="m")
    assert again.collected() == 1
    assert not again.path.exists()
    with again.collecting() as writer:
        writer.write(RECORDS[1:])
    again.complete()
    assert [json.loads(line) for line in again.path.read_text().splitlines()] == RECORDS
    assert [one.name for one in again.path.parent.iterdir()] == ["o.jsonl"]


def test_lines_of_another_request_are_not_continued(tmp_path: Path) -> None:
    with file(tmp_path / "o.csv", model="m").collecting() as writer:
        writer.write(RECORDS)
    with pytest.raises(ConfigError, match="unfinished predictions of another request"):
        file(tmp_path / "o.csv", model="other").collected()
    file(tmp_path / "o.csv").part.write_bytes(b"nonsense\n")
    with pytest.raises(ConfigError, match="another request"):
        file(tmp_path / "o.csv", model="m").collected()


def test_tables_hold_what_the_lines_do(tmp_path: Path) -> None:
    for name in ("o.csv", "o.parquet"):
        out = file(tmp_path / name)
        with out.collecting() as writer:
            writer.write(RECORDS)
        out.complete()
    with open(tmp_path / "o.csv", newline="", encoding="utf-8") as text:
        from_csv = list(csv.DictReader(text))
    parquet = pytest.importorskip("pyarrow.parquet")
    from_parquet = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert from_csv == [{key: value or "" for key, value in row.items()} for row in from_parquet]
    assert from_csv[0]["kind"] == 'cat, "big"'
    assert json.loads(from_csv[0]["boxes"]) == {"names": ["x"]}
    assert from_parquet[1]["error"] == "image: got nothing; want an image"
    assert from_parquet[1]["kind"] is None


def test_other_endings_and_missing_packages_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"want a file that ends in .jsonl, .csv, .parquet"):
        file(tmp_path / "o.xlsx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'motet\[hf\]'"):
        file(tmp_path / "o.parquet")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with (
        pytest.raises(ConfigError, match=r"--out: got .*; want a writable path"),
        file(tmp_path / "a" / "o.csv").collecting(),
    ):
        pass
