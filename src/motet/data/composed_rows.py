"""Rows that are made of others, the same at every reading: candidates for validation."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import Example, Reader, rng_for
from motet.data.source import Compose


@dataclass(frozen=True)
class ComposedRows:
    """The rows of a reader as `Source.compose` makes them, with draws that depend on the row alone.

    Ranking a whole split scores every image with every caption, which costs more than training where it is done again
    and again. With rows of four candidates (`FourWay`) validation costs what training on as many rows does.

    Source: Lu et al. 2020 (arXiv 1912.02315); the authors' `retreival_dataset.py`, whose "val" split is of this kind.

    Args:
        reader: all rows.
        compose: makes a row: `FourWay`, `RandomCaptions`.
        seed: of the draws.
    """

    reader: Reader
    compose: Compose
    seed: int = 0

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of the row that a row is made of."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        return self.compose(self.reader, index, rng_for("composed row", self.seed, index))
