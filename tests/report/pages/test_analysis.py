"""The skeleton of the analyses' outputs."""

import json
from pathlib import Path

import numpy as np

from motet.report.heat import HeatTable
from motet.report.pages.analysis import heat_plot, heat_png, sentence_case, write_analysis

TABLE = HeatTable.of_matrix("block & layer", ("a", "b"), np.array([[1.0, -0.5], [np.nan, 1.0]]))


def test_every_part_has_a_file_and_json_is_read_back(tmp_path: Path) -> None:
    data = {"numbers": [1.5, None], "word": "ä"}
    paths = write_analysis(tmp_path / "new", "x", data=data, markdown="# x\n", html="<p>", figures={"x-1.png": b"png"})
    assert [path.name for path in paths] == ["x.html", "x.md", "x.json", "x-1.png"]
    assert json.loads(paths[2].read_text(encoding="utf-8")) == data
    assert "ä" in paths[2].read_text(encoding="utf-8")


def test_an_analysis_without_page_and_figures_has_two_files(tmp_path: Path) -> None:
    assert [path.name for path in write_analysis(tmp_path, "y", data={}, markdown="")] == ["y.md", "y.json"]


def test_heat_maps_are_named_by_their_titles() -> None:
    html = heat_plot([TABLE, TABLE], label="effect", limit=1.0)
    assert 'alt="block &amp; layer; block &amp; layer"' in html
    assert heat_png([TABLE], label="effect").startswith(b"\x89PNG")


def test_sentence_case_changes_one_letter() -> None:
    assert sentence_case("") == ""
    assert sentence_case("row: IoU") == "Row: IoU"
