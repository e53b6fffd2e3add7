"""UniT's recipes: tiny() reaches what it says, and more than a guess; the paper's has the paper's values."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from motet.cli.options import folder_of
from motet.core import Boxes, ConfigError
from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.nn.feature_maps import TimmMap
from motet.nn.text_encoders import HfBert
from motet.nn.tower import Finetune
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.unit import cells, detector, paper, real, real_separate_decoders, tiny, world
from motet.systems.unit import ShortestSide
from motet.systems.unit.config import UniTConfig
from motet.training.optim import Cosine, HfAdamW
from motet.training.run import Features
from motet.training.run_training import run_training


@pytest.mark.slow
def test_tiny_reaches_what_it_says_and_more_than_a_guess(tmp_path: Path) -> None:
    run = tiny()
    report = run_training(run, tmp_path / "tiny", show=False)
    assert {task for task, _ in run.expect} == {task.name for task in run.tasks}
    for (task, metric), (value, shortfall) in run.expect.items():
        (result,) = (r for r in report.results if (r.task, r.metric) == (task, metric))
        assert result.value >= value - shortfall, f"{task}: {result.value:.1f}, expected {value} less {shortfall}"
        # Sentences of a world of six nouns recur, so that who knew them all by heart would beat what was learned here.
        guess = report.trivial_baselines[task].get("majority", report.trivial_baselines[task].get("constant"))
        assert guess is not None
        assert value - shortfall > guess, f"{task}: the least that passes against {guess:.1f}"


def test_batches_are_of_one_task_and_boxes_have_attributes() -> None:
    run = tiny()
    assert isinstance(run.schedule, Mixed)
    assert run.schedule.whole_batches
    assert isinstance(run.schedule.rates, FixedRates)
    assert set(run.schedule.rates.by_source) == {source.name for source in run.of_role("train")}
    (described,) = (task.target for task in run.tasks if isinstance(task.target, Boxes))
    assert "red" in described.attributes
    assert any("OpenMoji" in line for line in run.credit)


def test_the_detector_only_finds_things() -> None:
    assert [type(task.target) for task in detector().tasks] == [Boxes]


def test_a_task_without_images_is_trained_by_itself_where_features_are_stored(tmp_path: Path) -> None:
    of = SceneSources(task_names=("answerable",), train=8, val=4, test=4, kinds=6, answers="each")
    run = replace(world(of, 2, {"answerable": 1}, batch_size=4), features=Features(tmp_path / "features"))
    assert not run.stores_features
    assert run_training(run, tmp_path / "run", show=False, baselines=False).step == 2
    assert not (tmp_path / "features").exists()


def test_recipes_on_real_data_say_where_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    for recipe in (cells, real, paper):
        with pytest.raises(ConfigError, match="MOTET_DATA"):
            recipe()


@pytest.mark.real_data
@pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="needs MOTET_DATA")
def test_the_shared_model_starts_from_the_detector_of_cells_where_that_is_left() -> None:
    alone, shared = cells(), real()
    assert {task.name for task in alone.tasks} == {"bccd"}
    assert replace(shared.system, detection=alone.system.detection) == alone.system
    assert shared.features == alone.features
    assert shared.start is not None
    assert shared.start.folder == folder_of("unit:cells")
    apart = real_separate_decoders()
    assert replace(apart.system, shared=True) == shared.system
    assert apart.start is not None
    assert apart.start.rename == {"decoder.": "decoders.bccd."}


@pytest.mark.real_data
@pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="needs MOTET_DATA")
def test_real_data_is_cut_so_that_nothing_tested_is_trained() -> None:
    run = real()
    assert [task.name for task in run.tasks] == [
        "bccd", "coco_boxes", "easy_vqa", "esnlive", "sst2", "qnli", "mrpc", "rte",
    ]  # fmt: skip
    rows: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for source in run.sources:
        keys = [source.reader.keys(row) or (source.reader[row].id,) for row in range(len(source.reader))]
        rows[source.role] |= {key for of_row in keys for key in of_row}
    assert not rows["test"] & (rows["train"] | rows["val"])
    assert not rows["val"] & rows["train"]


def test_the_papers_run_has_the_papers_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unit_paper_data import write_unit_paper_data

    write_unit_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    run = paper()
    config = run.system
    assert isinstance(config, UniTConfig)
    assert isinstance(config.trunk, TimmMap)
    assert (config.trunk.name, config.trunk.output_stride, config.trunk.frozen_norms) == ("resnet50", 16, True)
    assert (config.mode, config.views, config.text) == (Finetune(0.2), ShortestSide(), HfBert("bert-base-uncased"))
    assert (config.width, config.depth, config.heads, config.hidden, config.dropout) == (768, 6, 8, 2048, 0.1)
    assert (config.image_width, config.image_depth, config.box_queries, config.other_queries) == (256, 6, 100, 25)
    assert (run.train.steps, run.train.lr, run.train.weight_decay, run.train.grad_clip) == (500_000, 5e-5, 1e-4, 0.1)
    assert (run.train.optimizer, run.train.lr_schedule) == (HfAdamW(), Cosine(warmup=2000))
    assert isinstance(run.schedule, Mixed)
    assert isinstance(run.schedule.rates, FixedRates)
    assert run.schedule.batch_size == 64
    assert sum(run.schedule.rates.by_source.values()) == pytest.approx(1)
    assert [task.name for task in run.tasks] == list(run.schedule.rates.by_source)
