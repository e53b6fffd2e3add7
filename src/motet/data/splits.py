"""Subsets, concatenations and splits of readers; the splits share no image."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from itertools import accumulate
from typing import ClassVar, Literal

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
    nearest,
    rng_for,
    seed_for,
)
from motet.data.source import Source


@dataclass(frozen=True)
class Subset:
    """Some rows of a reader, in the order of `indices`.

    Args:
        reader: all rows.
        indices: of the rows to keep.
    """

    reader: Reader
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
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
            raise ConfigError("ConcatRows.readers: got none; want at least one")
        object.__setattr__(self, "_ends", tuple(accumulate(len(reader) for reader in self.readers)))

    def __len__(self) -> int:
        return self._ends[-1]

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        reader, row = self._find(index)
        return reader.keys(row)

    def __getitem__(self, index: int) -> Example:
        reader, row = self._find(index)
        return reader[row]

    _ends: tuple[int, ...] = ()  # set above; no field, so that it is not compared and not saved with a recipe

    def _find(self, index: int) -> tuple[Reader, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index}: want 0 to {len(self) - 1}")
        place = bisect.bisect_right(self._ends, index)
        return self.readers[place], index - (self._ends[place - 1] if place else 0)


class _RowsByImages:
    """Rows of a reader that are chosen by their images."""

    reader: Reader
    _rows: ClassVar[tuple[int, ...]] = ()  # set by each; no field, so that it is not compared and not saved

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(self._rows[index])

    def __getitem__(self, index: int) -> Example:
        return self.reader[self._rows[index]]

    @property
    def left_out(self) -> int:
        """Number of rows that are left out."""
        return len(self.reader) - len(self._rows)


@dataclass(frozen=True)
class WithoutImages(_RowsByImages):
    """The rows of a reader without those of some images, such as the images of a test set.

    Args:
        reader: all rows.
        ids: image ids; a row of several images is left out when one of them is among these.

    Examples:
        >>> class Three:
        ...     def __len__(self): return 3
        ...     def keys(self, index): return (("a",), ("b",), ("a",))[index]
        >>> len(WithoutImages(Three(), frozenset({"a"})))
        1
    """

    reader: Reader
    ids: frozenset[str] = field(repr=False)

    def __post_init__(self) -> None:
        rows = tuple(row for row in range(len(self.reader)) if self.ids.isdisjoint(self.reader.keys(row)))
        object.__setattr__(self, "_rows", rows)


@dataclass(frozen=True)
class OnlyImages(_RowsByImages):
    """The rows of a reader that are of some images: the counterpart of `WithoutImages`.

    Args:
        reader: all rows.
        ids: image ids; a row of several images is kept when one of them is among these.
    """

    reader: Reader
    ids: frozenset[str] = field(repr=False)

    def __post_init__(self) -> None:
        rows = tuple(row for row in range(len(self.reader)) if not self.ids.isdisjoint(self.reader.keys(row)))
        object.__setattr__(self, "_rows", rows)


@dataclass(frozen=True)
class ImageSplit(Subset):
    """One split of `split_by_image`, by what decides its rows: a run stores the shares and the seed, not the rows.

    Args:
        reader: all rows.
        indices: of the rows of this split; they follow from the rest.
        shares: share of the images by name of the split, with the sum 1.
        part: the name of this split.
        seed: of the split.
        rows: the indices, where they are known already.

    Raises:
        ConfigError: shares whose sum is not 1, or a part that is none of them.
    """

    indices: tuple[int, ...] = field(init=False, repr=False, compare=False)
    shares: Mapping[str, float] = field(hash=False)
    part: str
    seed: int = 0
    rows: InitVar[tuple[int, ...] | None] = None

    def __post_init__(self, rows: tuple[int, ...] | None) -> None:
        if self.part not in self.shares:
            raise ConfigError(f"ImageSplit.part: got {self.part!r}; {nearest(self.part, self.shares)}")
        found = _rows_by_split(self.reader, self.shares, self.seed)[self.part] if rows is None else rows
        object.__setattr__(self, "indices", found)


def split_by_image(reader: Reader, shares: Mapping[str, float], seed: int = 0) -> dict[str, ImageSplit]:
    """Splits a reader so that no image is in two splits.

    The split of an image depends on its id and the seed alone: two readers over the same images agree, and rows that
    are added later move no other row. So the shares hold on average, not exactly. Rows that are linked by shared images
    (pairs) stay together; a row without images is split by its own id.

    Args:
        reader: all rows.
        shares: share of the images by name of the split, with the sum 1.
        seed: of the split.

    Raises:
        ConfigError: shares whose sum is not 1.
    """
    found = _rows_by_split(reader, shares, seed)
    return {name: ImageSplit(reader, dict(shares), name, seed, rows) for name, rows in found.items()}


def _rows_by_split(reader: Reader, shares: Mapping[str, float], seed: int) -> dict[str, tuple[int, ...]]:
    if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) < 0:
        raise ConfigError(f"split_by_image: shares: got {dict(shares)}; want shares of 0 or more that add to 1")
    keys = [tuple(reader.keys(row)) or (_row_id(reader, row),) for row in range(len(reader))]
    groups = _LinkedIds()
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
    return {name: tuple(found) for name, found in rows.items()}


def _row_id(reader: Reader, row: int) -> str:
    """Returns the id of a row, or its index where it cannot be read: the error is raised when the row is used."""
    try:
        return reader[row].id
    except DataError:
        return f"row {row}"


class _LinkedIds:
    """Groups of linked ids (union-find with path compression)."""

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
        """Returns for each root the first id of its group in the alphabet, which does not depend on the row order."""
        first: dict[str, str] = {}
        for key in list(self.parent):
            root = self.root(key)
            first[root] = min(first.get(root, key), key)
        return first


def answers_from(reader: Reader, min_count: int = 1, *, prepare: Callable[[str], str] | None = None) -> tuple[str, ...]:
    """Returns the answer vocabulary of a closed `Answer`: the answers that occur often enough, the most frequent first.

    Counts the annotation "answer" (of the majority) where a row has one, else each different one of "answers".

    Args:
        reader: training rows.
        min_count: least number of rows with an answer of the vocabulary.
        prepare: normalises each answer before it is counted; None to count answers as they are.

    A row that cannot be read has no answers here; its error is raised when the row is drawn.

    Raises:
        ConfigError: no answer occurs so often.
    """
    counts: Counter[str] = Counter()
    for row in range(len(reader)):
        try:
            labels = reader[row].labels
        except DataError:
            continue
        answers = [labels["answer"]] if "answer" in labels else labels.get("answers", ())
        counts.update({prepare(answer) if prepare is not None else answer for answer in answers})
    frequent = sorted((answer for answer, count in counts.items() if count >= min_count), key=lambda a: (-counts[a], a))
    if not frequent:
        most = max(counts.values(), default=0)
        raise ConfigError(f"answers_from: min_count: got {min_count}; want at most {most}, which the commonest reaches")
    return tuple(frequent)


def texts_of(source: Source, on_bad_row: Literal["stop", "skip"] = "stop") -> Iterator[str]:
    """Yields every text of a source: prompts, class names and the texts of annotations; no image is decoded.

    A source with `compose` gives one composed row per row, drawn by its index.

    Args:
        source: whose rows are read.
        on_bad_row: "skip" leaves out a row that cannot be read.

    Raises:
        DataError: a row that cannot be read, when bad rows stop the run.
    """
    for task in source.tasks:
        if isinstance(task.target, Label):
            yield from task.target.names
    for index in range(len(source.reader)):
        try:
            texts = _row_texts(source, index)
        except DataError:
            if on_bad_row == "stop":
                raise
            continue
        yield from texts


def _row_texts(source: Source, index: int) -> list[str]:
    if source.compose is None:
        example = source.reader[index]
    else:
        example = source.compose(source.reader, index, rng_for("texts", source.name, index))
    texts: list[str] = []
    for task in source.tasks:
        prompt = task.prompt_for(example)
        texts += [prompt] if prompt else []
        texts += _annotation_texts(task, example)
    return texts


def _annotation_texts(task: Task, example: Example) -> Iterable[str]:
    """Returns the texts of an annotation: answers and captions, texts to mask, captions to retrieve."""
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
