"""Parts of readers: some rows of one, several one after the other, parts that share no image."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar

from motet.core import (
    Answer,
    ConfigError,
    DataError,
    Example,
    Label,
    Masked,
    Match,
    Reader,
    Task,
    Text,
    rng_for,
    seed_for,
)
from motet.data.source import Source


@dataclass(frozen=True)
class Subset:
    """Some rows of a reader, in the order given.

    Args:
        reader: the whole.
        indices: which rows.
    """

    reader: Reader
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        return self.reader.keys(self.indices[index])

    def __getitem__(self, index: int) -> Example:
        return self.reader[self.indices[index]]


@dataclass(frozen=True)
class ConcatRows:
    """The rows of several readers, one after the other.

    Args:
        readers: at least one; their ids must differ.

    Raises:
        ConfigError: no reader.
    """

    readers: tuple[Reader, ...]

    def __post_init__(self) -> None:
        if not self.readers:
            raise ConfigError("Concat.readers: got none; want at least one")
        object.__setattr__(self, "_ends", tuple(accumulate(len(reader) for reader in self.readers)))

    def __len__(self) -> int:
        return self._ends[-1]

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        reader, row = self._find(index)
        return reader.keys(row)

    def __getitem__(self, index: int) -> Example:
        reader, row = self._find(index)
        return reader[row]

    _ends: tuple[int, ...] = ()  # set once above; no field, so that it is in no equality and no saved recipe

    def _find(self, index: int) -> tuple[Reader, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index}: want 0 to {len(self) - 1}")
        place = bisect.bisect_right(self._ends, index)
        return self.readers[place], index - (self._ends[place - 1] if place else 0)


@dataclass(frozen=True)
class Without:
    """The rows of a reader that show none of some pictures, such as those of a test set.

    Args:
        reader: the whole.
        ids: image ids; a row of several pictures goes when one of them is named.

    Examples:
        >>> class Three:
        ...     def __len__(self): return 3
        ...     def keys(self, index): return (("a",), ("b",), ("a",))[index]
        >>> len(Without(Three(), frozenset({"a"})))
        1
    """

    reader: Reader
    ids: frozenset[str] = field(repr=False)

    def __post_init__(self) -> None:
        rows = tuple(row for row in range(len(self.reader)) if self.ids.isdisjoint(self.reader.keys(row)))
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row."""
        return self.reader.keys(self._rows[index])

    def __getitem__(self, index: int) -> Example:
        return self.reader[self._rows[index]]

    @property
    def left_out(self) -> int:
        """How many rows are not here."""
        return len(self.reader) - len(self._rows)

    _rows: ClassVar[tuple[int, ...]] = ()  # set once above; no field, so that it is in no equality and no saved recipe


def split_by_image(reader: Reader, shares: Mapping[str, float], seed: int = 0) -> dict[str, Subset]:
    """Parts of a reader in which no image stands twice.

    Which part an image falls to depends on its id and the seed alone: two readers over the same images agree, and rows
    that are added later move nothing. So the shares hold on average, not to the row. Rows that hang together by shared
    images (pairs) stay together; rows without images go by their own id.

    Args:
        reader: the whole.
        shares: by name of the part, adding to 1.
        seed: of the choice.

    Raises:
        ConfigError: shares that do not add to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) < 0:
        raise ConfigError(f"split_by_image: shares: got {dict(shares)}; want numbers that add to 1")
    keys = [tuple(reader.keys(row)) or (_id_of(reader, row),) for row in range(len(reader))]
    groups = _Groups()
    for ids in keys:
        groups.join(ids)
    ends = list(accumulate(shares.values()))
    names = list(shares)
    rows: dict[str, list[int]] = {name: [] for name in names}
    place_of = {
        root: min(bisect.bisect_right(ends, seed_for("split", seed, least) / 2**64), len(names) - 1)
        for root, least in groups.least().items()
    }
    for row, ids in enumerate(keys):
        rows[names[place_of[groups.root(ids[0])]]].append(row)
    return {name: Subset(reader, tuple(found)) for name, found in rows.items()}


def _id_of(reader: Reader, row: int) -> str:
    """A row's id, or its place where it cannot be read: that is said when it is read, and is no matter of the cut."""
    try:
        return reader[row].id
    except DataError:
        return f"row {row}"


class _Groups:
    """Ids that hang together."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def root(self, key: str) -> str:
        path = []
        while self.parent.setdefault(key, key) != key:
            path.append(key)
            key = self.parent[key]
        for passed in path:
            self.parent[passed] = key
        return key

    def join(self, keys: Sequence[str]) -> None:
        first = self.root(keys[0])
        for key in keys[1:]:
            self.parent[self.root(key)] = first

    def least(self) -> dict[str, str]:
        """By root the first of its ids in the alphabet, which does not depend on the order of rows."""
        found: dict[str, str] = {}
        for key in list(self.parent):
            root = self.root(key)
            found[root] = min(found.get(root, key), key)
        return found


def answers_from(reader: Reader, min_count: int = 1) -> tuple[str, ...]:
    """The answers that a closed `Answer` chooses from: those that stand often enough, the most frequent first.

    Counts the annotation "answer" (the majority's) where a row has one, else each different one of "answers".

    Args:
        reader: training rows.
        min_count: how often an answer must stand.

    Raises:
        ConfigError: no answer stands so often.
    """
    counts: Counter[str] = Counter()
    for row in range(len(reader)):
        labels = reader[row].labels
        counts.update([labels["answer"]] if "answer" in labels else set(labels.get("answers", ())))
    kept = sorted((answer for answer, count in counts.items() if count >= min_count), key=lambda a: (-counts[a], a))
    if not kept:
        most = max(counts.values(), default=0)
        raise ConfigError(f"answers_from: min_count: got {min_count}; want at most {most}, which the commonest reaches")
    return tuple(kept)


def texts_of(source: Source) -> Iterator[str]:
    """Every text of a source's rows: what is asked, and the words of the truths; no image is decoded.

    A source that composes its rows gives one made row for each, drawn by its place.
    """
    for task in source.tasks:
        if isinstance(task.target, Label):
            yield from task.target.names
    for index in range(len(source.reader)):
        if source.compose is None:
            example = source.reader[index]
        else:
            example = source.compose(source.reader, index, rng_for("texts", source.name, index))
        for task in source.tasks:
            asked = task.prompt_for(example)
            yield from (asked,) if asked else ()
            yield from _words_of(task, example)


def _words_of(task: Task, example: Example) -> Iterable[str]:
    """The texts of a truth: what is said, texts whose words are hidden, those of a picture to be told from others."""
    match task.target:
        case Answer() | Text():
            annotation = task.annotation_of(example)
        case Masked("words") if not task.prompt_for(example):
            annotation = example.labels.get(task.label, ())
        case Match(pool="split") if not example.candidates:
            annotation = example.labels.get(task.label, ())
        case _:
            return ()
    return (annotation,) if isinstance(annotation, str) else annotation
