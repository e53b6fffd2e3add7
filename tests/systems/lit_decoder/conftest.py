"""A small decoder on which mixed-up rows show."""

import pytest
from history_model import HistoryModel


@pytest.fixture
def model():
    return HistoryModel(6)


@pytest.fixture(scope="module")
def history_model():
    """One model for all examples of a property; nothing in it changes but its count."""
    return HistoryModel(6)
