"""A reader with its tasks and its role: training, validation or test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from motet.core import ConfigError, Example, Reader, Task

Role: TypeAlias = Literal["train", "val", "test"]
Compose: TypeAlias = Callable[[Reader, int, np.random.Generator], Example]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows for training steps (role "train"), for choices during training ("val") or for the final numbers ("test").

    Args:
        name: the key in schedules, logs and reports; two sources of different roles may not share it.
        reader: the rows.
        tasks: the tasks of every row.
        role: schedules, early stopping and tuning use "val" only.
        sample_by: the unit of one draw. "image": the next image, and one of its rows at random (LiT decoder, section
            5.3, "Concat images"); "row": the next row ("Concat image-question pairs").
        compose: makes a training row instead of `reader[index]`: questions drawn anew in each epoch, hard negatives. It
            gets a generator keyed by (seed, source, position); never used for "val" and "test".
        weight: multiplies the size of the source, for schedules whose sampling rates go by size.

    Raises:
        ConfigError: no tasks, an empty reader, `compose` on a source that is not for training, or a weight of 0 or
            less.
    """

    name: str
    reader: Reader
    tasks: tuple[Task, ...]
    role: Role = "train"
    sample_by: Literal["image", "row"] = "image"
    compose: Compose | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ConfigError(f"Source {self.name!r}: tasks: got none; want at least one")
        if len(self.reader) == 0:
            raise ConfigError(f"Source {self.name!r}: reader: got no rows; want at least one")
        if self.compose is not None and self.role != "train":
            raise ConfigError(
                f"Source {self.name!r}: compose: got a function with role {self.role!r}; want it with role 'train' only"
            )
        if self.weight <= 0:
            raise ConfigError(f"Source {self.name!r}: weight: got {self.weight}; want a positive number")

    @property
    def allows_changes(self) -> bool:
        """True where some task allows crops or flips of its images, with or without its boxes and maps."""
        return any(task.invariant or task.equivariant for task in self.tasks)
