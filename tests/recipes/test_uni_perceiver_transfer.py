"""Runs on tasks that were never trained: their published numbers, and what of the data each of them gets."""

from collections import Counter
from pathlib import Path

import pytest
from real_layouts import write_cifar10, write_fashion, write_flickr8k, write_glue, write_multi30k

from motet.data.source import Source
from motet.recipes import uni_perceiver_transfer as transfer
from motet.recipes.uni_perceiver import small
from motet.systems.uni_perceiver import PromptTuning, UniPerceiverConfig
from motet.training.lr_schedules import Cosine
from motet.training.optim import AdamW
from motet.training.run import From, Run

START = From(Path("runs/other"))


@pytest.fixture(scope="module")
def clips() -> tuple[Source, ...]:
    return transfer.clips("mover", "video_retrieve")


@pytest.fixture(scope="module")
def movers(clips: tuple[Source, ...]) -> tuple[Source, ...]:
    return tuple(source for source in clips if source.tasks[0].name == "mover")


@pytest.fixture
def garments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for write in (write_cifar10, write_fashion, write_flickr8k, write_glue, write_multi30k):
        write(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))


def rows(run: Run) -> dict[str, int]:
    return {source.name: len(source.reader) for source in run.sources}


def test_without_tuning_no_step_is_taken_and_every_row_is_kept(clips: tuple[Source, ...]) -> None:
    run = transfer.untuned(small(), clips, START)
    assert (run.train.steps, run.start, run.system) == (0, START, small())
    assert rows(run) == {source.name: len(source.reader) for source in clips}
    # Pairs are told apart in a batch, so that none needs wrong ones beside it.
    assert all(source.compose is None for source in run.sources)


def test_prompts_have_the_official_numbers(movers: tuple[Source, ...]) -> None:
    """The configurations under `moe_prompt_tuning`: ten prompts per layer, 1e-3, no decay, clipped at 0.1."""
    run = transfer.prompted(small(), movers, START)
    assert isinstance(run.system, UniPerceiverConfig)
    assert run.system.tuning == PromptTuning(length=10)
    plan = run.train
    assert (plan.lr, plan.weight_decay, plan.grad_clip) == (1e-3, 0.0, 0.1)
    assert plan.optimizer == AdamW(betas=(0.9, 0.95), eps=1e-6)


@pytest.mark.parametrize(("share", "per_class"), [(0.01, 5), (0.5, None)])
def test_prompts_get_a_share_of_every_class_and_no_less_than_five_rows(
    movers: tuple[Source, ...], share: float, per_class: int | None
) -> None:
    run = transfer.prompted(small(), movers, START, share=share)
    whole, (train,) = movers[0].reader, (source.reader for source in run.of_role("train"))
    of_class = Counter(whole[row].labels["object"] for row in range(len(whole)))
    drawn = Counter(train[row].labels["object"] for row in range(len(train)))
    assert set(drawn) == set(of_class)
    for kind, count in drawn.items():
        assert count == (per_class or -(-of_class[kind] // 2))
    assert [len(s.reader) for s in run.sources if s.role != "train"] == [20, 200]  # evaluated on all


def test_fine_tuning_trains_everything_on_everything(clips: tuple[Source, ...]) -> None:
    run = transfer.finetuned(small(), clips, START, steps=40)
    assert run.system == small()
    assert rows(run) == {source.name: len(source.reader) for source in clips}
    plan = run.train
    assert (plan.steps, plan.lr, plan.lr_schedule, plan.weight_decay) == (40, 3e-4, Cosine(warmup=0.1), 0.02)


def test_clips_have_four_frames_of_what_tiny_shows_still(movers: tuple[Source, ...]) -> None:
    assert all(len(source.reader[0].images) == 4 for source in movers)
    assert [len(source.reader) for source in movers] == [400, 20, 200]


@pytest.mark.usefixtures("garments")
def test_garments_are_new_to_the_run_that_the_others_start_from() -> None:
    before = transfer.all_but_fashion()
    assert "fashion" not in {task.name for task in before.tasks}
    drawn = before.schedule.bind(before.of_role("train"), seed=0).probabilities
    assert set(drawn) == {source.name for source in before.of_role("train")}
    assert sum(drawn.values()) == pytest.approx(1)
    for recipe in (transfer.fashion_untuned, transfer.fashion_prompted, transfer.fashion_finetuned):
        run = recipe()
        assert [task.name for task in run.tasks] == ["fashion"]
        assert run.start == transfer.ALL_BUT_FASHION
    assert rows(transfer.fashion_prompted())["fashion"] == 50  # five of each of ten classes are more than 1 % of 4,000
    assert rows(transfer.fashion_finetuned())["fashion"] == 4000
