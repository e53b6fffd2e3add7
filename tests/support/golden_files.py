"""The vectors of the official code, and a record of which of their arrays the tests have read.

Any file of the same form may be put in the place of one here: sizes, steps and settings come from the arrays.
`MOTET_GOLDEN` names another folder with files of the same names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(os.environ.get("MOTET_GOLDEN", Path(__file__).parent.parent / "golden"))


class Vectors(Mapping[str, np.ndarray]):
    """The arrays of one file by name; remembers which have been read."""

    def __init__(self, name: str) -> None:
        path = FOLDER / f"{name}.npz"
        self._arrays = dict(np.load(path))
        self._read: set[str] = set()

    def __getitem__(self, key: str) -> np.ndarray:
        value: np.ndarray = self._arrays[key]
        self._read.add(key)
        return value.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def tensor(self, key: str) -> torch.Tensor:
        """Returns one array as a tensor."""
        return torch.from_numpy(self[key])

    def under(self, prefix: str) -> dict[str, torch.Tensor]:
        """Returns the arrays whose names start with `prefix`, under the rest of their names."""
        return {key.removeprefix(prefix): self.tensor(key) for key in self if key.startswith(prefix)}

    def found(self, pattern: str) -> list[tuple[str, ...]]:
        """Returns the groups of every name that matches the whole pattern, each once, in the order of the file."""
        matches = (re.fullmatch(pattern, key) for key in self)
        return list(dict.fromkeys(match.groups() for match in matches if match is not None))

    def count(self, pattern: str) -> int:
        """Returns one more than the largest number that the pattern's only group matches; 0 for none."""
        return max((int(group) + 1 for (group,) in self.found(pattern)), default=0)

    def unread(self) -> list[str]:
        """Returns the names of the arrays that no test has read."""
        return sorted(set(self._arrays) - self._read)


@cache
def vectors(name: str) -> Vectors:
    """Returns a file of `tests/golden` by its name without ``.npz``; the same object each time."""
    return Vectors(name)


def check_all_read(request: pytest.FixtureRequest, *names: str) -> None:
    """Asserts that the tests of a module have read every array of these files; the last test of the module calls it."""
    config = request.config
    if config.option.keyword or config.option.markexpr or any("::" in argument for argument in config.args):
        pytest.skip("only some tests of the module have run")
    for name in names:
        assert not vectors(name).unread(), name
