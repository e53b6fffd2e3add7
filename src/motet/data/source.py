"""A reader with its tasks and its role: training, validation or test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
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
        self._check_kinds()
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

    def _check_kinds(self) -> None:
        """Raises ConfigError where reader or tasks are of another kind than they must be, with what to do about it."""
        where = f"Source {self.name!r}"
        if isinstance(self.reader, str | Path):
            raise ConfigError(
                f"{where}: reader: got the text {str(self.reader)!r}; want a reader, such as "
                f"motet.data.readers.ImageFolder({str(self.reader)!r}); `motet init` finds the one for a folder"
            )
        missing = [name for name in ("__len__", "__getitem__", "keys") if not hasattr(self.reader, name)]
        if missing or isinstance(self.reader, type | Mapping):
            kind = self.reader.__name__ if isinstance(self.reader, type) else type(self.reader).__name__
            raise ConfigError(
                f"{where}: reader: got {'the class' if isinstance(self.reader, type) else 'a'} {kind}; want an object "
                "with __len__, keys(index) and __getitem__(index) that returns a motet.core.Example: twelve "
                "data set (docs/ADDING.md)"
            )
        if isinstance(self.tasks, Task):
            raise ConfigError(f"{where}: tasks: got one Task; want a tuple: tasks=(task,)")
        for task in self.tasks:
            if not isinstance(task, Task):
                raise ConfigError(
                    f"{where}: tasks: got {task!r}; want Task values, such as motet.tasks.classification('name', names)"
                )

    @property
    def allows_changes(self) -> bool:
        """True where some task allows crops or flips of its images, with or without its boxes and maps."""
        return any(task.invariant or task.equivariant for task in self.tasks)
