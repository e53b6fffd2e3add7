"""Filling a feature store: one process at a time and one rank, whole parts, damaged ones made again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from torch import Tensor

from motet.core import ConfigError, DataError, MotetError
from motet.core.ranks import broadcast, rank
from motet.data.feature_parts import STORE, clear_unfinished, locked, parts_in, write_json

FillProgress: TypeAlias = Callable[[int, int], None]
"""Called with the number of rows that are stored and the number of all."""

PART_BYTES = 512 * 2**20
"""Bytes of a part at most; what a killed process has not finished of one is made again."""


def store_folder(folder: Path, description: Mapping[str, str]) -> Path:
    """Returns the folder of one store, named by a digest of what made its features."""
    digest = hashlib.blake2b("\x1f".join(description.values()).encode(), digest_size=8).hexdigest()
    return folder / digest


def fill_on_rank_0(steps: Iterator[None]) -> None:
    """Runs the steps of a filling on rank 0, while the others wait; an error is raised on every rank."""
    if rank() == 0:
        try:
            for _ in steps:
                broadcast("still at it")  # the usual timeout applies to each message, not to the whole filling
        except MotetError as error:
            broadcast(str(error))
            raise
        broadcast("done")
    else:
        while (message := broadcast("")) != "done":
            if message != "still at it":
                raise ConfigError(message)


def exclusively(store: Path, description: Mapping[str, str], steps: Iterator[None]) -> Iterator[None]:
    """Runs the steps of a filling while no other process fills the store; yields now and then.

    Raises:
        DataError: the folder cannot be written.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        with locked(store) as waiting:
            yield from waiting
            clear_unfinished(store)
            write_json(store / STORE, dict(description))
            yield from steps
    except OSError as error:
        raise DataError(
            f"stored features: got {error.strerror or error}; want a folder with write permission and free space",
            path=store,
        ) from error


def intact_rows(store: Path, wanted: Container[str]) -> Generator[None, None, set[tuple[str, int]]]:
    """Returns the rows of every part with wanted content that its checksums agree with; removes damaged parts."""
    stored: set[tuple[str, int]] = set()
    for part in parts_in(store):
        if any(content in wanted for content, _ in part.rows):
            if part.is_intact():
                stored.update(part.rows)
            else:
                part.remove()
            yield
    return stored


def check_room(store: Path, needed: int, about: str) -> None:
    """Raises ConfigError where the disk has less room than a filling takes.

    Args:
        store: the folder.
        needed: bytes.
        about: what takes them, and what to do.
    """
    free = shutil.disk_usage(store).free
    if needed > free:
        raise ConfigError(f"Features: got {free:,} bytes free in {store}; want {needed:,} for {about}")


def to_float16(features: Tensor) -> np.ndarray:
    """Returns an encoder's outputs as they are stored. Raises ConfigError beyond the range of float16."""
    stored: np.ndarray = features.half().cpu().numpy()
    if not np.isfinite(stored).all():
        raise ConfigError(
            "Features: got outputs of the encoder beyond the range of float16 (65504); want a run without "
            "stored features"
        )
    return stored
