"""NLVR2: sentences that are true or false of two photos."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DiskImage, Example
from motet.data.formats.deferred import unwrap
from motet.data.formats.paths import image_at, is_file, path_inside
from motet.data.formats.statements import TRUE_FALSE_NAMES, NlvrRow, read_nlvr

_IDENTIFIER = re.compile(r"((.+)-\d+-\d+)-\d+")


@dataclass(frozen=True)
class Nlvr2:
    """NLVR2, one Example per sentence about two photos, left and right; labels: "class" (0 false, 1 true).

    Args:
        sentences: `dev.json`, `train.json`, `test1.json`: JSON lines with `sentence`, `label`, `identifier`.
        images: the folder of `dev-850-0-img0.png`; those of the training part may be in folders by their `directory`.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, an identifier that occurs twice or has another
            form, no row. An empty sentence, another label, and a row that lacks one of its images raise when the row is
            read.
    """

    sentences: Path | str
    images: Path | str
    name: str = "nlvr2"
    _rows: tuple[NlvrRow, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", read_nlvr(Path(self.sentences), _IDENTIFIER, "train-10171-0-0"))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return TRUE_FALSE_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the ids of the left and the right image."""
        return tuple(f"nlvr2/{name}" for name in self._image_names(index))

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.sentences)
        text, label = unwrap(row.sentence_class)
        files = tuple(self._file(f"{name}.png", row, path) for name in self._image_names(index))
        return Example(
            id=f"{self.name}/{row.identifier}",
            images=files,
            image_ids=self.keys(index),
            text=text,
            labels={"class": label},
        )

    def _image_names(self, index: int) -> tuple[str, str]:
        found = _IDENTIFIER.fullmatch(self._rows[index].identifier)
        assert found is not None  # every identifier was matched when the file was parsed
        return f"{found[1]}-img0", f"{found[1]}-img1"

    def _file(self, name: str, row: NlvrRow, path: Path) -> DiskImage:
        folder = Path(self.images)
        places = (
            [folder / path_inside(folder, f"{row.directory}/{name}", path=path, row=row.entry)] if row.directory else []
        )
        places.append(folder / name)
        return image_at(next((place for place in places if is_file(place)), places[-1]), path=path, row=row.entry)
