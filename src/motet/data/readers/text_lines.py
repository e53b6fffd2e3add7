"""Plain text with one row per line, for masked language modelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motet.core import DataError, Example
from motet.data.formats.file_lines import FileLines
from motet.data.formats.paths import default_name


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
    _lines: FileLines = field(init=False, repr=False, compare=False)
    _places: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = FileLines(Path(self.path))
        places = np.fromiter((place for place, line in enumerate(lines) if line.strip()), dtype=np.int64)
        if not len(places):
            raise DataError("lines: got none; want at least one with words", path=self.path)
        object.__setattr__(self, "_lines", lines)
        object.__setattr__(self, "_places", places)

    def __len__(self) -> int:
        return len(self._places)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns no ids, since rows have no image. Raises IndexError past the end."""
        self._places[index]
        return ()

    def __getitem__(self, index: int) -> Example:
        place = int(self._places[index])
        text = self._lines[place].strip()
        return Example(id=f"{self.name or default_name(Path(self.path))}/{place}", text=text, labels={"text": (text,)})
