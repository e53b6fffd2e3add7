"""The parts of docs/ADDING.md are saved as it says, trained, restored, asked, compared and analysed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documents import blocks

import motet
import motet.core
from motet.analysis.interference_measurement import InterferenceSettings
from motet.config.recipe_files import load_recipe
from motet.core import Report
from motet.core.model_folder import model_folder
from motet.experiments.interference import measure
from motet.experiments.single_task import single_task
from motet.hub import load_system
from motet.training.run import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the page's files, on the path."""
    folder = tmp_path_factory.mktemp("adding")
    names = ("shades.py", "shades_recipe.py", "patches.py", "patches_recipe.py")
    for name, text in zip(names, blocks("docs/ADDING.md", "python"), strict=True):
        (folder / name).write_text(text)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in names:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_a_reader_a_metric_and_a_task_of_ones_own(folder: Path) -> None:
    assert len([line for line in (folder / "shades.py").read_text().splitlines() if line.strip()]) < 40
    report = motet.train(load_recipe(f"{folder / 'shades_recipe.py'}:run"), folder / "run", show=False)
    near = report.main("shade")
    assert near.metric == "near"
    assert near.low is not None
    assert near.low > 60  # one of five shades, at most one step off: a constant answer gets 60
    shades = sys.modules["shades"]
    predictor = motet.load(folder / "run", trust=("shades",))
    assert predictor("shade", image=shades.Squares(240, 1)[0].images[0].read()).name in shades.SHADES


@pytest.fixture(scope="module")
def patches(folder: Path) -> tuple[Run, Report, Path]:
    """The run of the page's system, trained."""
    run = load_recipe(f"{folder / 'patches_recipe.py'}:run")
    return run, motet.train(run, folder / "patches", show=False), folder / "patches"


def test_a_system_of_ones_own_is_one_short_file(folder: Path) -> None:
    assert len((folder / "patches.py").read_text().splitlines()) < 80


def test_it_learns_and_answers_from_a_saved_folder(patches: tuple[Run, Report, Path]) -> None:
    run, report, place = patches
    assert report.main("bright").value > 90
    assert report.main("shade").value > 80
    predictor = motet.load(place, trust=("patches", "shades"))
    image = run.of_role("test")[0].reader[0].images[0].read()  # a black square
    assert predictor("bright", image=image).name == "dark"
    again = motet.evaluate(place, run.of_role("test"), trust=("patches", "shades"))
    assert [result.value for result in again.results] == [result.value for result in report.results]


def test_without_trust_it_is_not_imported(patches: tuple[Run, Report, Path]) -> None:
    with pytest.raises(motet.core.CheckpointError, match="--trust"):
        motet.load(patches[2])


def test_it_is_compared_with_single_task_models(patches: tuple[Run, Report, Path]) -> None:
    run, report, place = patches
    for task in run.tasks:
        motet.train(
            single_task(run, task.name, samples_seen=report.samples_seen),
            place.parent / "single" / task.name,
            show=False,
        )
    comparison = motet.compare(place, place.parent / "single")
    assert {pair.task for pair in comparison.pairs} == {"shade", "bright"}
    assert comparison.delta_m is not None


def test_the_interference_of_its_tasks_is_measured(patches: tuple[Run, Report, Path]) -> None:
    run, _, place = patches
    system = load_system(place, trust=("patches", "shades"))
    found, _ = measure(
        system,
        run.of_role("train"),
        ("shade", "bright"),
        InterferenceSettings(batches=3, batch_size=8),
        model=model_folder(place),
        folder=place / "interference",
    )
    assert list(found.blocks) == ["trunk"]
    assert found.touched("trunk") == ("shade", "bright")
