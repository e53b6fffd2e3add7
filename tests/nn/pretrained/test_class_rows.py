"""Rows of published heads go to the classes that mean the same."""

import pytest
import torch

from motet.core import CheckpointError, ConfigError
from motet.nn.pretrained.class_rows import UNUSED, rows_of, taken


def test_rows_follow_the_names_and_the_last_stay_last() -> None:
    known = (UNUSED, "Traffic_Light", UNUSED, "dog")
    rows = rows_of(known, ("dog", "traffic light"), where="here")
    assert rows == [3, 1]
    assert taken(torch.arange(5.0), rows, 4, name="head", extra=1).tolist() == [3, 1, 4]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"here: got 1 of 2 names that the published head lacks, such as 'horse'"):
        rows_of(("cat", "dog"), ("dog", "horse"), where="here")
    with pytest.raises(ConfigError, match="got 'dog' more than once"):
        rows_of(("Dog", "dog"), ("dog",), where="here")
    with pytest.raises(CheckpointError, match=r"w: got 3 rows; want 5, one per published name and 1 more"):
        taken(torch.zeros(3), [0], 4, name="w", extra=1)
