"""The adapters' recipes: tiny() reaches what it says, one word changes the trunk, the paper's have its values."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motet.cli.options import folder_of
from motet.config.recipe_files import load_from_file
from motet.core import ConfigError, Dense, Label
from motet.core.model_folder import read_weights
from motet.data.schedules import Mixed
from motet.experiments.study import Study
from motet.losses.dense import balanced_l1
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.recipes.data.vit_adapters import ALL_MAPS, named, scenes
from motet.recipes.vit_adapters import (
    KNOWN,
    START,
    Word,
    adapt,
    classifier,
    known,
    multitask,
    novel,
    on,
    paper,
    paper_adapt,
    paper_cityscapes,
    paper_novel,
    paper_nyuv2,
    paper_synthia,
    paper_transfer,
    paper_vkitti2,
    pretrain,
    pretrain_distilled,
    pretrain_vit,
    real,
    small,
    tiny,
    transfer,
    trunk_of,
    vanilla,
)
from motet.systems.vit_adapters import Adaptation, FixedAffinities, Troa, ViTAdaptersConfig
from motet.systems.vit_adapters.model import ViTAdapters
from motet.training.balancers import TaskMean
from motet.training.initial_weights import initial_system
from motet.training.run import From, Run
from motet.training.run_training import run_training

STUDY = Path(__file__).parents[2] / "studies" / "vit_adapters_tables.py"
REAL = pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="needs MOTET_DATA")


def config(run: Run) -> ViTAdaptersConfig:
    """The system of a run."""
    assert isinstance(run.system, ViTAdaptersConfig)
    return run.system


def tasks_of(run: Run, role: str = "train") -> dict[str, list[str]]:
    """By source of a role, what is asked of it."""
    return {source.name: [task.name for task in source.tasks] for source in run.sources if source.role == role}


@pytest.mark.slow
def test_tiny_reaches_what_it_says_and_more_than_a_guess(tmp_path: Path) -> None:
    run = tiny()
    report = run_training(run, tmp_path / "tiny", show=False)
    assert {task for task, _ in run.expect} == set(ALL_MAPS)
    for (task, metric), (value, shortfall) in run.expect.items():
        (result,) = (r for r in report.results if (r.task, r.metric) == (task, metric))
        sign = 1 if result.higher_is_better else -1
        least = value - sign * shortfall
        assert sign * result.value >= sign * least, f"{task}: {result.value:.2f}, expected {value} less {shortfall}"
        baselines = report.trivial_baselines[task]
        guess = sign * max(sign * baselines[name] for name in ("constant", "no edge", "all edge") if name in baselines)
        assert sign * least > sign * guess, f"{task}: the least that passes, {least:.2f}, against {guess:.2f}"


def test_tiny_needs_no_other_run_and_asks_four_maps_of_one_row() -> None:
    run = tiny()
    assert run.start is None
    assert isinstance(config(run).mode, FromScratch)
    assert config(run).adapters is not None
    assert tasks_of(run) == {"scenes/maps": list(ALL_MAPS)}
    assert isinstance(run.balancer, TaskMean)
    assert any("OpenMoji" in line for line in run.credit)


def test_edges_count_as_much_as_all_the_rest() -> None:
    losses = {task.name: task.loss for task in scenes(train=4, val=2, test=2)[0].tasks}
    assert losses == {"segment": None, "depth": None, "normals": None, "edges": balanced_l1}


def test_a_trunk_is_made_by_naming_images_and_needs_no_real_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    run = pretrain()
    assert all(isinstance(task.target, Label) for task in run.tasks)
    assert tasks_of(run) == {"scenes/names": ["largest"]}
    assert config(run) == classifier()
    assert (config(run).adapters, config(run).mode, run.start) == (None, FromScratch(), None)
    assert config(pretrain_vit()).trunk == trunk_of("vit")
    assert folder_of("vit_adapters:pretrain") == START.folder
    assert folder_of("vit_adapters:known") == KNOWN.folder


def test_a_teacher_adds_a_name_to_training_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    run = pretrain_distilled()
    assert tasks_of(run) == {"scenes/names": ["largest", "teacher"]}
    assert tasks_of(run, "test") == {"scenes/names/test": ["largest"]}
    assert config(run) == config(pretrain())
    reader = run.of_role("train")[0].reader
    labels = [reader[row].labels for row in range(4)]
    said = [row["teacher"] for row in labels]
    assert all(0 <= one < 1000 for one in said)
    assert said == [reader[row].labels["teacher"] for row in range(4)]
    assert {"class", "teacher"} <= set(labels[0])


def test_scenes_to_name_come_in_both_styles_and_on_both_grounds() -> None:
    (train, *_) = named(train=8, val=4, test=4, real=False)
    looks = [train.reader[row].images[0] for row in range(len(train.reader))]
    assert len(looks) == 8
    assert len({image.fingerprint() for image in looks}) == 8
    assert {getattr(image, "style", "") for image in looks} == {"colour", "line"}


def test_what_a_frozen_trunk_needs_comes_from_pretraining() -> None:
    for recipe in (multitask, novel, known, adapt):
        run = recipe()
        assert run.start == START
        assert isinstance(config(run).mode, Frozen)
        assert isinstance(config(run).affinities, Troa)


def test_the_baseline_trains_the_same_trunk_whole() -> None:
    own, other = small(), vanilla()
    assert other.trunk == own.trunk
    assert other.decoder == own.decoder
    assert (other.adapters, other.affinities, other.mode) == (None, FixedAffinities(), Finetune(1.0))


def test_the_last_map_of_a_transfer_is_evaluated_and_never_shown() -> None:
    first, second = known(), transfer()
    assert second.start == KNOWN
    assert first.tasks == second.tasks
    (shown,) = second.of_role("train")
    (evaluated,) = second.of_role("test")
    assert set(shown.reader[0].labels) == {"segmentation", "depth"}
    assert "normals" in evaluated.reader[0].labels
    assert [getattr(s.reader[0].images[0], "style", "") for s in (*first.of_role("train"), evaluated)] == [
        "colour",
        "line",
    ]


def test_a_shifted_domain_is_evaluated_and_has_no_labels_to_learn_from() -> None:
    run = adapt()
    assert config(run).adapt is not None
    by_name = {source.name: source for source in run.sources}
    assert len(by_name["scenes/dark"].reader[0].labels) == 0
    assert "segmentation" in by_name["scenes/maps"].reader[0].labels
    assert {"scenes/dark/test", "scenes/maps/test"} <= {source.name for source in run.of_role("test")}


def test_other_domains_are_only_evaluated() -> None:
    run = novel()
    assert tasks_of(run) == tasks_of(multitask())
    assert set(tasks_of(run, "test")) == {"scenes/maps/test", "lines/maps/test", "dark/maps/test"}


@pytest.mark.parametrize("word", ["swinv2", "vit", "pvt", "focalnet"])
def test_one_word_changes_the_trunk(word: Word, tmp_path: Path) -> None:
    few = scenes(train=4, val=2, test=2, size=32)
    run = on(small(word, size=32), few, 2, start=None, batch_size=2, precision="float32")
    assert config(run).adapters == small(size=32).adapters
    report = run_training(run, tmp_path / "run", show=False, baselines=False)
    assert report.step == 2
    assert {result.task for result in report.results} == set(ALL_MAPS)


def test_a_trunk_of_a_size_that_windows_do_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="want a multiple of 32"):
        trunk_of("swinv2", 100)


def test_adapters_on_a_trunk_of_another_run_begin_with_its_norms(tmp_path: Path) -> None:
    first = on(classifier(size=32), named(train=8, val=4, test=4, size=32, real=False), 2, start=None, batch_size=4)
    run_training(first, tmp_path / "names", show=False, baselines=False)
    second = on(small(size=32), scenes(train=4, val=2, test=2, size=32), 1, start=From(tmp_path / "names", ("trunk.",)))
    system, matched = initial_system(second, torch.device("cpu"))
    assert isinstance(system, ViTAdapters)
    assert matched is not None
    assert all(name.startswith("trunk.") for name in matched.matched)
    assert system.adapters is not None
    for at in system.encoder.adapted:
        adapter = system.adapters.block(*at)
        assert adapter is not None
        for own, scaled in zip(system.trunk.norms(*at), (adapter.norm1, adapter.norm2), strict=True):
            assert scaled is not None
            assert own.weight.abs().sum() > 0  # zero before the first step, in a Swin V2
            torch.testing.assert_close(scaled.weight, own.weight)
            torch.testing.assert_close(scaled.bias, own.bias)


def test_the_study_stands_on_one_trunk_and_what_is_compared_learns_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = load_from_file(STUDY, "study", Study, what="study")
    monkeypatch.delitem(sys.modules, STUDY.stem)
    firsts = [cell for cell in made.cells if cell not in made.starts]
    assert firsts == ["trunk that names scenes"]
    assert made.cells[firsts[0]].start is None
    assert len(made.seeds) == 3
    for name in ("S-D", "S-D-N", "S-D-N-E"):
        own, other = made.cells[f"adapters, {name}"], made.cells[f"vanilla, {name}"]
        assert own.train == other.train
        assert own.tasks == other.tasks
        assert [source.name for source in own.sources] == [source.name for source in other.sources]
    untrained = [cell for cell, run in made.cells.items() if run.train.steps == 0]
    assert all(cell.startswith("novel") or cell.endswith("not adapted") for cell in untrained)
    for cell in untrained:
        run, first = made.cells[cell], made.cells[made.starts[cell]]
        assert run.start == From(run.start.folder if run.start else Path())
        assert run.tasks == first.tasks
        assert not {s.name for s in run.of_role("test")} & {s.name for s in first.sources}


@pytest.mark.parametrize("name", ["planted", "rivals"])
def test_the_other_studies_compare_like_with_like(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = STUDY.with_name(f"vit_adapters_{name}.py")
    made = load_from_file(path, "study", Study, what="study")
    monkeypatch.delitem(sys.modules, path.stem)
    compared = {
        cell: run for cell, run in made.cells.items() if cell not in ("trunk that names scenes", "starved alone")
    }
    assert len(compared) > 4
    assert len({repr(run.train) for run in compared.values()}) == 1
    assert len({tuple(task.name for task in run.tasks) for run in compared.values()}) == 1
    assert len({repr(run.system) for run in compared.values()}) == len(compared)
    assert len(made.seeds) == 3


def test_a_transfer_leaves_the_unseen_map_as_it_was_and_judges_it(tmp_path: Path) -> None:
    asked = ALL_MAPS[:3]
    colour = scenes(asked, train=4, val=2, test=2, size=32)
    lines = scenes(asked, train=4, val=2, test=2, size=32, style="line", labelled=asked[:2], name="scenes/lines")
    first = on(small(size=32), colour, 1, start=None, batch_size=2, precision="float32")
    run_training(first, tmp_path / "known", show=False, baselines=False)
    start = From(tmp_path / "known")
    report = run_training(
        on(small(size=32), lines, 2, start=start, batch_size=2, precision="float32"), tmp_path / "lines", show=False
    )
    assert {result.task for result in report.results} == set(asked)
    assert "normals" not in report.trivial_baselines or "constant" not in report.trivial_baselines["normals"]
    before, after = (read_weights(tmp_path / name) for name in ("known", "lines"))
    own = [name for name in before if name.startswith(("decoders.normals.", "heads.normals."))]
    assert len(own) > 4
    assert all(torch.equal(before[name], after[name]) for name in own)
    other = [name for name in before if name.startswith("decoders.depth.") and name.endswith(".weight")]
    assert not all(torch.equal(before[name], after[name]) for name in other)
    # As it is, on another domain: what the study's rows without a step of training do.
    evaluated = on(small(size=32), (colour[0], lines[-1]), 0, start=start, batch_size=2, precision="float32")
    untrained = run_training(evaluated, tmp_path / "as it is", show=False, baselines=False)
    assert untrained.step == 0
    assert {result.source for result in untrained.results} == {"scenes/lines/test"}


def test_rows_without_labels_train_beside_rows_with_them(tmp_path: Path) -> None:
    asked = ALL_MAPS[:2]
    light = scenes(asked, train=4, val=2, test=2, size=32)
    dark = scenes(asked, train=4, val=2, test=2, size=32, ground="dark", labelled=(), name="scenes/dark")
    shift = Adaptation(depth_range_m=(0.0, 8.0), width=4, layers=3)
    for name, system in (("adapters", small(size=32)), ("vanilla", vanilla(size=32))):
        run = on(replace(system, adapt=shift), (*light, *dark), 2, start=None, batch_size=6, precision="float32")
        report = run_training(run, tmp_path / name, show=False, baselines=False)
        assert {result.source for result in report.results} == {"scenes/maps/test", "scenes/dark/test"}


def test_recipes_on_real_data_say_where_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    for recipe in (real, paper, paper_novel, paper_cityscapes, paper_nyuv2, paper_transfer, paper_adapt):
        with pytest.raises(ConfigError, match="MOTET_DATA"):
            recipe()


@pytest.mark.real_data
@REAL
def test_every_real_set_has_maps_of_its_own_over_one_trunk() -> None:
    run = real()
    assert not run.credit  # 7-Scenes has no drawings
    assert tasks_of(run) == {"sevenscenes": ["depth", "normals"], "streets": ["streets"], "boundaries": ["boundaries"]}
    units = {task.target.unit for task in run.tasks if isinstance(task.target, Dense)}
    assert units == {"class", "metre", "unit vector", "probability"}
    assert run.start == START
    for source in run.sources:
        example = source.reader[0]
        for task in source.tasks:
            assert task.annotation_of(example).ndim in (2, 3)


@pytest.mark.real_data
@REAL
def test_real_images_are_cut_so_that_nothing_tested_is_trained() -> None:
    for run in (real(), pretrain()):
        ids: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
        for source in run.sources:
            ids[source.role] |= {key for row in range(len(source.reader)) for key in source.reader.keys(row)}
        assert not ids["test"] & (ids["train"] | ids["val"])
        assert not ids["val"] & ids["train"]


def test_the_papers_runs_have_the_papers_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vit_adapters_paper_data import write_adapters_paper_data

    write_adapters_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    run = paper()
    model = config(run)
    assert model.trunk.name == "swinv2_base_window12_192.ms_in22k"
    assert isinstance(model.mode, Frozen)
    assert isinstance(model.affinities, Troa)
    assert (model.affinities.kappa, model.affinities.sign) == (1.0, 1)
    assert model.adapters is not None
    assert model.adapters.blocks is None  # the last four of the third stage, and the fourth
    assert model.adapters.bottleneck is not None
    assert model.decoder.depths == (2, 2, 2, 2)
    assert [task.name for task in run.tasks] == list(ALL_MAPS)
    assert set(run.sources[0].reader[0].labels) == {"segmentation", "depth", "normals", "edges"}
    letters = {
        paper_cityscapes: 3, paper_synthia: 2, paper_vkitti2: 3, paper_nyuv2: 3, paper_novel: 3,
    }  # fmt: skip
    for recipe, count in letters.items():
        made = recipe()
        assert [task.name for task in made.tasks] == list(ALL_MAPS[:count])
        for source in made.sources:
            assert {task.label for task in source.tasks} <= set(source.reader[0].labels)


def test_the_papers_transfer_and_adaptation_leave_labels_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vit_adapters_paper_data import write_adapters_paper_data

    write_adapters_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    moved, shifted = paper_transfer(), paper_adapt()
    assert moved.start is not None
    assert moved.start.folder == folder_of("vit_adapters:paper_vkitti2")
    assert moved.tasks == paper_vkitti2().tasks
    assert set(moved.of_role("train")[0].reader[0].labels) == {"segmentation", "depth"}
    assert "normals" in moved.of_role("test")[0].reader[0].labels
    labels = {source.name: len(source.reader[0].labels) > 0 for source in shifted.of_role("train")}
    assert labels == {"vkitti2": True, "cityscapes": False}
    adaptation = config(shifted).adapt
    assert adaptation is not None
    assert adaptation.weight == 0.005
    assert adaptation.lr_scale * shifted.train.lr == pytest.approx(1e-4)
    assert isinstance(shifted.schedule, Mixed)
    assert shifted.schedule.batch_size == 2
