"""The page of task affinities."""

import json
from pathlib import Path

from motet.report.pages.affinity import (
    Affinities,
    _evenly_chosen,
    affinity_to_json,
    heat_table,
    page,
    table_rows,
    write_affinity,
)

ONE = Affinities(("a", "b"), {10: ((0.75, 0.25), (0.5, 0.5))}, {})
TWO = Affinities(("a", "b"), {10: ((0.5, 0.5), (0.5, 0.5)), 20: ((0.9, 0.1), (0.2, 0.8))}, {("a", "b"): ((10, 0.5),)})


def test_the_table_is_of_the_last_step() -> None:
    head, rows = table_rows(TWO)
    assert head == ("task", "takes of a", "takes of b")
    assert rows == [("a", "0.900", "0.100"), ("b", "0.200", "0.800")]
    assert heat_table(TWO, 10).cells["a", "b"].value == 0.5


def test_one_step_without_a_log_has_no_course_over_training() -> None:
    assert "Over training" not in page(ONE, "run")
    assert "Over training" in page(TWO, "run")


def test_the_title_is_escaped() -> None:
    assert "Task affinities: a &lt;run&gt;" in page(ONE, "a <run>")


def test_files_hold_the_same_numbers(tmp_path: Path) -> None:
    paths = write_affinity(tmp_path, TWO, title="run")
    assert [path.name for path in paths] == ["affinity.html", "affinity.md", "affinity.json", "affinity.png"]
    assert json.loads(paths[2].read_text()) == affinity_to_json(TWO)
    assert "| b | 0.200 | 0.800 |" in paths[1].read_text()
    assert paths[1].read_text().startswith("# Task affinities: run\n\nRow: what a task takes from each task")


def test_few_of_many_steps_are_drawn_with_the_first_and_the_last() -> None:
    assert _evenly_chosen([5, 9]) == [5, 9]
    chosen = _evenly_chosen(list(range(100)))
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 99, 6)
