"""Readers that leave annotations out or renumber classes, without decoding an annotation before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from motet.core import ConfigError, Example, Reader


@dataclass(frozen=True)
class AnnotationSubset:
    """The rows of a reader with some of their annotations; a task cannot learn from those that are left out.

    Args:
        reader: the rows.
        labels: names of the annotations to keep; none for images without labels.

    Examples:
        >>> class One:
        ...     def __len__(self): return 1
        ...     def keys(self, index): return ("a",)
        ...     def __getitem__(self, index): return Example(id="a", labels={"depth": 2.0, "edges": 1.0})
        >>> dict(AnnotationSubset(One(), ("depth",))[0].labels)
        {'depth': 2.0}
    """

    reader: Reader
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(
            example, labels=_LazyAnnotations(example.labels, tuple(n for n in example.labels if n in self.labels))
        )


@dataclass(frozen=True)
class RemappedClasses:
    """The rows of a reader with the classes of a map renumbered, as in the order of another data set's names.

    Args:
        reader: the rows.
        classes: the new class of each class, by its index; -1 for no class.
        label: the annotation, a map of classes (h, w).

    Raises:
        ConfigError: no class, or a number below -1.
    """

    reader: Reader
    classes: tuple[int, ...]
    label: str = "segmentation"

    def __post_init__(self) -> None:
        if min(self.classes, default=-2) < -1:
            raise ConfigError(
                f"RemappedClasses.classes: got {self.classes}; want for each class its new index, or -1 for no class"
            )

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(
            example, labels=_LazyAnnotations(example.labels, tuple(example.labels), {self.label: self._remapped})
        )

    def _remapped(self, values: Any) -> np.ndarray:
        # A pixel of -1, no class, indexes the -1 at the end of the table.
        remapped: np.ndarray = np.array((*self.classes, -1), dtype=np.int64)[np.asarray(values)]
        return remapped


@dataclass(frozen=True)
class CappedDepth:
    """The rows of a reader whose depths beyond a cap are unknown, in training and in evaluation.

    Source: DenseMTL (Lopes et al. 2023) evaluates up to 80 m. Disparities of a fraction of a pixel are depths of
    kilometres, and a few of them are most of a squared error.

    Args:
        reader: the rows.
        cap_m: the largest depth that is kept.
        label: the annotation, a map (h, w) in metres.

    Raises:
        ConfigError: a cap that is not positive.
    """

    reader: Reader
    cap_m: float = 80.0
    label: str = "depth"

    def __post_init__(self) -> None:
        if not self.cap_m > 0:
            raise ConfigError(f"CappedDepth.cap_m: got {self.cap_m}; want metres above 0")

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(
            example, labels=_LazyAnnotations(example.labels, tuple(example.labels), {self.label: self._capped})
        )

    def _capped(self, values: Any) -> np.ndarray:
        depth_m = np.asarray(values)
        return np.where(depth_m <= self.cap_m, depth_m, np.nan).astype(depth_m.dtype)


class _LazyAnnotations(Mapping[str, Any]):
    """Some annotations of a row, each decoded and changed only when it is read, as in the row itself."""

    def __init__(
        self,
        annotations: Mapping[str, Any],
        names: tuple[str, ...],
        changes: Mapping[str, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.annotations, self.names, self.changes = annotations, names, dict(changes or {})

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        value = self.annotations[name]
        return self.changes[name](value) if name in self.changes else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        # The default of Mapping would decode the annotation to find out whether it is there.
        return name in self.names
