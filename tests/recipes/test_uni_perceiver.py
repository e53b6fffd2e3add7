"""Uni-Perceiver's recipes: what is in them, that they run, what the paper's have, and tasks that were never trained."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from uni_perceiver_paper_data import write_uni_perceiver_paper_data

from motet.cli.options import folder_of
from motet.core import ConfigError, Label, Masked, Match, Text
from motet.data.drawn_batches import DrawnBatches
from motet.data.sampling_rates import FixedRates
from motet.data.source import Source
from motet.hub import load_system
from motet.preprocess.crops import InceptionCrop
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes import uni_perceiver_transfer as transfer
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.uni_perceiver import letters
from motet.recipes.paper.uni_perceiver import PROCESSES, SIXTEEN, published_model
from motet.recipes.uni_perceiver import (
    fights,
    paper_base,
    paper_large,
    real,
    released_base,
    released_base_224,
    small,
    tiny,
    video,
    world,
)
from motet.systems.uni_perceiver import BASE, LARGE, TINY, Experts, Patches, PromptTuning, UniPerceiverConfig
from motet.systems.uni_perceiver.parts import is_tuned
from motet.training.balancers import BatchMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.optim import AdamW
from motet.training.run import Features, From, Run
from motet.training.run_training import run_training

HERE = "MOTET_DATA" not in os.environ


@pytest.mark.slow
def test_tiny_reaches_what_it_says_and_more_than_a_guess(tmp_path: Path) -> None:
    run = tiny()
    report = run_training(run, tmp_path / "tiny", show=False)
    assert {task for task, _ in run.expect} == {task.name for task in run.tasks}
    for (task, metric), (value, shortfall) in run.expect.items():
        (result,) = (r for r in report.results if (r.task, r.metric) == (task, metric))
        assert result.value >= value - shortfall, f"{task}: {result.value:.1f}, expected {value} less {shortfall}"
        baselines = report.trivial_baselines[task]
        guess = max((baselines[name] for name in ("majority", "constant", "chance") if name in baselines), default=0.0)
        assert value - shortfall > guess, f"{task}: the least that passes against {guess:.1f}"


def test_tiny_has_every_kind_of_task_and_pairs_are_told_apart_in_a_batch() -> None:
    run = tiny()
    kinds = {"largest": Label, "number": Label, "words": Masked, "caption": Text, "retrieve": Match}
    assert {task.name: type(task.target) for task in run.tasks} == kinds
    assert isinstance(run.schedule, DrawnBatches)
    assert isinstance(run.schedule.rates, FixedRates)
    assert set(run.schedule.rates.by_source) == {source.name for source in run.of_role("train")}
    assert all(source.compose is None for source in run.sources if source.tasks[0].name == "retrieve")
    assert any("OpenMoji" in line for line in run.credit)


def little(run: Run, folder: Path, *, steps: int = 2) -> Run:
    """So short that a test can do it, its features in a folder of its own."""
    plan = replace(run.train, steps=min(steps, run.train.steps), lr_schedule=Cosine(warmup=0))
    return replace(run, train=plan, features=Features(folder / "features"), expect={})


def test_a_model_of_images_is_asked_of_clips_as_it_is_with_prompts_and_trained_on(tmp_path: Path) -> None:
    system = small(width=32, depth=2)
    scenes = SceneSources(
        task_names=("largest", "words", "caption", "retrieve"), train=24, val=4, test=6, kinds=3, things=(1, 2)
    )
    first = little(world(scenes, 4, dict.fromkeys(scenes.task_names, 1.0), system=system), tmp_path, steps=4)
    assert run_training(first, tmp_path / "first", show=False, baselines=False).step == 4

    def clips(*asked: str) -> tuple[Source, ...]:
        return SceneSources(task_names=asked, train=40, val=4, test=4, kinds=3, frames=2).sources()

    asked = clips("mover", "video_caption", "video_retrieve")
    untuned = little(transfer.untuned(system, asked, From(tmp_path / "first")), tmp_path)
    report = run_training(untuned, tmp_path / "untuned", show=False, baselines=False)
    assert {result.task for result in report.results} == {"mover", "video_caption", "video_retrieve"}
    old = load_system(tmp_path / "first").state_dict()
    # All but the scale of a family of tasks that there was none of comes from the other run.
    (fresh,) = (note for note in report.notes if "missing in the saved weights" in note)
    assert fresh.endswith("1 missing in the saved weights: similarity.log_scales.video")

    prompted = little(transfer.prompted(system, clips("mover"), From(tmp_path / "first")), tmp_path)
    (rows,) = (source.reader for source in prompted.of_role("train"))
    assert set(Counter(rows[row].labels["object"] for row in range(len(rows))).values()) == {5}
    run_training(prompted, tmp_path / "prompted", show=False, baselines=False)
    tuned = load_system(tmp_path / "prompted").state_dict()
    frozen = [name for name in old if not is_tuned(name) and name in tuned]
    assert len(frozen) > 10
    assert all(torch.equal(tuned[name], old[name]) for name in frozen)
    assert any(not torch.equal(tuned[name], old[name]) for name in old if is_tuned(name) and name in tuned)

    finetuned = little(transfer.finetuned(system, clips("mover"), From(tmp_path / "first")), tmp_path)
    run_training(finetuned, tmp_path / "finetuned", show=False, baselines=False)
    changed = load_system(tmp_path / "finetuned").state_dict()
    assert not torch.equal(changed["encoder.blocks.0.qkv.weight"], old["encoder.blocks.0.qkv.weight"])


def test_what_was_never_trained_is_asked_of_the_run_that_a_recipe_leaves() -> None:
    for recipe in (transfer.scenes_untuned, transfer.scenes_prompted, transfer.scenes_finetuned):
        run = recipe()
        assert run.start is not None
        assert run.start.folder == folder_of("uni_perceiver:tiny")
        assert not {task.name for task in run.tasks} & {task.name for task in tiny().tasks}
    assert transfer.scenes_untuned().train.steps == 0
    prompted = transfer.scenes_prompted()
    assert isinstance(prompted.system, UniPerceiverConfig)
    assert prompted.system.tuning == PromptTuning()
    assert replace(prompted.system, tuning=None) == tiny().system
    assert prompted.train.weight_decay == 0
    assert folder_of("uni_perceiver_transfer:all_but_fashion") == transfer.ALL_BUT_FASHION.folder


def test_clips_are_told_by_a_name_in_words_and_by_their_caption() -> None:
    run = video()
    assert [sorted(task.inputs) for task in run.tasks] == [["video"], ["video"], ["text", "video"]]
    assert run.stores_features
    assert all(len(source.reader[0].images) == 4 for source in run.sources)


def test_recipes_on_real_data_say_where_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    garments = (transfer.all_but_fashion, transfer.fashion_untuned, transfer.fashion_prompted)
    for recipe in (real, fights, paper_base, paper_large, released_base, *garments):
        with pytest.raises(ConfigError, match="MOTET_DATA"):
            recipe()


@pytest.mark.real_data
@pytest.mark.skipif(HERE, reason="needs MOTET_DATA")
def test_no_photograph_or_sentence_that_is_evaluated_by_is_learned_from() -> None:
    run = real()
    assert [task.name for task in run.tasks] == ["cifar10", "fashion", "words", "flickr8k_caption", "flickr8k", "sst2"]
    photographs: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    said: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for source in run.sources:
        for row in range(len(source.reader)):
            example = None if source.tasks[0].name in ("cifar10", "fashion") else source.reader[row]
            photographs[source.role] |= set(source.reader.keys(row) or (example.id if example else "",))
            if source.tasks[0].name in ("words", "flickr8k") and example is not None:
                texts = example.labels.get("captions") or example.labels["text"]
                said[source.role] |= {letters(text) for text in texts}
    assert not photographs["test"] & (photographs["train"] | photographs["val"])
    assert not photographs["val"] & photographs["train"]
    shared = said["test"] & said["train"]
    # What two people said of two photographs: "A dog running through the grass."
    assert len(shared) < 0.01 * len(said["test"])


@pytest.mark.real_data
@pytest.mark.skipif(HERE, reason="needs MOTET_DATA")
def test_fights_and_garments_are_read() -> None:
    pytest.importorskip("av")
    run = fights()
    for source in run.sources:
        assert len(source.reader[0].images) == 4
    learned, evaluated = (
        {key.rpartition("/")[0] for s in run.of_role(r) for i in range(len(s.reader)) for key in s.reader.keys(i)}
        for r in ("train", "test")
    )
    assert not learned & evaluated
    assert [task.name for task in transfer.fashion_prompted().tasks] == ["fashion"]
    assert "fashion" not in {task.name for task in transfer.all_but_fashion().tasks}


def test_the_papers_runs_have_the_papers_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_uni_perceiver_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    run = paper_base()
    config, schedule, plan = run.system, run.schedule, run.train
    assert isinstance(config, UniPerceiverConfig)
    assert isinstance(schedule, DrawnBatches)
    assert (config.sizes, config.blocks, config.patches) == (BASE, Experts(), Patches(size=224, patch=16))
    assert config.tokenizer == HfTokenizer("openai/clip-vit-base-patch32")
    assert config.crop == InceptionCrop(min_area=0.08, aspect=(3 / 4, 4 / 3))  # timm's, as the official code reads
    assert (config.layer_scale, config.drop_path, config.max_tokens, config.tuning) == (1e-3, 0.1, 512, None)
    assert (config.loss.smoothing, config.loss.mixup_tasks) == (0.1, ("imagenet22k",))
    assert config.loss.weights == {"bookswiki": 0.5, "kinetics700": 0.1, "moments": 0.1}
    names = [source.name for source in run.of_role("train")]
    assert len(names) == 16
    assert set(names) == set(SIXTEEN) == {task.name for task in run.tasks}
    sizes = schedule.batch_sizes
    assert (schedule.batches, sizes["imagenet22k"], sizes["yfcc_caption"], sizes["sbu_retrieval"]) == (
        56,
        720,
        300,
        512,
    )
    bound = schedule.bind(run.of_role("train"), seed=0)
    step = bound.step(0, PROCESSES)
    assert [len(batches) for batches in step.batches] == [1] * PROCESSES
    assert bound.probabilities["imagenet22k"] == pytest.approx(2.486 / (2.486 + 0.76 + 0.44 + 2.75 + 2 * 1.78195))
    assert (plan.lr, plan.weight_decay, plan.grad_clip) == (5e-4, 0.05, 0.5)
    assert plan.optimizer == AdamW(betas=(0.9, 0.98), eps=1e-6)
    assert isinstance(run.balancer, BatchMean)
    for source in run.sources:
        if "video" not in source.tasks[0].inputs:
            assert source.reader[0].id
    assert paper_large().system == replace(config, sizes=LARGE)
    assert "crane (n02)" in next(task.target for task in run.tasks if task.name == "imagenet22k").names


def test_the_released_runs_have_the_codes_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_uni_perceiver_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    first, second = released_base(), released_base_224()
    assert isinstance(first.system, UniPerceiverConfig)
    assert isinstance(second.system, UniPerceiverConfig)
    assert first.system.patches == Patches(size=160)
    assert second.system.patches == Patches(size=224, position_scale=160 / 224)

    def values(plan: TrainConfig) -> tuple[object, ...]:
        return plan.steps, plan.lr, plan.weight_decay, plan.grad_clip, plan.optimizer

    adam = AdamW(betas=(0.9, 0.95), eps=1e-6)
    assert values(first.train) == (230_000, 1e-3, 0.2, 0.1, adam)
    assert values(second.train) == (50_000, 2e-5, 0.05, 0.1, adam)
    assert first.train.lr * first.train.lr_schedule.factor(230_000, 230_000) == pytest.approx(1e-6)
    assert second.start is not None
    assert second.start.folder == folder_of("uni_perceiver:released_base")
    blocks = published_model(TINY).blocks
    assert isinstance(blocks, Experts)
    assert blocks.where == "all"
