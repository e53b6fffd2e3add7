"""A run that goes on has the encoder it began with before anything is stored of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from toys import toy_run

from motet.core import CheckpointError
from motet.data.schedules import Mixed
from motet.nn.encoders import BundledLite0
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.scene_sources import SceneSources
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system
from motet.training.run import Features, From, Run
from motet.training.run_training import run_training


def test_the_pretrained_encoder_is_there_again_when_a_run_goes_on(tmp_path):
    system = LiTDecoderConfig(
        encoder=BundledLite0(size=32), depth=1, width=16, heads=1, max_tokens=32, tokenizer=TrainedTokenizer(size=300)
    )
    run = Run(
        system=system,
        sources=SceneSources(task_names=("count",), train=4, val=2, test=2, size=32).sources(("train", "val")),
        schedule=Mixed(batch_size=2),
        train=TrainConfig(steps=1),
        features=Features(tmp_path / "features"),
    )
    before = run_training(run, tmp_path / "run", show=False)
    fresh, _ = initial_system(run, torch.device("cpu"))
    again, _ = initial_system(run, torch.device("cpu"), resume_from=tmp_path / "run")
    assert again.encoder_key() == fresh.encoder_key()
    stores = sorted(path.name for path in (tmp_path / "features").iterdir())
    after = run_training(run, tmp_path / "run", show=False, resume=True)
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == stores
    assert after.results == before.results


def test_a_start_that_is_not_there_yet_says_what_makes_it(tmp_path: Path) -> None:
    start = From(tmp_path / "trunk", made_by="motet train mine:trunk")
    run = dataclasses.replace(toy_run(), start=start)
    with pytest.raises(
        CheckpointError, match=r"trunk: got no such folder; want the run that `motet train mine:trunk` makes"
    ):
        run_training(run, tmp_path / "run", device="cpu", show=False)
