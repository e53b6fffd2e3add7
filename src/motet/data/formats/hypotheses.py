"""Hypotheses about Flickr30k photos: the base of the readers of SNLI-VE and e-SNLI-VE."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import unwrap
from motet.data.formats.json_file import short_repr
from motet.data.formats.paths import default_name, image_at, photo_id

ENTAILMENT_NAMES = ("entailment", "neutral", "contradiction")


class Hypothesis(NamedTuple):
    """The texts of a row (the premise first, where it is given, then the hypothesis) and its labels.

    Args:
        texts: one or two.
        labels: "class", and "explanations" in e-SNLI-VE.
    """

    texts: tuple[str, ...]
    labels: Mapping[str, object]


class HypothesisRow(NamedTuple):
    """One row of a file.

    Args:
        key: its id in the file.
        file: the photo, relative to the folder of images.
        entry: its place in the file.
        hypothesis: its content, or the error of a broken row.
    """

    key: str
    file: str
    entry: int
    hypothesis: Hypothesis | DataError


class HypothesisReader:
    """Base of `SnliVe` and `ESnliVe`: rows of a sentence about a photo, which a subclass reads from its file."""

    annotations: Path | str
    images: Path | str
    name: str
    _rows: tuple[HypothesisRow, ...]
    _official_name: ClassVar[re.Pattern[str]]
    _prefix: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return ENTAILMENT_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row: "flickr/" and the photo's number, as in the readers of captions."""
        return (photo_id(Path(self._rows[index].file).name),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.annotations)
        texts, labels = unwrap(row.hypothesis)
        found = self._official_name.fullmatch(path.name)
        prefix = self.name or (f"{self._prefix}/{found[1]}" if found else default_name(path))
        return Example(
            id=f"{prefix}/{row.key}",
            images=(image_at(Path(self.images) / row.file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=texts[0] if len(texts) == 1 else texts,
            labels=labels,
        )


def to_hypothesis(
    texts: tuple[str, ...], label: str, other_labels: Mapping[str, object], path: Path, row: int
) -> Hypothesis:
    """Returns the content of a row.

    Raises:
        DataError: the label is not the name of a class.
    """
    if label not in ENTAILMENT_NAMES:
        raise DataError(
            f"gold_label: got {short_repr(label)}; want one of {', '.join(ENTAILMENT_NAMES)}", path=path, row=row
        )
    return Hypothesis(texts, {"class": ENTAILMENT_NAMES.index(label), **other_labels})


def jpg_name(photo: str) -> str:
    """Returns the file name of a photo by its id, which some files write with the ending."""
    return photo if photo.endswith(".jpg") else f"{photo}.jpg"


def with_unique_keys(rows: Sequence[HypothesisRow], path: Path) -> tuple[HypothesisRow, ...]:
    """Returns the rows; those that share a key (pairs that several people explained) get their place behind it.

    Raises:
        DataError: no row.
    """
    if not rows:
        raise DataError("rows: got none; want at least one", path=path)
    counts = Counter(row.key for row in rows)
    return tuple(row if counts[row.key] == 1 else row._replace(key=f"{row.key}/{row.entry}") for row in rows)
