"""A Uni-Perceiver small enough for a test, tasks of every kind of answer, and rows for them."""

import pytest
from toy_uni_perceiver import row, system_of


@pytest.fixture(scope="session")
def make():
    """Returns the builder of a system of named tasks."""
    return system_of


@pytest.fixture(scope="session")
def rows():
    return row


@pytest.fixture(scope="session")
def batch():
    """Returns the builder of a batch of a system's tasks."""

    def collate(system, examples, *, rng=None):
        tasks = list(system.tasks.values())
        return system.processor.collate([system.processor.row(e, tasks, rng) for e in examples], keep_annotations=False)

    return collate
