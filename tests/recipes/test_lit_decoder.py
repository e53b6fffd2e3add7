"""The recipes: tiny() reaches what it says, and more than a guess; the paper's has the paper's values."""

import os
from pathlib import Path

import pytest

from motet.core import ConfigError
from motet.nn.tower import Frozen
from motet.recipes.lit_decoder import demo, paper, photos, tiny
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.training.optim import Adafactor
from motet.training.run import Run
from motet.training.run_training import run_training

GUESSES = ("majority", "question majority", "constant")


@pytest.mark.slow
def test_tiny_reaches_what_it_says_and_more_than_a_guess(tmp_path: Path) -> None:
    run = tiny()
    report = run_training(run, tmp_path / "tiny", show=False)
    assert {task for task, _ in run.expect} == {task.name for task in run.tasks}
    for (task, metric), (value, shortfall) in run.expect.items():
        result = report.main(task)
        assert result.metric == metric
        assert result.value >= value - shortfall, f"{task}: {result.value:.1f}, expected {value} less {shortfall}"
        baselines = [baseline for name, baseline in report.trivial_baselines[task].items() if name in GUESSES]
        assert baselines
        assert all(value - shortfall > floor for floor in baselines), (
            f"{task}: the least that passes against {baselines}"
        )


def test_the_demo_asks_at_least_six_tasks_over_scenes_and_easy_vqa() -> None:
    run = demo(quick=True)
    assert len(run.tasks) >= 6
    assert {source.name.split("/")[0] for source in run.sources} == {"scenes", "easy_vqa"}
    assert isinstance(run.system, LiTDecoderConfig)
    assert run.system.mode == Frozen()
    assert any("OpenMoji" in line for line in run.credit)


def test_recipes_on_real_data_say_where_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    for recipe in (photos, paper):
        with pytest.raises(ConfigError, match="MOTET_DATA"):
            recipe()


@pytest.mark.real_data
@pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="needs MOTET_DATA")
def test_photographs_are_cut_so_that_no_test_image_is_trained() -> None:
    run = photos()
    images: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for source in run.sources:
        images[source.role] |= {key for row in range(len(source.reader)) for key in source.reader.keys(row)}
    assert not images["test"] & (images["train"] | images["val"])
    assert not images["val"] & images["train"]
    claimed = [source for source in run.of_role("test") if source.tasks[0].name != "vqav2"]
    for source in claimed:
        assert len({key for row in range(len(source.reader)) for key in source.reader.keys(row)}) >= 200, source.name


def test_the_papers_run_has_the_papers_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from paper_data import write_paper_data

    write_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    run: Run = paper()
    config = run.system
    assert isinstance(config, LiTDecoderConfig)
    assert (config.depth, config.width, config.heads, config.max_tokens) == (12, 768, 12, 64)
    assert (config.dropout, config.label_smoothing, config.mode) == (0.1, 0.1, Frozen())
    assert (run.train.lr, run.train.weight_decay, run.train.optimizer) == (1e-3, 1e-4, Adafactor())
    assert [task.name for task in run.tasks] == [
        "imagenet", "sun397", "food101", "pet", "resisc45", "coco", "flickr30k", "ocr_vqa", "vqav2", "gqa",
    ]  # fmt: skip
