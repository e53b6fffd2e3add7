"""Plain text with one row per line, for masked language modelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError, Example
from motet.data.formats.paths import default_name
from motet.data.formats.text_file import read_lines


@dataclass(frozen=True)
class TextLines:
    """The lines of a text file, gzipped or not; labels: "text", the line as a tuple of one. Blank lines are skipped.

    Args:
        path: the file, in UTF-8.
        name: prefix of Example ids; by default the file's name and its folder's.

    Raises:
        DataError: no such file, one that cannot be read as text, or no line in it.
    """

    path: Path | str
    name: str = ""
    _lines: tuple[tuple[int, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = tuple((place, text) for place, line in enumerate(read_lines(Path(self.path))) if (text := line.strip()))
        if not lines:
            raise DataError("lines: got none; want at least one with words", path=self.path)
        object.__setattr__(self, "_lines", lines)

    def __len__(self) -> int:
        return len(self._lines)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns no ids, since rows have no image. Raises IndexError past the end."""
        self._lines[index]
        return ()

    def __getitem__(self, index: int) -> Example:
        place, text = self._lines[index]
        return Example(id=f"{self.name or default_name(Path(self.path))}/{place}", text=text, labels={"text": (text,)})
