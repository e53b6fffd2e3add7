"""Cornell NLVR: sentences that are true or false of a drawing of three boxes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, Example
from motet.data.formats.deferred import unwrap
from motet.data.formats.paths import image_at, path_inside
from motet.data.formats.statements import TRUE_FALSE_NAMES, NlvrRow, read_nlvr

_IDENTIFIER = re.compile(r"\d+-\d+")


@dataclass(frozen=True)
class Nlvr:
    """Cornell NLVR, one Example per sentence about a drawing of three boxes; labels: "class" (0 false, 1 true).

    Each drawing comes in up to six orders of its boxes. The same sentence has the same label for all of them.

    Args:
        sentences: `train.json`, `dev.json`, `test.json`, `hidden.json`: JSON lines with `sentence`, `label`,
            `identifier`, and `directory` (without it the folders are searched).
        images: the folder `images/`, with folders by `directory`.
        orders: the orders of boxes that are read; one Example per order.
        name: prefix of Example ids; by default "nlvr/dev", from the file's name.

    Raises:
        ConfigError: no order, or one outside 0 to 5.
        DataError: see `Nlvr2`.
    """

    sentences: Path | str
    images: Path | str
    orders: tuple[int, ...] = (0,)
    name: str = ""
    _rows: tuple[NlvrRow, ...] = field(init=False, repr=False, compare=False)
    _directories: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.orders or not set(self.orders) <= set(range(6)) or len(set(self.orders)) != len(self.orders):
            raise ConfigError(f"Nlvr.orders: got {self.orders}; want different numbers from 0 to 5")
        rows = read_nlvr(Path(self.sentences), _IDENTIFIER, "3266-0")
        complete = all(row.directory for row in rows)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_directories", {} if complete else _directories(Path(self.images)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return TRUE_FALSE_NAMES

    @property
    def _split(self) -> str:
        return Path(self.sentences).name.split(".")[0]

    def __len__(self) -> int:
        return len(self._rows) * len(self.orders)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the id of the drawing with its order of boxes."""
        row, order = self._row_order(index)
        return (f"nlvr/{self._split}-{row.identifier}-{order}",)

    def __getitem__(self, index: int) -> Example:
        (row, order), path, folder = self._row_order(index), Path(self.sentences), Path(self.images)
        text, label = unwrap(row.sentence_class)
        name = f"{self._split}-{row.identifier}-{order}.png"
        directory = row.directory or self._directories.get(name, "")
        file = path_inside(folder, f"{directory}/{name}" if directory else name, path=path, row=row.entry)
        suffix = f"/{order}" if len(self.orders) > 1 else ""
        return Example(
            id=f"{self.name or f'nlvr/{self._split}'}/{row.identifier}{suffix}",
            images=(image_at(folder / file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=text,
            labels={"class": label},
        )

    def _row_order(self, index: int) -> tuple[NlvrRow, int]:
        return self._rows[index // len(self.orders)], self.orders[index % len(self.orders)]


def _directories(folder: Path) -> dict[str, str]:
    """Maps each image to its folder, for files without `directory`: the orders of one drawing may be in several."""
    return {file.name: file.parent.name for file in sorted(folder.glob("*/*.png"))}
