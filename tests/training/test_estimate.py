"""A forecast builds a run, measures it, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from toy_unit import CONFIG, Rows, task

from motet.core import ConfigError
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.nn.tower import Frozen
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.scene_sources import SceneSources
from motet.systems import build_system
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.training import estimate as module
from motet.training.balancers import PCGrad
from motet.training.config import TrainConfig
from motet.training.estimate import count_parameters, estimate
from motet.training.initial_weights import initial_system
from motet.training.run import Features, Run


def run(folder: Path | None = None) -> Run:
    system = LiTDecoderConfig(
        encoder=PlainViT(size=32, patch=16, width=16, depth=1, heads=1),
        depth=1,
        width=16,
        heads=1,
        max_tokens=32,
        tokenizer=TrainedTokenizer(size=300),
    )
    return Run(
        system=system,
        sources=SceneSources(task_names=("caption", "count"), train=6, val=2, test=2, size=32).sources(),
        schedule=Mixed(batch_size=4),
        train=TrainConfig(steps=10),
        features=None if folder is None else Features(folder, views=3),
    )


def test_rows_add_up_to_the_whole_run():
    told = estimate(run(), timed_steps=1)
    assert sum(sees.samples for sees in told.samples) == 40
    assert [sees.tasks for sees in told.samples] == [("caption",), ("count",)]
    assert told.step_seconds > 0
    assert told.evaluation_seconds > 0
    assert told.seconds == pytest.approx(10 * told.step_seconds + told.setup_seconds + told.evaluation_seconds)
    assert told.memory_bytes > 0
    assert (told.stored_bytes, told.store_seconds, told.stored_in) == (0, 0.0, "")


def test_stored_features_are_counted_in_bytes_and_time_and_nothing_is_written(tmp_path):
    told = estimate(run(tmp_path / "features"), timed_steps=1)
    # 6 training images that both sources share and no task lets be changed, 2 of val and 2 of test; 4 tokens of 16
    # channels, 2 bytes each.
    assert told.stored_bytes == (6 + 2 + 2) * 4 * 16 * 2
    assert told.store_seconds > 0
    fixed = told.setup_seconds + told.evaluation_seconds
    assert told.seconds == pytest.approx(10 * told.step_seconds + told.store_seconds + fixed)
    assert told.stored_in == str(tmp_path / "features")
    assert list(tmp_path.iterdir()) == []


def test_views_are_counted_of_images_that_may_be_changed(tmp_path):
    plain = run(tmp_path)
    cropped = {
        task.name: replace(task, invariant=frozenset({"crop"})) for task in plain.tasks if task.name == "caption"
    }
    sources = (replace(s, tasks=tuple(cropped.get(task.name, task) for task in s.tasks)) for s in plain.sources)
    assert estimate(replace(plain, sources=tuple(sources)), timed_steps=1).stored_bytes == (6 * 3 + 4) * 4 * 16 * 2


def test_a_disk_without_room_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(ConfigError, match="want room: 100 bytes are free there"):
        estimate(run(tmp_path), timed_steps=1)


def test_parameters_are_counted_once_each():
    one = run()
    system = build_system(one.system, one.tasks, texts=lambda: ["a cat", "how many ?"])
    shared, own, frozen = count_parameters(system)
    assert shared + own + frozen == sum(parameter.numel() for parameter in system.parameters())
    assert frozen == sum(parameter.numel() for parameter in system.tower.parameters())
    assert 0 < own < shared


def test_what_a_gradient_method_costs_is_told():
    plain = estimate(run(), timed_steps=1)
    assert (plain.passes, plain.gradients_bytes) == (1, 0)
    told = estimate(replace(run(), balancer=PCGrad()), timed_steps=1)
    assert told.passes == 2
    assert told.gradients_bytes == 4 * 2 * told.shared


def test_stored_texts_are_counted_in_bytes_and_time_and_nothing_is_written(tmp_path):
    pairs = Source(name="pairs", reader=Rows(6), tasks=(task("pair"),))
    given = Run(
        system=replace(CONFIG, linear=True, text_mode=Frozen()),
        sources=(pairs, replace(pairs, name="test", reader=Rows(2), role="test")),
        schedule=Mixed(batch_size=4),
        train=TrainConfig(steps=10),
        features=Features(tmp_path / "features"),
    )
    found = estimate(given, timed_steps=1)
    system, _ = initial_system(given, torch.device("cpu"))
    tokens = sum(len(ids) for ids in system.text_ids(Rows(1)[0], given.tasks[0]))
    width = system.text.tower.width
    assert found.stored_bytes == 8 * tokens * width * 2  # rows with equal texts are counted each
    assert found.store_seconds > 0
    assert list(tmp_path.iterdir()) == []
