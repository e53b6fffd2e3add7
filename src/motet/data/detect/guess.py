"""Guesses the meaning of the columns of a table from their names and first cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from motet.data.detect.cell_kinds import TextKind, cell_kind
from motet.data.detect.column_names import (
    ANSWERS,
    CAPTIONS,
    CLASSES,
    IMAGES,
    QUESTIONS,
    SPLITS,
    TEXTS,
    UNDECIDED,
    column_named,
    is_about_the_row,
    plain_name,
)
from motet.data.detect.dataset import Kind
from motet.data.formats.columns import is_one
from motet.data.formats.paths import has_ending, is_image
from motet.preprocess.image_formats import HEIC_SUFFIXES

Row: TypeAlias = Mapping[str, object]

_LANGUAGE = re.compile(r"(?:caption|captions|description|sentence|text)_([a-z]{2})(?:_\d+)?")
_NUMBERED = re.compile(r"(caption|captions|description|sentence|answer)_?\d+")
_TEXT_NAMES = (
    "text",
    "txt",
    "title",
    "raw",
    "titel",
    "titre",
    "titulo",
    "titolo",
    "texte",
    "texto",
    "testo",
    "文本",
    "текст",
)
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)?|[.,]\d+)")
_WHOLE = re.compile(r"[-+]?\d+([.,]0+)?")
_MIN_ROWS = 6  # with fewer rows an undecided name counts more than its cells


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A mapping of columns for one kind of task.

    Args:
        kind: the kind of task that the columns can train.
        image: the column of the image; "" for none.
        text: the column of the question or sentence; two of a pair.
        labels: annotation -> columns.
        languages: annotation -> language.
        split: the column with the split of a row; "" for none.
        evidence: what the guess is based on, in a few words.
    """

    kind: Kind
    image: str
    labels: Mapping[str, str | tuple[str, ...]]
    text: str | tuple[str, ...] = ""
    languages: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    evidence: str = ""

    def arguments(self, *, image: bool = True) -> dict[str, object]:
        """Returns the arguments of a reader with a column mapping."""
        arguments: dict[str, object] = {"labels": dict(self.labels)}
        if image and self.image:
            arguments["image"] = self.image
        if self.text:
            arguments["text"] = self.text
        return arguments


def guess(columns: Sequence[str], rows: Sequence[Row], *, image: str = "") -> Guess | None:
    """Guesses the mapping of a table's columns; None where there is no column of images or none of annotations.

    Args:
        columns: their names; of "json.answer" only the last part counts.
        rows: the first rows.
        image: the column of the image, where it is known.

    Examples:
        >>> found = guess(["file", "q", "a"], [{"file": "1.jpg", "q": "Where?", "a": "there"}])
        >>> found.kind, found.image, found.text, found.labels
        ('question answering', 'file', 'q', {'answers': 'a'})
    """
    image_like = image_columns(columns, rows)
    image = image or next(iter(image_like), "")
    if not image or not rows:
        return None
    others = [column for column in columns if column != image]
    split = column_named(others, SPLITS)
    others = [column for column in others if column != split]
    plain = [column for column in others if column not in image_like]
    mapping = (
        _question_columns(others)
        or _named_columns(others)
        or _undecided_column(plain, rows)
        or _one_hot_columns(plain, rows)
        or _column_by_cells(plain, rows)
    )
    if mapping is None:
        return None
    used = ", ".join(_flat((image, mapping.text, *mapping.labels.values())))
    hint = f": {mapping.hint}" if mapping.hint else ""
    return Guess(
        kind=mapping.kind, image=image, text=mapping.text, labels=mapping.labels, languages=mapping.languages,
        split=split, evidence=f"columns {used}{hint}",
    )  # fmt: skip


def image_columns(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Returns the columns whose cells are images, one with a name for images first."""
    found = [column for column in columns if _all(rows, column, holds_image)]
    named = column_named(found, IMAGES)
    return [named, *(column for column in found if column != named)] if named else found


class _Mapping(NamedTuple):
    kind: Kind
    labels: Mapping[str, str | tuple[str, ...]]
    languages: Mapping[str, str]
    text: str = ""
    hint: str = ""


_LABELS: Mapping[Kind, str] = {"classification": "class", "captioning": "captions", "text reading": "text"}


def _mapping(kind: Kind, columns: str | tuple[str, ...], hint: str = "") -> _Mapping:
    label = _LABELS[kind]
    return _Mapping(kind, {label: columns}, {label: "en"}, hint=hint)


def _question_columns(columns: list[str]) -> _Mapping | None:
    question = column_named(columns, QUESTIONS)
    answers = column_named(columns, ANSWERS) or _numbered_columns(columns, "answer")
    if not question or not answers:
        return None
    return _Mapping("question answering", {"answers": answers}, {"answers": "en"}, text=question)


def _named_columns(columns: list[str]) -> _Mapping | None:
    """Maps columns whose names leave no doubt, and a column of texts beside one of classes."""
    languages: dict[str, list[str]] = {}
    for column in columns:
        if found := _LANGUAGE.fullmatch(plain_name(column)):
            languages.setdefault(found[1], []).append(column)
    if languages:
        labels = {f"captions_{language}": _one_or_all(columns) for language, columns in languages.items()}
        return _Mapping("captioning", labels, {f"captions_{language}": language for language in languages})
    if text := column_named(columns, TEXTS):
        return _mapping("text reading", text)
    if captions := column_named(columns, CAPTIONS) or _numbered_columns(columns, ""):
        return _mapping("captioning", captions)
    label = column_named(columns, CLASSES)
    return _mapping("classification", label) if label and not column_named(columns, _TEXT_NAMES) else None


def _undecided_column(columns: list[str], rows: Sequence[Row]) -> _Mapping | None:
    """Maps a column called "text", "label" or the like, by its cells where there are enough of them."""
    column = column_named(columns, (*_TEXT_NAMES, *CLASSES, *UNDECIDED))
    if not column:
        return None
    named: TextKind = "captioning" if column_named([column], _TEXT_NAMES) else "classification"
    cells = [cell for row in rows if isinstance(cell := row.get(column), str)]
    found = cell_kind(cells) if len(cells) >= max(_MIN_ROWS, len(rows)) else None
    if found is None or found.kind == named:
        return _mapping(named, column)
    return _mapping(found.kind, column, found.hint())


def _one_hot_columns(columns: list[str], rows: Sequence[Row]) -> _Mapping | None:
    """Maps columns of 0 and 1 of which each row has one 1: a column per class."""
    numbers = [column for column in columns if _all(rows, column, lambda cell: is_one(cell) is not None)]
    numbers = [column for column in numbers if not is_about_the_row(column)]
    if len(numbers) < 2 or not all(sum(bool(is_one(row[column])) for column in numbers) == 1 for row in rows):
        return None
    return _mapping("classification", tuple(numbers))


def _column_by_cells(columns: list[str], rows: Sequence[Row]) -> _Mapping | None:
    """Maps the only other column of texts by its cells; short, unlike words are captions."""
    texts = [column for column in columns if not is_about_the_row(column) and _all(rows, column, _is_text)]
    words = [column for column in texts if not _all(rows, column, _is_number)]
    if len(words or texts) != 1:
        return None
    column = (words or texts)[0]
    if not words and not _all(rows, column, lambda cell: _WHOLE.fullmatch(str(cell).strip()) is not None):
        return None  # measurements are no classes
    found = cell_kind([str(row[column]) for row in rows])
    if found is not None:
        return _mapping(found.kind, column, found.hint())
    return _mapping("captioning", column) if words else None  # measurements are no texts


def _is_text(cell: object) -> bool:
    return isinstance(cell, str) and bool(cell.strip())


def _is_number(cell: object) -> bool:
    return isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()) is not None


def _numbered_columns(columns: Sequence[str], stem: str) -> str | tuple[str, ...]:
    """Returns the columns caption_0, caption_1, ..., where there are any."""
    found = [
        column for column in columns if _NUMBERED.fullmatch(plain_name(column)) and plain_name(column).startswith(stem)
    ]
    return _one_or_all([column for column in found if stem or not plain_name(column).startswith("answer")])


def _one_or_all(columns: list[str]) -> str | tuple[str, ...]:
    return columns[0] if len(columns) == 1 else tuple(columns)


def _all(rows: Sequence[Row], column: str, holds: Callable[[Any], bool]) -> bool:
    return bool(rows) and all(holds(row.get(column)) for row in rows)


def holds_image(cell: object) -> bool:
    """Returns True for the name of an image, the image itself, or a list of either."""
    match cell:
        case str():
            return is_image(cell) or has_ending(cell, HEIC_SUFFIXES)  # whose error names the extra that reads it
        case bytes():
            return bool(cell)
        case {"bytes": data, "path": path}:
            return data is not None or path is not None
        case list():
            return bool(cell) and all(holds_image(part) for part in cell)
    return False


def _flat(columns: Sequence[str | tuple[str, ...]]) -> list[str]:
    return [name for column in columns for name in ((column,) if isinstance(column, str) else column) if name]
