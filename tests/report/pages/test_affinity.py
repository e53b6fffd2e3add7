"""The page of task affinities."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from motet.core import CheckpointError
from motet.core.model_folder import WEIGHTS, step_folder
from motet.report.pages.affinity import (
    Affinities,
    _evenly_chosen,
    affinity_to_json,
    heat_table,
    page,
    read_affinities,
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


def saved(folder: Path, **matrices: list[list[float]]) -> Path:
    """A run folder with a model per step, called "s10", whose weights are these."""
    for name, matrix in matrices.items():
        place = step_folder(folder, int(name[1:]))
        place.mkdir(parents=True)
        save_file({"affinities": torch.tensor(matrix), "trunk.weight": torch.zeros(2)}, place / WEIGHTS)
        (place / "config.json").write_text("{}")
    return folder


def test_every_saved_matrix_is_read_and_the_points_of_the_log_beside_it(tmp_path: Path) -> None:
    saved(tmp_path, s10=[[0.5, 0.5], [0.5, 0.5]], s20=[[0.75, 0.25], [0.125, 0.875]])
    lines = [{"step": step, "mean_loss": 1.0, "aux": {"affinity/a/b": 0.5 - step / 100}} for step in (10, 20)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_affinities(tmp_path, ("a", "b"))
    assert found.saved == {10: ((0.5, 0.5), (0.5, 0.5)), 20: ((0.75, 0.25), (0.125, 0.875))}
    assert found.last == ((0.75, 0.25), (0.125, 0.875))
    assert found.logged == {("a", "b"): ((10, 0.4), (20, 0.3))}  # pairs without points are left out


def test_a_run_without_a_log_has_its_matrices_alone(tmp_path: Path) -> None:
    found = read_affinities(saved(tmp_path, s7=[[1.0]]), ("a",))
    assert found.saved == {7: ((1.0,),)}
    assert not found.logged


def test_a_folder_without_affinities_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"affinity: .*: got no step-\.\.\.; want a run with a saved model"):
        read_affinities(tmp_path, ("a", "b"))
    with pytest.raises(CheckpointError, match=r"got a matrix of 2 tasks; want 3: a, b, c"):
        read_affinities(saved(tmp_path / "two", s5=[[0.5, 0.5], [0.5, 0.5]]), ("a", "b", "c"))
    place = step_folder(saved(tmp_path / "other", s5=[[1.0]]), 5) / WEIGHTS
    save_file({"trunk.weight": torch.zeros(2)}, place)
    with pytest.raises(CheckpointError, match=r"got no task affinities; want a run of the ViT adapters"):
        read_affinities(tmp_path / "other", ("a",))
    place.write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match=r"got a damaged file .*; want safetensors"):
        read_affinities(tmp_path / "other", ("a",))
