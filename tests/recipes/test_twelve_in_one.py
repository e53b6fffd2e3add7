"""The runs of 12-in-1: what is in them, and what the paper's has."""

import os
from pathlib import Path

import pytest
from twelve_paper_data import write_twelve_paper_data

from motet.core import ConfigError
from motet.data.negatives import FourWay, HardNegativePool
from motet.data.round_robin import RoundRobin
from motet.data.stop_and_go import StopAndGo
from motet.nn.text_encoders import HfBert
from motet.nn.tower import Finetune
from motet.recipes.paper.twelve_in_one import TABLE_8
from motet.recipes.twelve_in_one import GROUPS, TWELVE, few, paper, real, tiny, world
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.training.balancers import Weighted
from motet.training.lr_schedules import LinearDecay
from motet.training.optim import HfAdamW


def test_twelve_tasks_in_four_groups_on_scenes() -> None:
    run = tiny()
    assert [task.name for task in run.tasks] == list(TWELVE)
    assert [len(tasks) for tasks in GROUPS.values()] == [3, 2, 5, 2]  # as the paper's figure 1
    questions = [task.target for task in run.tasks if task.name in GROUPS["questions"]]
    assert len(set(questions)) == 1  # one list of answers, so one head
    assert isinstance(run.system, TwelveInOneConfig)
    assert run.system.pairs == ("pair",)
    for source in run.sources:
        assert source.reader[0].id
        assert (source.compose is None) == (
            source.role != "train" or source.tasks[0].name not in (*GROUPS["questions"], *GROUPS["retrieval"])
        )


def test_a_pair_is_named_only_where_it_is_asked() -> None:
    run = world(("refer",), steps=1)
    assert isinstance(run.system, TwelveInOneConfig)
    assert run.system.pairs == ()


def test_recipes_on_real_data_say_where_they_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_DATA", raising=False)
    for recipe in (real, few, paper):
        with pytest.raises(ConfigError, match="MOTET_DATA"):
            recipe()


@pytest.mark.real_data
@pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="needs MOTET_DATA")
def test_no_photograph_that_is_evaluated_by_is_learned_from() -> None:
    run = real()
    assert [task.name for task in run.tasks] == ["nlvr", "esnlive", "flickr8k", "easy_vqa"]
    seen: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for source in run.sources:
        seen[source.role] |= {key for row in range(len(source.reader)) for key in source.reader.keys(row)}
    assert not seen["test"] & (seen["train"] | seen["val"])
    assert not seen["val"] & seen["train"]
    assert [source.reader[0].id for source in few().sources]


def test_the_papers_run_has_the_papers_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lmdb")
    write_twelve_paper_data(tmp_path)
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run = paper()
    assert [task.name for task in run.tasks] == list(TABLE_8)
    config, schedule = run.system, run.schedule
    assert isinstance(config, TwelveInOneConfig)
    assert isinstance(schedule, RoundRobin)
    assert (config.text, config.text_mode) == (HfBert("bert-base-uncased"), Finetune(1.0))
    sizes = (config.image_width, config.image_depth, config.image_heads, config.image_hidden, config.co_width)
    assert sizes == (1024, 6, 8, 1024, 1024)
    assert (config.dropout, config.fusion, config.task_token, config.max_regions) == (0.1, "product", "task", 100)
    assert (config.max_tokens_of["guesswhat"], config.head_lr_scale, config.pairs) == (256, 5.0, ("nlvr2",))
    assert (schedule.batch_sizes["refcoco"], schedule.batch_sizes["nlvr2"]) == (256, 64)
    assert schedule.stop == StopAndGo(patience=1, threshold=0.001, continue_threshold=0.005, cooldown=1, gap=4)
    assert (run.train.steps, run.train.lr, run.train.weight_decay, run.train.grad_clip) == (40_000, 2e-5, 0.01, None)
    assert run.train.optimizer == HfAdamW(eps=1e-6, correct_bias=False, move_unused=True)
    assert run.train.lr_schedule == LinearDecay(warmup=4000)
    assert isinstance(run.balancer, Weighted)
    assert [name for name, weight in run.balancer.by_task.items() if weight == 2] == ["vqav2", "visual_genome", "gqa"]
    by_name = {source.name: source for source in run.sources}
    assert isinstance(by_name["coco_retrieval"].compose, FourWay)
    # Of these few images: five each of val and test, with two captions each; 24 questions, of which half are held.
    assert [len(by_name[f"coco_retrieval{part}"].reader) for part in ("", "/val", "/test")] == [16, 10, 5]
    assert [len(by_name[f"vqav2{part}"].reader) for part in ("", "/val", "/test")] == [12, 6, 6]
    for source in run.sources:
        assert source.reader[0].id


def test_a_pool_of_look_alikes_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = world(("retrieve",), steps=1).of_role("test")[0].reader
    path = tmp_path / "pools" / "scenes.npz"
    made = HardNegativePool(reader, nearest=5, file=path)
    assert made == HardNegativePool(reader, nearest=5)
    assert made.rows.shape == (len(reader), 5)
    with monkeypatch.context() as patched:
        patched.setattr("motet.data.negatives.nearest_vectors", None)  # looking again would fail
        assert HardNegativePool(reader, nearest=5, file=path) == made
    assert HardNegativePool(reader, nearest=6, file=path).rows.shape == (len(reader), 6)
    path.write_bytes(b"no pool")
    with pytest.raises(ConfigError, match=r"hard negatives: got .*; want a file that motet wrote"):
        HardNegativePool(reader, nearest=6, file=path)
