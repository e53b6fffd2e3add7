"""Runs without the images of their test sets, by the lists that `motet data clean` writes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from motet.data.leakage import read_lists, without_removed
from motet.training.run import Run


def without_leaks(run: Run, folder: str | Path) -> Run:
    """Returns the run without the training and validation rows that the lists name.

    Its report notes how many rows were left out.

    Args:
        run: the run that the lists were made for.
        folder: holds ``lists.json``.

    Raises:
        DataError: no lists there, or damaged ones.
        ConfigError: lists that were made for other data.
    """
    return dataclasses.replace(run, sources=without_removed(run.sources, read_lists(Path(folder))))
