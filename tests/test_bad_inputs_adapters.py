"""What goes wrong with maps, and what looks wrong and is legal: one clear line, or a whole run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_runs import line_of
from toy_vit_adapters import CONFIG, NAMES, row

from motet.core import DenseMap, Example, MemoryImage, Report
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.hub import load_system
from motet.hub.predict import Predictor
from motet.systems.vit_adapters.domains import Adaptation
from motet.systems.vit_adapters.options import FixedAffinities
from motet.tasks.dense import depth, semantic_segmentation, surface_normals
from motet.training.balancers import PCGrad, TaskMean
from motet.training.config import TrainConfig
from motet.training.run import Run
from motet.training.run_training import run_training

TASKS = (semantic_segmentation("segment", NAMES, label="segment"), depth(), surface_normals())


@dataclass(frozen=True)
class Given:
    """A reader of these rows."""

    rows: tuple[Example, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return (self.rows[index].id,)

    def __getitem__(self, index: int) -> Example:
        return self.rows[index]


def run_of(rows: Sequence[Example], evaluated: Sequence[Example] = (), **changes: Any) -> Run:
    """Two steps of adapters of a few thousand parameters on these rows, judged on the same or others."""
    sources = tuple(
        Source(name=role, reader=Given(tuple(given)), tasks=TASKS, role=role)
        for role, given in (("train", rows), ("test", evaluated or rows))
    )
    given = {"system": replace(CONFIG, affinities=FixedAffinities()), "balancer": TaskMean()} | changes
    return Run(sources=sources, schedule=Mixed(batch_size=2), train=TrainConfig(steps=2, evaluate_every=0), **given)


def trained(folder: Path, *rows: Example, **changes: Any) -> Report:
    report = run_training(run_of(rows, **changes), folder / "run", device="cpu", show=False)
    assert report.step == 2
    return report


def with_map(name: str, values: Any) -> Example:
    """A row of 24 x 40 pixels, one of whose maps is another."""
    example = row(0)
    return replace(example, labels={**example.labels, name: values})


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("depth", np.ones((40, 24)), "got a map of 40 x 24 pixels; want 24 x 40, the size of its image"),
        ("depth", np.full((24, 40), np.nan), "got a map that is NaN everywhere; want at least one pixel that is known"),
        ("depth", np.full((24, 40), -1.0), "got a depth of -1 m; want 0 or more, or NaN where unknown"),
        ("depth", np.full((24, 40), np.inf), "got an infinite value; want finite numbers, or NaN where unknown"),
        ("segment", np.full((24, 40), 255), "got class 255; want 0 to 2, or -1 where none is known"),
        ("segment", np.full((24, 40), -1), "got a map that is -1 everywhere; want at least one pixel that is known"),
        ("normals", np.ones((24, 40, 3)), "got a normal of length 1.73; want unit length, or NaN where unknown"),
    ],
)
def test_a_map_that_cannot_be_is_told_with_its_row(tmp_path: Path, name: str, values: Any, said: str) -> None:
    rows = (row(1), with_map(name, values))
    assert line_of(lambda: run_of(rows), tmp_path / "run") == f"source 'train', row 1: e/0: task {name!r}: {said}"


def test_a_row_without_any_of_the_maps_is_told_what_was_wanted(tmp_path: Path) -> None:
    rows = (row(1), replace(row(0), labels={"dept": np.ones((24, 40))}))
    said = "source 'train', row 1: e/0: annotations: got ['dept']; want at least one of ['depth', 'normals', 'segment']"
    assert line_of(lambda: run_of(rows), tmp_path / "run") == said


def test_rows_with_some_maps_train_and_every_task_is_evaluated_where_it_can_be(tmp_path: Path) -> None:
    only = [replace(row(n), labels={name: row(n).labels[name]}) for n, name in enumerate(("depth", "normals"))]
    report = trained(tmp_path, *only, row(3))
    counts = {(result.task, result.count) for result in report.results}
    assert counts == {("segment", 1), ("depth", 2), ("normals", 2)}


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 90), (7, 3)], ids=str)
def test_an_image_of_any_size_is_answered_at_its_size(tmp_path: Path, size_hw: tuple[int, int]) -> None:
    rows = [row(n, size_hw) for n in (0, 1)]
    trained(tmp_path, *(replace(r, labels={**r.labels, "segment": np.zeros(size_hw, dtype=int)}) for r in rows))
    buffer = io.BytesIO()
    Image.new("L", size_hw[::-1], 90).save(buffer, "PNG")
    file = tmp_path / "grey.png"
    file.write_bytes(buffer.getvalue())
    ask = Predictor(load_system(tmp_path / "run"))
    for name, shape in (("depth", size_hw), ("segment", size_hw), ("normals", (*size_hw, 3))):
        found = ask(name, image=file)
        assert isinstance(found, DenseMap)
        assert found.values.shape == shape


def test_a_broken_image_is_told_by_its_name(tmp_path: Path) -> None:
    cut = MemoryImage("cut.png", row(0).images[0].read()[:-60])
    assert line_of(lambda: run_of((replace(row(0), images=(cut,)),)), tmp_path / "run").endswith("(cut.png)")


def test_images_without_labels_adapt_and_gradient_methods_train(tmp_path: Path) -> None:
    bare = [replace(row(n), labels={}) for n in (1, 2)]
    system = replace(CONFIG, affinities=FixedAffinities(), adapt=Adaptation(width=4, layers=3))
    run = run_of((row(0), row(3), *bare), (row(0),), system=system, balancer=PCGrad())
    report = run_training(run, tmp_path / "run", device="cpu", show=False)
    assert report.step == 2
    assert {result.task for result in report.results} == {"segment", "depth", "normals"}
