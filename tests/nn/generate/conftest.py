"""A small decoder on which mixed-up rows show."""

import pytest
from history_model import HistoryModel


@pytest.fixture
def model():
    return HistoryModel(6)
