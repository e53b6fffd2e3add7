"""The defaults of a system that supports only losses and predictions."""

import pytest
import torch

from motet.core import Batch, ConfigError, Losses, System, UnsupportedTask


class Bare(System):
    def __init__(self) -> None:
        super().__init__()
        self.tasks = {"a": None, "b": None}  # type: ignore[dict-item]

    def losses(self, batch):
        return Losses({})

    def predict(self, batch):
        return {}

    def shared_blocks(self):
        return {}


EMPTY = Batch((), {}, {})


def test_what_a_system_does_not_support_is_one_line() -> None:
    with pytest.raises(UnsupportedTask, match="Bare: task 'a': got a split's images; want a system that ranks them"):
        Bare().side(EMPTY, "a", "images")
    with pytest.raises(UnsupportedTask, match="Bare: task 'a': got a split's pairs"):
        Bare().score("a", {}, {})
    with pytest.raises(ConfigError, match="attention: task 'a': got a Bare; want"):
        Bare().attention(EMPTY, "a", (0,))
    with pytest.raises(NotImplementedError, match="Bare has no frozen encoder"):
        Bare().encode(torch.zeros(1, 3, 2, 2))


def test_defaults_are_neutral() -> None:
    system = Bare()
    assert system.attention_layers("a") == 0
    assert system.assets() == {}
    assert system.asset_weights() == ("",)
    assert system.answer_weights("a") == ()
    assert system.encoder_key() is None
    assert system.task_weights() == {"a": 1.0, "b": 1.0}
    assert (System.mixes, System.tasks_per_row) == (False, "one")


def test_losses_predictions_and_blocks_must_be_written() -> None:
    with pytest.raises(TypeError, match="abstract"):
        System()  # type: ignore[abstract]
