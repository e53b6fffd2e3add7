"""The kind of task that a column of texts can train, by its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal, TypeAlias

TextKind: TypeAlias = Literal["classification", "captioning", "text reading"]

_FEW_CLASSES = 50
_MIN_ROWS = 6  # with fewer, cells that repeat or differ show little
_WORDS_OF_A_SENTENCE = 4
_UNLIKE = 0.9  # share of the cells that occur once
_CODE = re.compile(
    r"(?!\d+[.,]\d+$|\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{4})(?=.*\d)(?=.*[^\W\d_]|.*\d[-./ ]?\d{2})[\w\-./#: ]{3,24}"
)
_COLUMN_OF: dict[TextKind, str] = {
    "classification": "class", "captioning": "caption", "text reading": "transcription",
}  # fmt: skip


@dataclass(frozen=True)
class CellKind:
    """The kind that the cells of a column show.

    Args:
        kind: the kind of task.
        reason: what shows it, in a few words.
    """

    kind: TextKind
    reason: str

    def hint(self) -> str:
        """Returns what was chosen and how to choose otherwise, for the line of `motet init`."""
        chosen = {"classification": "classes", "captioning": "captions", "text reading": "text to read"}[self.kind]
        others = " or ".join(name for kind, name in _COLUMN_OF.items() if kind != self.kind)
        return f"{chosen}, since they are {self.reason} (call the column {others} to change it)"


def cell_kind(cells: Sequence[str]) -> CellKind | None:
    """Returns the kind of a column's cells: few repeated ones are classes, sentences captions, codes text to read.

    None where they show none of these: short, unlike words.

    Examples:
        >>> cell_kind(["cat", "dog"] * 5).kind, cell_kind([f"KA-{n} 7" for n in range(100, 110)]).kind
        ('classification', 'text reading')
    """
    words = mean(len(cell.split()) for cell in cells) if cells else 0
    distinct = len(set(cells))
    short = all(len(cell.split()) <= 3 for cell in cells)
    if short and 0 < distinct <= min(_FEW_CLASSES, max(2, len(cells) // 2)):
        return CellKind("classification", f"{distinct} that repeat")
    codes = sum(_CODE.fullmatch(cell.strip()) is not None for cell in cells)
    unlike = distinct >= _UNLIKE * len(cells)
    if len(cells) >= _MIN_ROWS and unlike and codes >= _UNLIKE * len(cells) and words < _WORDS_OF_A_SENTENCE:
        return CellKind("text reading", "short and unlike, with digits")
    if words >= _WORDS_OF_A_SENTENCE:
        return CellKind("captioning", "sentences")
    return None
