"""The columns of rows that tasks are made of: those that are given, and the rest by their names and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from motet.core import ConfigError, nearest
from motet.data.detect.cell_kinds import cell_kind
from motet.data.detect.column_names import ANSWERS, QUESTIONS, SPLITS, column_named, is_about_the_row
from motet.data.detect.dataset import Kind
from motet.data.detect.guess import Guess, Row, guess, image_columns
from motet.data.detect.near_miss import few
from motet.data.detect.text_tables import guess_sentences, text_columns
from motet.data.formats.columns import Names

_LABELS: Mapping[Kind, str] = {
    "classification": "class",
    "captioning": "captions",
    "question answering": "answers",
    "text reading": "text",
    "visual entailment": "class",
    "sentences": "class",
}
"""The annotation of each kind of task that a column can be the target of."""
_MOST_CLASSES = 50

Targets: TypeAlias = str | Sequence[str] | Mapping[str, str]


def target_columns(
    columns: Sequence[str], rows: Sequence[Row], *, image: Names = "", text: Names = "", targets: Targets = ()
) -> tuple[Guess, ...]:
    """Returns one mapping of columns per task.

    Args:
        columns: their names.
        rows: the first rows.
        image: the column of the image; found by its cells where it is not given.
        text: the column of the question or sentence, two of a pair; found by its name where it is not given.
        targets: the columns to be predicted, a task each; or column -> kind of task. Without them the one that is meant
            beyond doubt.

    Raises:
        ConfigError: a column that is not there; or doubt about what is meant, with the columns and the choices.

    Examples:
        >>> rows = [{"file": f"{n}.jpg", "breed": "ab"[n % 2], "mood": "xy"[n % 2]} for n in range(8)]
        >>> [one.labels for one in target_columns(["file", "breed", "mood"], rows, targets=("breed", "mood"))]
        [{'class': 'breed'}, {'class': 'mood'}]
        >>> target_columns(["file", "breed", "mood"], rows)
        Traceback (most recent call last):
        motet.core.errors.ConfigError: targets: got several columns that can be one: 'breed' (classification), 'mood' \
(classification); want the column, or the columns of several tasks: targets=('breed', 'mood')
    """
    wanted = {targets: ""} if isinstance(targets, str) else dict.fromkeys(targets, "")
    kinds = dict(targets) if isinstance(targets, Mapping) else wanted
    _check(columns, (*_names(image), *_names(text), *kinds))
    chosen = _Inputs(columns, rows, image, text, tuple(kinds))
    return tuple(chosen.mapping(column, kind) for column, kind in kinds.items()) if kinds else (chosen.only(),)


def _check(columns: Sequence[str], given: Sequence[str]) -> None:
    for column in given:
        if column not in columns:
            raise ConfigError(f"column {column!r}: got rows without it; {nearest(column, columns)}")


class _Inputs:
    """The image and the text of some rows, and what their other columns can be."""

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Row], image: Names, text: Names, targets: tuple[str, ...]
    ) -> None:
        self.columns, self.rows = columns, rows
        self.split = column_named([column for column in columns if column not in targets], SPLITS)
        free = [column for column in columns if column not in targets and column != self.split]
        images = _names(image) or tuple(image_columns(free, rows)[:1])
        self.image = images[0] if images else ""
        self.text: Names = text
        if not text and not images:
            self.text = _one(text_columns(free))
        if len(images) > 1:
            raise ConfigError(f"image: got the columns {images}; want one (several: the reader Table)")
        self.others = [column for column in free if column not in (*images, *_names(self.text))]

    def only(self) -> Guess:
        """Returns the only mapping that the columns leave."""
        found = None
        if not self.text:
            found = guess(self.columns, self.rows, image=self.image)
        elif not self.image:
            found = guess_sentences(self.columns, self.rows)
        used = set() if found is None else {found.image, *_names(found.text), *_flat(found)}
        free = [column for column in self.others if not is_about_the_row(column)]
        candidates = {column: kind for column in free if (kind := self._kind(column)) is not None}
        rivals = {column: kind for column, kind in candidates.items() if column not in used}
        if found is not None and not rivals:
            return found
        if found is not None:
            mine = dict.fromkeys(_flat(found), found.kind)
            candidates = {column: (mine | rivals)[column] for column in self.columns if column in mine | rivals}
        if len(candidates) == 1:
            return self.mapping(*next(iter(candidates.items())))
        if not candidates:
            inputs = "" if self.image or self.text else ", and none of images or texts (image=COLUMN or text=COLUMN)"
            raise ConfigError(
                f"targets: got the columns {few(self.columns)}, none of which is known for a target{inputs}; want the "
                "column to be predicted: targets=COLUMN, or targets={COLUMN: KIND} with one of " + _kinds()
            )
        named = ", ".join(f"{column!r} ({kind})" for column, kind in candidates.items())
        raise ConfigError(
            f"targets: got several columns that can be one: {named}; want the column, or the columns of several tasks: "
            f"targets={tuple(candidates)}"
        )

    def mapping(self, column: str, kind: str = "") -> Guess:
        """Returns the mapping for one target. Raises ConfigError where its kind is in doubt."""
        if not self.image and not self.text:
            raise ConfigError(
                f"image: got the columns {few(self.columns)}, none with images or a name for texts; want image=COLUMN "
                "or text=COLUMN"
            )
        found = kind or self._kind(column)
        if found is None:
            cells = [row.get(column) for row in self.rows if row.get(column) is not None]
            example = str(next(iter(cells), ""))[:30]
            got = f"{len(set(map(str, cells)))} different values in {len(cells)} rows, such as {example!r}"
            raise ConfigError(
                f"targets: {column!r}: got {got}; want its kind: targets={{{column!r}: KIND}} with one of {_kinds()}"
            )
        if found not in _LABELS:
            raise ConfigError(f"targets: {column!r}: got the kind {found!r}; want one of {_kinds()}")
        checked = cast(Kind, found)
        needs_text = checked in ("question answering", "visual entailment", "sentences")
        text = self.text or self._text_for(column, checked) if needs_text else ""
        if needs_text and not text:
            raise ConfigError(f"text: got no column for the texts of {column!r} ({checked}); want text=COLUMN")
        image = "" if checked == "sentences" else self.image
        if checked != "sentences" and not image:
            raise ConfigError(f"image: got no column for the images of {column!r} ({checked}); want image=COLUMN")
        used = ", ".join((*filter(None, (image,)), *_names(text), column))
        return Guess(
            kind=checked, image=image, text=text, labels={_LABELS[checked]: column},
            languages={_LABELS[checked]: "en"}, split=self.split, evidence=f"columns {used}",
        )  # fmt: skip

    def _kind(self, column: str) -> str | None:
        """Returns the kind of task whose target a column can be; None where it shows none."""
        cells = [cell for row in self.rows if (cell := row.get(column)) is not None]
        if self.image and column_named([column], ANSWERS) and self._text_for(column, "question answering"):
            return "question answering"
        if self.text:
            classes = all(isinstance(cell, str | int) for cell in cells) and _repeat(cells)
            if self.image:
                return "question answering" if cells and not any(isinstance(cell, float) for cell in cells) else None
            return "sentences" if classes else None
        if cells and all(isinstance(cell, int) for cell in cells):
            return "classification" if _repeat(cells) else None
        if cells and all(isinstance(cell, list | tuple) for cell in cells):
            return "captioning" if all(isinstance(part, str) for cell in cells for part in cast(Any, cell)) else None
        present = [row for row in self.rows if row.get(column) is not None]
        found = guess([self.image, column], present, image=self.image) if self.image else None
        if found is not None:
            return found.kind
        shown = cell_kind(cast(list[str], cells)) if all(isinstance(cell, str) for cell in cells) else None
        return None if shown is None else shown.kind

    def _text_for(self, column: str, kind: str) -> Names:
        """Returns the column of the texts that a target is about, by its name."""
        free = [one for one in self.others if one != column]
        question = column_named(free, QUESTIONS) if kind == "question answering" else ""
        return question or _one(text_columns(free))


def _repeat(cells: Sequence[object]) -> bool:
    """Returns True for values that are few and repeat, as classes do."""
    return 0 < len(set(map(str, cells))) <= min(_MOST_CLASSES, max(2, len(cells) // 2))


def _kinds() -> str:
    return ", ".join(map(repr, _LABELS))


def _names(columns: Names) -> tuple[str, ...]:
    return ((columns,) if columns else ()) if isinstance(columns, str) else tuple(columns)


def _flat(found: Guess) -> tuple[str, ...]:
    return tuple(name for columns in found.labels.values() for name in _names(columns))


def _one(columns: tuple[str, ...]) -> Names:
    return columns[0] if len(columns) == 1 else columns
