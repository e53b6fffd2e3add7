"""Tables of one's own, with a guess at what their columns hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import DiskImage, MotetError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.guess import Guess, Row, guess
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import IMAGE_SUFFIXES
from motet.data.formats.table_file import SUFFIXES, first_rows, load_columns
from motet.data.formats.tar_index import tar_rows

_MAX_ROWS = 200
_MAX_MEMBER_BYTES = 64 * 1024
_MAX_SPLITS = 6
_IMAGE_WORD = re.compile(r"\b(image|images|image_path|filename|file_name)\b|\.(jpe?g|png|webp)\b")


def find_tables(survey: Survey) -> Iterator[DetectedDataset]:
    """CSV, TSV, JSON, JSONL and Parquet whose columns name images and what belongs to them."""
    for path in list(survey.files(*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES))):
        try:
            rows = first_rows(path, _MAX_ROWS)
        except MotetError as error:
            yield from _unreadable(path, survey, error)
            continue
        found = guess(list(rows[0]) if rows else (), rows)
        if found is not None:
            survey.claimed.add(path)
            yield from _table(path, survey, found, rows)


def _unreadable(path: Path, survey: Survey, error: MotetError) -> Iterator[DetectedDataset]:
    """A table that speaks of images but cannot be read; any other file is none of ours, and JSON may be anything."""
    shown = "" if ".json" in path.suffixes else " ".join(first_lines(path, 3))
    if path.name.endswith(".parquet") or _IMAGE_WORD.search(shown.lower()):
        yield from try_read(
            "Table", {"path": path}, kind="captioning", labels={"captions": "en"}, evidence=f"table ({path.name})",
            split=split_of(path, survey.root), problems=(str(error),),
        )  # fmt: skip


def _table(path: Path, survey: Survey, found: Guess, rows: list[Row]) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"path": path, **found.arguments()}
    names = [str(row[found.image]) for row in rows[:5] if isinstance(row[found.image], str)]
    problems: tuple[str, ...] = ()
    if names:
        images = survey.image_folder(names, path)
        if images is None:
            problems = (f"{path}: got no folder with the image {names[0]}; want it in this folder",)
        elif images != path.parent:
            survey.claimed.add(images)
            arguments["image_root"] = images
        if found.kind in ("captioning", "question answering") and _repeats(path, found):
            arguments["gather"] = True
    for split in _splits(path, found):
        given = arguments if not split else {**arguments, "only": {found.split: split}}
        part = split_of(Path(split), Path()) if split else split_of(path, survey.root)
        yield from try_read(
            "Table", given, kind=found.kind, labels=found.languages, evidence=f"table {path.name}, {found.evidence}", split=part,
            problems=problems,
        )  # fmt: skip


def _repeats(path: Path, found: Guess) -> bool:
    """Whether an image, or a question about an image, has several rows."""
    columns = [found.image, *([found.text] if found.text else [])]
    cells = load_columns(path, columns)
    keys = [tuple(str(cells[column][row]) for column in columns) for row in range(len(cells[found.image]))]
    return len(set(keys)) < len(keys)


def _splits(path: Path, found: Guess) -> list[str]:
    """The parts that a column names, when they are few; a single "" where there is no such column."""
    if not found.split:
        return [""]
    values = sorted({str(cell) for cell in load_columns(path, [found.split])[found.split]})
    return values if len(values) <= _MAX_SPLITS else [""]


def tar_mapping(path: Path) -> Guess | None:
    """What the members of a tar's rows hold, in the names `WebDataset` gives them.

    Raises:
        DataError: the tar is compressed or broken.
    """
    rows = [_tar_row(path, members) for _, members in tar_rows(path, None)[:_MAX_ROWS]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    image = next((column for column in columns if f".{column.rpartition('.')[2]}" in IMAGE_SUFFIXES), "")
    return guess(columns, rows, image=image)


def _tar_row(path: Path, members: dict[str, tuple[int, int]]) -> Row:
    found: dict[str, object] = {}
    for ending, (start, length) in members.items():
        if f".{ending.rpartition('.')[2]}" in IMAGE_SUFFIXES:
            found[ending] = f"image.{ending}"
        elif length <= _MAX_MEMBER_BYTES:
            text = DiskImage(path, start, length).read().decode("utf-8", errors="replace")
            found |= _json_cells(text) if ending == "json" else {ending: text}
    return found


def _json_cells(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return {f"json.{key}": cell for key, cell in value.items()} if isinstance(value, dict) else {}
