"""Folders of data as $MOTET_DATA names them, and what their sources hold."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from motet.data.source import Source


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that $MOTET_DATA names for a module's tests, empty at first."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTET_DATA", str(root))
        yield root


@pytest.fixture(scope="session")
def images_of():
    """Returns the ids of the images, by role, of the sources of some tasks."""

    def collect(sources: Sequence[Source], *names: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
        for source in sources:
            if not names or source.tasks[0].name in names:
                found[source.role] |= {key for row in range(len(source.reader)) for key in source.reader.keys(row)}
        return found

    return collect
