"""Guesses the meaning of the columns of a table from their names and first cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from motet.data.detect.dataset import Kind
from motet.data.formats.paths import has_ending, is_image
from motet.preprocess.image_formats import HEIC_SUFFIXES

Row: TypeAlias = Mapping[str, object]

_IMAGES = ("image", "image_path", "image_file", "img", "file_name", "filename", "file", "path", "picture", "photo")
_QUESTIONS = ("question", "questions", "query", "q", "prompt")
_ANSWERS = ("answer", "answers", "a", "response", "multiple_choice_answer")
_TEXTS = ("transcription", "transcript", "ocr", "ocr_text", "ground_truth", "gt", "words", "word")
_CAPTIONS = ("caption", "captions", "description", "sentence", "sentences", "comment", "text", "txt", "title", "raw")
_CLASSES = ("label", "class", "category", "cls", "target", "species", "class_name", "label_name")
_SPLITS = ("split", "part", "partition", "set", "subset")
_LANGUAGE = re.compile(r"(?:caption|captions|description|sentence|text)_([a-z]{2})(?:_\d+)?")
_NUMBERED = re.compile(r"(caption|captions|description|sentence|answer)_?\d+")
_FEW_CLASSES = 50


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A mapping of columns for one kind of task.

    Args:
        kind: the kind of task that the columns can train.
        image: the column of the image; "" for members of a tar.
        text: the column of the question.
        labels: annotation -> columns.
        languages: annotation -> language.
        split: the column with the split of a row; "" for none.
        evidence: what the guess is based on, in a few words.
    """

    kind: Kind
    image: str
    labels: Mapping[str, str | tuple[str, ...]]
    text: str = ""
    languages: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    evidence: str = ""

    def arguments(self, *, image: bool = True) -> dict[str, object]:
        """Returns the arguments of a reader with a column mapping."""
        arguments: dict[str, object] = {"labels": dict(self.labels)}
        if image:
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
    image_like = [column for column in columns if _all(rows, column, holds_image)]
    image = image or _column_named(image_like, _IMAGES) or next(iter(image_like), "")
    if not image or not rows:
        return None
    others = [column for column in columns if column != image]
    split = _column_named(others, _SPLITS)
    others = [column for column in others if column != split]
    plain = [column for column in others if column not in image_like]
    mapping = _question_columns(others) or _named_columns(others) or _column_by_cells(plain, rows)
    if mapping is None:
        return None
    kind, text, labels, languages = mapping
    used = ", ".join(_flat((image, text, *labels.values())))
    return Guess(
        kind=kind, image=image, text=text, labels=labels, languages=languages, split=split, evidence=f"columns {used}"
    )


_Mapping: TypeAlias = tuple[Kind, str, dict[str, str | tuple[str, ...]], dict[str, str]]


def _question_columns(columns: list[str]) -> _Mapping | None:
    question, answers = (
        _column_named(columns, _QUESTIONS),
        _column_named(columns, _ANSWERS) or _numbered_columns(columns, "answer"),
    )
    if not question or not answers:
        return None
    return "question answering", question, {"answers": answers}, {"answers": "en"}


def _named_columns(columns: list[str]) -> _Mapping | None:
    languages: dict[str, list[str]] = {}
    for column in columns:
        if found := _LANGUAGE.fullmatch(_last(column)):
            languages.setdefault(found[1], []).append(column)
    if languages:
        labels = {f"captions_{language}": _one_or_all(columns) for language, columns in languages.items()}
        return "captioning", "", labels, {f"captions_{language}": language for language in languages}
    if text := _column_named(columns, _TEXTS):
        return "text reading", "", {"text": text}, {"text": "en"}
    if captions := _column_named(columns, _CAPTIONS) or _numbered_columns(columns, ""):
        return "captioning", "", {"captions": captions}, {"captions": "en"}
    if label := _column_named(columns, _CLASSES):
        return "classification", "", {"class": label}, {"class": "en"}
    return None


def _column_by_cells(columns: list[str], rows: Sequence[Row]) -> _Mapping | None:
    """Maps the only other column of texts: classes where they are short and repeated, captions otherwise."""
    texts = [
        column for column in columns if _all(rows, column, lambda cell: isinstance(cell, str) and bool(cell.strip()))
    ]
    if len(texts) != 1:
        return None
    cells = [str(row[texts[0]]) for row in rows]
    if len(set(cells)) <= min(_FEW_CLASSES, max(2, len(cells) // 2)) and all(len(cell.split()) <= 3 for cell in cells):
        return "classification", "", {"class": texts[0]}, {"class": "en"}
    return "captioning", "", {"captions": texts[0]}, {"captions": "en"}


def _column_named(columns: Sequence[str], names: tuple[str, ...]) -> str:
    by_name = {_last(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), "")


def _numbered_columns(columns: Sequence[str], stem: str) -> str | tuple[str, ...]:
    """Returns the columns caption_0, caption_1, ..., where there are any."""
    found = [column for column in columns if _NUMBERED.fullmatch(_last(column)) and _last(column).startswith(stem)]
    return _one_or_all([column for column in found if stem or not _last(column).startswith("answer")])


def _one_or_all(columns: list[str]) -> str | tuple[str, ...]:
    return columns[0] if len(columns) == 1 else tuple(columns)


def _last(column: str) -> str:
    return column.rpartition(".")[2].strip().lower().replace(" ", "_")


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
