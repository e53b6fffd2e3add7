"""NLVR2 and NLVR: is a sentence true of two photographs, of one drawing in three boxes?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part
from pathlib import Path
from typing import NamedTuple

from motet.core import ConfigError, DataError, DiskImage, Example
from motet.data.formats.deferred import hold, release
from motet.data.formats.json_file import field, load_json_lines, short_repr, words
from motet.data.formats.paths import image_at, inside

TRUTH_NAMES = ("false", "true")
_NLVR2_KEY = re.compile(r"((.+)-\d+-\d+)-\d+")
_NLVR_KEY = re.compile(r"\d+-\d+")


class _Row(NamedTuple):
    key: str
    directory: str
    said: tuple[str, int] | DataError
    entry: int


@dataclass(frozen=True)
class Nlvr2:
    """NLVR2, an Example a sentence about two photographs, left and right; labels: "class" (0 false, 1 true).

    Args:
        sentences: `dev.json`, `train.json`, `test1.json`: JSON lines with `sentence`, `label`, `identifier`.
        images: the folder of `dev-850-0-img0.png`; those of the training part may lie in folders by their `directory`.
        name: what ids start with.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, an identifier that is there twice or is none,
            no row. An empty sentence, another label, and a row of which only one picture is there are raised when the
            row is read.
    """

    sentences: Path | str
    images: Path | str
    name: str = "nlvr2"
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", _all(Path(self.sentences), _NLVR2_KEY, "train-10171-0-0"))

    @property
    def names(self) -> tuple[str, ...]:
        """What "class" is an index of."""
        return TRUTH_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The ids of the left and the right picture."""
        return tuple(f"nlvr2/{name}" for name in self._images(index))

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.sentences)
        text, annotation = release(row.said)
        files = tuple(self._file(f"{name}.png", row, path) for name in self._images(index))
        return Example(
            id=f"{self.name}/{row.key}",
            images=files,
            image_ids=self.keys(index),
            text=text,
            labels={"class": annotation},
        )

    def _images(self, index: int) -> tuple[str, str]:
        found = _NLVR2_KEY.fullmatch(self._rows[index].key)
        assert found is not None  # every key was matched when it was read
        return f"{found[1]}-img0", f"{found[1]}-img1"

    def _file(self, name: str, row: _Row, path: Path) -> DiskImage:
        folder = Path(self.images)
        places = [folder / inside(folder, f"{row.directory}/{name}", path=path, row=row.entry)] if row.directory else []
        places.append(folder / name)
        return image_at(next((place for place in places if place.is_file()), places[-1]), path=path, row=row.entry)


@dataclass(frozen=True)
class Nlvr:
    """Cornell NLVR, an Example a sentence about a drawing of three boxes; labels: "class" (0 false, 1 true).

    Each drawing comes in up to six orders of its boxes, of which the same sentence holds or does not hold.

    Args:
        sentences: `train.json`, `dev.json`, `test.json`, `hidden.json`: JSON lines with `sentence`, `label`,
            `identifier`, and `directory` (or none: the folders are then searched).
        images: the folder `images/`, with folders by `directory`.
        orders: which of the orders of boxes; an Example each.
        name: what ids start with; by default "nlvr/dev", from the file's name.

    Raises:
        ConfigError: no order, or one outside 0 to 5.
        DataError: see `Nlvr2`.
    """

    sentences: Path | str
    images: Path | str
    orders: tuple[int, ...] = (0,)
    name: str = ""
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)
    _places: dict[str, str] = part(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.orders or not set(self.orders) <= set(range(6)) or len(set(self.orders)) != len(self.orders):
            raise ConfigError(f"Nlvr.orders: got {self.orders}; want different numbers from 0 to 5")
        path, folder = Path(self.sentences), Path(self.images)
        rows = _all(path, _NLVR_KEY, "3266-0")
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_places", {} if all(row.directory for row in rows) else _places(folder))

    @property
    def names(self) -> tuple[str, ...]:
        """What "class" is an index of."""
        return TRUTH_NAMES

    @property
    def _part(self) -> str:
        return Path(self.sentences).name.split(".")[0]

    def __len__(self) -> int:
        return len(self._rows) * len(self.orders)

    def keys(self, index: int) -> tuple[str, ...]:
        """The id of the drawing with its order of boxes."""
        row, order = self._asked(index)
        return (f"nlvr/{self._part}-{row.key}-{order}",)

    def __getitem__(self, index: int) -> Example:
        (row, order), path, folder = self._asked(index), Path(self.sentences), Path(self.images)
        text, annotation = release(row.said)
        name = f"{self._part}-{row.key}-{order}.png"
        directory = row.directory or self._places.get(name, "")
        file = inside(folder, f"{directory}/{name}" if directory else name, path=path, row=row.entry)
        return Example(
            id=f"{self.name or f'nlvr/{self._part}'}/{row.key}" + (f"/{order}" if len(self.orders) > 1 else ""),
            images=(image_at(folder / file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=text,
            labels={"class": annotation},
        )

    def _asked(self, index: int) -> tuple[_Row, int]:
        return self._rows[index // len(self.orders)], self.orders[index % len(self.orders)]


def _all(path: Path, form: re.Pattern[str], like: str) -> tuple[_Row, ...]:
    rows = tuple(_rows(path, form, like))
    if not rows:
        raise DataError("file: got no sentence; want at least one", path=path)
    return rows


def _rows(path: Path, form: re.Pattern[str], like: str) -> Iterator[_Row]:
    seen: set[str] = set()
    for entry, line in enumerate(load_json_lines(path)):
        key = field(line, "identifier", str, path=path, row=entry)
        if form.fullmatch(key) is None:
            raise DataError(f"identifier: got {short_repr(key)}; want one like {like}", path=path, row=entry)
        if key in seen:
            raise DataError(f"identifier: got {key} twice; want every one once", path=path, row=entry)
        seen.add(key)
        directory = line.get("directory", "")
        yield _Row(key, str(directory), hold(_said, line, path, entry), entry)


def _said(line: object, path: Path, row: int) -> tuple[str, int]:
    label = field(line, "label", str, path=path, row=row)
    if label.lower() not in TRUTH_NAMES:
        raise DataError(f"label: got {short_repr(label)}; want True or False", path=path, row=row)
    return words(line, "sentence", path=path, row=row), TRUTH_NAMES.index(label.lower())


def _places(folder: Path) -> dict[str, str]:
    """Which folder each picture lies in, for files that do not say so: one drawing's orders may lie in several."""
    return {file.name: file.parent.name for file in sorted(folder.glob("*/*.png"))}
