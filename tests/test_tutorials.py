"""The tutorials of docs/tutorials are run as they are, on small data."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks
from PIL import Image

import motet
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.training.run_data import saved_run

PAGES = {page.name for page in (ROOT / "docs/tutorials").glob("*.md")}


def write_image(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((24, 24, 3), shade, np.uint8)).save(path)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a reader: class folders, a table over them, a photo."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    rows = []
    for number in range(24):
        breed = ("cat", "dog")[number % 2]
        write_image(tmp_path / "pets" / breed / f"{number}.png", 10 * number)
        rows.append((f"pets/{breed}/{number}.png", breed, ("calm", "wild")[number // 12]))
    write_image(tmp_path / "photo.jpg", 90)
    with (tmp_path / "pets.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "breed", "mood"), *rows])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def quickly(lines: str) -> str:
    """The lines with fewer steps and smaller models, and all else as it is."""
    changed = lines
    for old, new in (
        ("motet.suggest(sources)", "motet.suggest(sources, steps=2)"),
        ("steps=300", "steps=2"),
        ("replace(small(),", "replace(small(width=32, image_size=32),"),
    ):
        changed = changed.replace(old, new)
    assert changed != lines
    return changed


def test_every_tutorial_is_run_here() -> None:
    assert {"ten_lines.md", "own_data.md", "own_module.md", "own_loop.md"} == PAGES


@pytest.mark.parametrize("number", range(4), ids=["files", "frame", "hf", "torch"])
def test_ten_lines_train_and_answer(number: int, pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scripts = blocks("docs/tutorials/ten_lines.md", "python")
    assert len(scripts) == 4
    lines = scripts[number]
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    folder = ("files", "frame", "hf", "torch")[number]
    if folder == "frame":
        pytest.importorskip("pandas")
    if folder == "hf":
        pytest.importorskip("datasets")
    names: dict[str, object] = {}
    exec(quickly(lines), names)
    shown = capsys.readouterr().out
    tasks = {"files": {"kind"}, "frame": {"breed", "mood"}, "hf": {"label"}, "torch": {"animal"}}[folder]
    assert {result.task for result in names["report"].results} == tasks  # type: ignore[attr-defined]
    assert shown.split()[-1] in ("cat", "dog", "calm", "wild")
    assert (pets / "runs" / folder / "report.html").is_file()
    sources = names["sources"]
    ids = {source.role: set() for source in sources}  # type: ignore[attr-defined]
    for source in sources:  # type: ignore[attr-defined]
        ids[source.role] |= {key for row in range(len(source.reader)) for key in source.reader.keys(row)}
    assert set(ids) == {"train", "val", "test"}
    assert not ids["train"] & (ids["val"] | ids["test"])
    assert not ids["val"] & ids["test"]
    if folder in ("frame", "hf"):  # another process can read the run's data again
        assert saved_run(pets / "runs" / folder).sources == sources
        again = motet.evaluate(pets / "runs" / folder)
        assert [one.value for one in again.results] == [one.value for one in names["report"].results]  # type: ignore[attr-defined]
    if folder == "hf":
        assert (pets / "scores.png").stat().st_size > 1000


def test_own_data_trains_two_tasks_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        write_image(tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}.png", 20 * number)
        write_image(tmp_path / "photos" / f"{number}.png", 20 * number)
    captions = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 24, "width": 24} for n in range(12)],
        "annotations": [{"id": n, "image_id": n, "caption": f"shade {n}"} for n in range(12)],
    }
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    write_image(tmp_path / "photo.jpg", 90)
    recipe, use = blocks("docs/tutorials/own_data.md", "python")
    names: dict[str, object] = {}
    exec(recipe, names)
    run = names["run"]()  # type: ignore[operator]
    small = dataclasses.replace(run.system, width=32, heads=1, encoder=dataclasses.replace(run.system.encoder, size=32))
    run = dataclasses.replace(run, system=small, train=dataclasses.replace(run.train, steps=2))
    report = motet.train(run, "runs/pets", show=False)
    assert {result.task for result in report.results} == {"breed", "caption"}
    exec(use, {})
    assert capsys.readouterr().out.endswith("\n")


def test_own_encoders_are_configurations() -> None:
    lines = blocks("docs/tutorials/own_module.md", "python")[0]
    names: dict[str, object] = {}
    exec(lines, names)
    for name, mode in (("frozen", Frozen), ("tuned", Finetune), ("scratch", FromScratch)):
        assert isinstance(names[name].mode, mode)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("place", "file", "answers"),
    [(1, "backbone.py", ("cat", "dog")), (3, "my_model.py", ("calm", "wild"))],
    ids=["an encoder", "a whole model"],
)
def test_own_modules_are_trained_loaded_and_asked(
    place: int, file: str, answers: tuple[str, ...], pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module, use = blocks("docs/tutorials/own_module.md", "python")[place : place + 2]
    assert f"Save this as `{file}`" in (ROOT / "docs/tutorials/own_module.md").read_text().split(module)[0][-300:]
    (pets / file).write_text(module)
    exec(quickly(use), {})
    assert capsys.readouterr().out.split()[-1] in answers


def test_an_own_loop_learns_with_every_part_on_its_own(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    pages = blocks("docs/tutorials/own_loop.md", "python")
    page = types.ModuleType("own_loop_page")
    for lines in pages:
        exec(lines, page.__dict__)
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in shown] == ["breed", "mood"]
    assert set(page.factors) == {"breed", "mood"}
    metric, _ = page.evaluate("train")["mood"]
    assert metric.compute() > 80  # dark images are calm, light ones wild
    assert sum(page.mixture.consumed.values()) == 40 * 8
