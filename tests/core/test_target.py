"""Targets are values; a list of names has every name once."""

import pytest

from motet.core import Answer, ConfigError, Dense, Label, Match, Score


def test_names_are_unique_and_not_empty() -> None:
    with pytest.raises(ConfigError, match=r"Label\.names: got \['cat'\] more than once; want every name once"):
        Label(("cat", "dog", "cat"))
    with pytest.raises(ConfigError, match=r"Label\.names: got none"):
        Label(())


def test_targets_are_hashable_values() -> None:
    assert len({Label(("a",)), Label(("a",)), Answer(), Dense(1, "metre"), Match("texts"), Score(0, 1)}) == 5


def test_a_match_is_over_the_row_by_default() -> None:
    assert Match("texts") == Match("texts", "row")
