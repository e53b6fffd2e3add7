"""Ranges of a train config, each with one line that names the field."""

from typing import Any

import pytest

from motet.core import ConfigError
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.optim import Adafactor, AdamW, HfAdamW


@pytest.mark.parametrize(
    ("field", "value", "want"),
    [
        ("steps", -1, "at least 0"),
        ("workers", -1, "at least 0"),
        ("evaluate_every", -5, "at least 0"),
        ("save_every", -5, "at least 0"),
        ("micro_batches", 0, "at least 1"),
        ("keep_checkpoints", 0, "at least 1"),
        ("lr", 0.0, "a positive number"),
        ("lr", float("nan"), "a positive number"),
        ("grad_clip", 0.0, "a positive number or None"),
        ("weight_decay", -0.1, "0 or more"),
    ],
)
def test_a_number_outside_its_range_is_named(field: str, value: float, want: str) -> None:
    fields: dict[str, Any] = {"steps": 10} | {field: value}
    with pytest.raises(ConfigError) as raised:
        TrainConfig(**fields)
    assert str(raised.value) == f"TrainConfig.{field}: got {value}; want {want}"


def test_the_smallest_numbers_are_accepted() -> None:
    config = TrainConfig(steps=0, lr=1e-12, weight_decay=0.0, grad_clip=None)
    assert (config.micro_batches, config.keep_checkpoints) == (1, 1)
    config.check()


@pytest.mark.parametrize("optimizer", [AdamW(), HfAdamW()], ids=lambda optimizer: type(optimizer).__name__)
def test_only_adamw_can_be_sharded(optimizer: Any) -> None:
    assert TrainConfig(steps=10, sharded=True, optimizer=optimizer).sharded
    with pytest.raises(ConfigError, match="sharded: got optimizer Adafactor; want AdamW, HfAdamW or"):
        TrainConfig(steps=10, sharded=True, optimizer=Adafactor())


def test_a_schedule_that_does_not_fit_is_found_by_check_and_not_before() -> None:
    config = TrainConfig(steps=5, lr_schedule=Cosine(warmup=6))
    with pytest.raises(ConfigError, match=r"Cosine: got a warm-up of 6 .* in a run of 5"):
        config.check()
