"""Rows with some of their annotations alone, or with their classes in another's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from motet.core import ConfigError, Example, Reader


@dataclass(frozen=True)
class Annotated:
    """The rows of a reader with some of their annotations alone: what a task is not to learn from is left away.

    Args:
        reader: the whole.
        labels: the annotations that stay; none for pictures without labels.

    Examples:
        >>> class One:
        ...     def __len__(self): return 1
        ...     def keys(self, index): return ("a",)
        ...     def __getitem__(self, index): return Example(id="a", labels={"depth": 2.0, "edges": 1.0})
        >>> dict(Annotated(One(), ("depth",))[0].labels)
        {'depth': 2.0}
    """

    reader: Reader
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(example, labels=_Seen(example.labels, tuple(n for n in example.labels if n in self.labels)))


@dataclass(frozen=True)
class Reclassed:
    """The rows of a reader with their classes in the order of another set's names.

    Args:
        reader: the whole.
        classes: for each of its classes the one it becomes; -1 for none.
        label: the annotation, a map of classes.

    Raises:
        ConfigError: no class, or a number below -1.
    """

    reader: Reader
    classes: tuple[int, ...]
    label: str = "segmentation"

    def __post_init__(self) -> None:
        if min(self.classes, default=-2) < -1:
            raise ConfigError(f"Reclassed.classes: got {self.classes}; want a class, or -1, for each")

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(example, labels=_Seen(example.labels, tuple(example.labels), {self.label: self._moved}))

    def _moved(self, values: Any) -> np.ndarray:
        # -1, no class, finds the -1 at the table's end.
        found: np.ndarray = np.array((*self.classes, -1), dtype=np.int64)[np.asarray(values)]
        return found


class _Seen(Mapping[str, Any]):
    """Some annotations of a row, each decoded and changed when it is asked for, as in the row itself."""

    def __init__(
        self,
        whole: Mapping[str, Any],
        names: tuple[str, ...],
        changes: Mapping[str, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.whole, self.names, self.changes = whole, names, dict(changes or {})

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        value = self.whole[name]
        return self.changes[name](value) if name in self.changes else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        # What a Mapping has by itself would compute the annotation to know whether it is there.
        return name in self.names
