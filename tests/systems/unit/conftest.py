"""A small UniT, tasks of every kind that it supports, and rows for them."""

import pytest
from toy_unit import MAPS, row, system_of

from motet.core import rng_for
from motet.systems.unit import UniTConfig


@pytest.fixture(scope="session")
def make():
    """Builds a system of named tasks."""
    return system_of


@pytest.fixture(scope="session")
def rows():
    return row


@pytest.fixture(scope="session")
def maps() -> UniTConfig:
    """With a trunk for images of any size."""
    return MAPS


@pytest.fixture(scope="session")
def batch():
    """One batch of a system's tasks, or of some."""

    def collate(system, examples, names=None, *, train=False, keep_annotations=False):
        tasks = [system.tasks[name] for name in names or system.tasks]
        encoded = [system.processor.row(e, tasks, rng_for("row", e.id) if train else None) for e in examples]
        return system.processor.collate(encoded, keep_annotations=keep_annotations)

    return collate
