"""The configuration: errors, and its restriction to some tasks."""

import pytest
from toy_uni_perceiver import CONFIG

from motet.core import ConfigError
from motet.systems.uni_perceiver import LossConfig, UniPerceiverConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, r"frames: got 0; want at least 1"),
        ({"frames": 9, "max_frames": 8}, r"frames: got 9; want at most max_frames, 8"),
        ({"max_generated": 1}, r"max_generated, max_tokens: got 1, 512; want at least 2 and 4"),
        ({"max_generated": 64, "max_tokens": 32}, r"max_generated: got 64; want at most max_tokens, 32"),
        ({"drop_path": 1.0}, r"drop_path: got 1\.0; want from 0 to below 1"),
        ({"layer_scale": 0.0}, r"layer_scale: got 0\.0; want above 0, or None"),
        ({"initial_std": -1.0}, r"initial_std: got -1\.0; want above 0, or None"),
    ],
)
def test_errors_name_field_value_and_range(changes, message) -> None:
    with pytest.raises(ConfigError, match=f"UniPerceiverConfig.{message}"):
        UniPerceiverConfig(**changes)


def test_options_of_other_tasks_are_dropped() -> None:
    config = UniPerceiverConfig(loss=LossConfig(weights={"a": 2.0, "b": 3.0}, mixup_tasks=("a", "b"), smoothing=0.2))
    only = config.restrict(("a", "c"), ())
    assert only.loss == LossConfig(weights={"a": 2.0}, mixup_tasks=("a",), smoothing=0.2)
    assert CONFIG.restrict(("a",), ()) == CONFIG
