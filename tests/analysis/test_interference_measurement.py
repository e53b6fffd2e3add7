"""Settings of a measurement, its name, and JSON and back."""

import json

import numpy as np
import pytest

from motet.analysis.interference import BlockNumbers, Interference
from motet.analysis.interference_measurement import (
    InterferenceSettings,
    Measurement,
    interference_from_json,
    interference_to_json,
)
from motet.core import ConfigError


def numbers() -> BlockNumbers:
    tables = {
        name: np.array([[1.0, np.nan], [-0.5, 1.0]]) + place
        for place, name in enumerate(
            ("ratios", "ratios_spread", "means", "means_spread", "cosines", "cosines_spread", "mean_cosines")
        )
    }
    return BlockNumbers(**tables, counted=np.array([3, 0]), against=np.array([0.25, np.nan]))


def test_json_and_back_keeps_every_number_and_nan() -> None:
    whole = Interference(("a", "b"), {"trunk": numbers(), "head": numbers()})
    again = interference_from_json(json.loads(json.dumps(interference_to_json(whole), allow_nan=False)))
    assert again.tasks == whole.tasks
    assert list(again.blocks) == ["trunk", "head"]
    for name in vars(numbers()):
        np.testing.assert_array_equal(getattr(again.blocks["head"], name), getattr(whole.blocks["head"], name))
    assert again.blocks["trunk"].counted.dtype == np.int64


def test_other_json_is_an_error() -> None:
    with pytest.raises(KeyError):
        interference_from_json({"tasks": []})


@pytest.mark.parametrize("name", ["batches", "batch_size"])
def test_numbers_below_1_are_refused(name) -> None:
    with pytest.raises(ConfigError, match=f"interference: {name}: got 0; want at least 1"):
        InterferenceSettings(**{name: 0})


def test_a_measurement_is_named_by_run_and_step() -> None:
    nothing = Interference((), {})
    assert Measurement(run="r", step=12000, system="toy", interference=nothing).name == "r, step 12,000"
    assert Measurement(run="r", step=None, system="toy", interference=nothing).name == "r"
