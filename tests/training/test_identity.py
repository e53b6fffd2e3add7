"""A run goes on past its first end where its learning rate does not depend on its length, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest
from toys import toy_run

from motet.core import CheckpointError
from motet.training.optim import Constant, Cosine
from motet.training.run_training import run_training


def train(folder, steps, schedule, *, resume):
    run = toy_run()
    config = dataclasses.replace(run.train, steps=steps, lr_schedule=schedule, evaluate_every=0)
    run = dataclasses.replace(run, train=config)
    return run_training(run, folder, resume=resume, device="cpu", show=False, baselines=False)


def test_a_constant_rate_goes_on_and_never_back(tmp_path) -> None:
    train(tmp_path, 6, Constant(warmup=2), resume=False)
    assert train(tmp_path, 9, Constant(warmup=2), resume=True).step == 9
    with pytest.raises(CheckpointError, match="got a checkpoint after 9 steps; want at most the 7"):
        train(tmp_path, 7, Constant(warmup=2), resume=True)
    with pytest.raises(CheckpointError, match=r"another run: train\.lr_schedule\.warmup: got 2; want 3"):
        train(tmp_path, 12, Constant(warmup=3), resume=True)


@pytest.mark.parametrize("schedule", [Cosine(), Constant(warmup=0.5), Constant(cooldown=2)])
def test_a_rate_that_depends_on_the_length_keeps_it(tmp_path, schedule) -> None:
    train(tmp_path, 6, schedule, resume=False)
    with pytest.raises(CheckpointError, match=r"another run: train\.steps: got 6; want 9"):
        train(tmp_path, 9, schedule, resume=True)
