"""A reader with the tasks asked of it, and what it is for."""

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
    """Rows that feed steps (role "train"), choices while training ("val") or the final numbers ("test").

    Args:
        name: the key in schedules, logs and reports; two sources of different roles may not share it.
        reader: the rows.
        tasks: what is asked of every row.
        role: schedules, early stopping and tuning see "val" only.
        by: what one visit takes: "image": the next image, and one of its rows at random (LiT decoder, section 5.3,
            "Concat images"); "row": the next row ("Concat image-question pairs").
        compose: makes a training row afresh instead of `reader[index]`: questions drawn anew each epoch, hard
            negatives. It gets a generator keyed by (seed, source, rows taken); never used for "val" and "test".
        share: multiplies the source's natural rate, for schedules that go by size.

    Raises:
        ConfigError: no tasks, an empty reader, or `compose` on a source that is not for training.
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
                f"Source {self.name!r}: compose: got one with role {self.role!r}; want it on 'train' only"
            )
        if self.weight <= 0:
            raise ConfigError(f"Source {self.name!r}: share: got {self.weight}; want a positive number")

    @property
    def allows_changes(self) -> bool:
        """Whether some task lets its pictures be cropped or mirrored, with its boxes and maps or without."""
        return any(task.invariant or task.equivariant for task in self.tasks)
