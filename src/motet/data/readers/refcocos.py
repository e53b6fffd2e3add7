"""RefCOCOs: complex referring expressions on COCO photos, some of which refer to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.candidates import Corners, clip_to_image, outside_message
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.json_file import check_type, get_field, get_floats, get_number, get_text, load_json
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import coco_id, default_name, image_at, path_inside


class _Row(NamedTuple):
    key: str
    file: str
    size_hw: tuple[int, int]
    expression: tuple[str, Corners | None] | DataError
    entry: int


@dataclass(frozen=True)
class RefCocos:
    """RefCOCOs, one Example per expression; labels: "region", its box in pixels of the file, or None for no object.

    Args:
        expressions: `refcocos_test.json`: a list with `normal_caption`, `solution` (left, top, right, bottom, or null),
            `image`, `width`, `height`, `annotation_id`.
        images: the folder that `image` ("val2017/000000009590.jpg") is relative to.
        name: prefix of Example ids; by default from the file's name.

    Raises:
        DataError: no such file, not JSON, a missing key, an id that occurs twice, no row. An empty expression, and a
            box that is invalid or outside its photo, raise when the row is read.
    """

    expressions: Path | str
    images: Path | str
    name: str = ""
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path, folder = Path(self.expressions), Path(self.images)
        entries = check_type(load_json(path), list, "file", path=path)
        rows = tuple(_row(line, folder, path, entry) for entry, line in enumerate(entries))
        if len({row.key for row in rows}) != len(rows) or not rows:
            got = f"{len({row.key for row in rows})} different ones in {len(rows)} rows"
            raise DataError(f"annotation_id: got {got}; want one or more, each once", path=path)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is COCO's."""
        stem = Path(self._rows[index].file).stem
        return (coco_id(int(stem)) if is_number(stem) else f"refcocos/{stem}",)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.expressions)
        text, stored = unwrap(row.expression)
        file = image_at(Path(self.images) / row.file, path=path, row=row.entry)
        size_hw = check_size(row.size_hw, file.path, path=path, row=row.entry)
        box = None if stored is None else clip_to_image(stored, size_hw)
        if stored is not None and box is None:
            raise DataError(outside_message(stored, size_hw), path=path, row=row.entry)
        return Example(
            id=f"{self.name or default_name(path)}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            text=text,
            labels={"region": box},
        )


def _row(line: object, folder: Path, path: Path, row: int) -> _Row:
    key = get_field(line, "annotation_id", str, path=path, row=row)
    file = path_inside(folder, get_field(line, "image", str, path=path, row=row), path=path, row=row)
    size_hw = (get_number(line, "height", path=path, row=row), get_number(line, "width", path=path, row=row))
    return _Row(key, file, size_hw, capture(_expression, line, path, row), row)


def _expression(line: object, path: Path, row: int) -> tuple[str, Corners | None]:
    text = get_text(line, "normal_caption", path=path, row=row)
    entry = check_type(line, dict, "entry", path=path, row=row)
    if "solution" in entry and entry["solution"] is None:
        return text, None
    want = "left, top, right, bottom, or null"
    left, top, right, bottom = get_floats(line, "solution", 4, want, path=path, row=row)
    return text, (left, top, right, bottom)
