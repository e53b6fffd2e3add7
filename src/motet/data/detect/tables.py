"""Detection of the user's own tables, with a guess at the meaning of their columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import DiskImage, MotetError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.guess import Guess, Row, guess
from motet.data.detect.image_folders import find_images, needed_prefix
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import IMAGE_SUFFIXES
from motet.data.formats.table_file import SUFFIXES, first_rows, load_columns
from motet.data.formats.tar_index import tar_rows

_MAX_ROWS = 200
_MAX_MEMBER_BYTES = 64 * 1024
_MAX_SPLITS = 6
_IMAGE_WORD = re.compile(r"\b(image|images|image_path|filename|file_name)\b|\.(jpe?g|png|webp)\b")


def find_tables(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds CSV, TSV, JSON, JSONL and Parquet files with a column of images and columns of annotations."""
    for path in list(survey.files(*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES))):
        try:
            rows = first_rows(path, _MAX_ROWS)
        except MotetError as error:
            yield from _unreadable(path, survey, error)
            continue
        mapping = guess(list(rows[0]) if rows else (), rows)
        if mapping is not None:
            survey.claimed.add(path)
            yield from _table(path, survey, mapping, rows)


def _unreadable(path: Path, survey: Survey, error: MotetError) -> Iterator[DetectedDataset]:
    """Yields an entry for a table that mentions images but cannot be read; other files, and JSON, are ignored."""
    beginning = "" if ".json" in path.suffixes else " ".join(first_lines(path, 3))
    if path.name.endswith(".parquet") or _IMAGE_WORD.search(beginning.lower()):
        yield from try_read(
            "Table", {"path": path}, kind="captioning", labels={"captions": "en"}, evidence=f"table ({path.name})",
            split=split_of(path, survey.root), problems=(str(error),),
        )  # fmt: skip


def _table(path: Path, survey: Survey, mapping: Guess, rows: list[Row]) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"path": path, **mapping.arguments()}
    names = [str(row[mapping.image]) for row in rows if isinstance(row[mapping.image], str)]
    problems: tuple[str, ...] = ()
    if names:
        images, problems = find_images(survey, names, path)
        if images is not None and images != path.parent:
            survey.claimed.add(images)
            arguments["image_root"] = images
        if images is not None and mapping.image.isidentifier() and (prefix := needed_prefix(survey, images)):
            arguments["image_id"] = f"{prefix['image_prefix']}/{{{mapping.image}}}"  # names of images repeat elsewhere
        if mapping.kind in ("captioning", "question answering") and _has_repeats(path, mapping):
            arguments["gather"] = True
    for value in _split_values(path, mapping):
        yield from try_read(
            "Table", arguments if not value else {**arguments, "only": {mapping.split: value}}, kind=mapping.kind,
            labels=mapping.languages, evidence=f"table {path.name}, {mapping.evidence}",
            split=split_of(Path(value), Path()) if value else split_of(path, survey.root), problems=problems,
        )  # fmt: skip


def _has_repeats(path: Path, mapping: Guess) -> bool:
    """Returns True where several rows have the same image, or the same image and question."""
    columns = [mapping.image, *([mapping.text] if mapping.text else [])]
    cells = load_columns(path, columns)
    keys = [tuple(str(cells[column][row]) for column in columns) for row in range(len(cells[mapping.image]))]
    return len(set(keys)) < len(keys)


def _split_values(path: Path, mapping: Guess) -> list[str]:
    """Returns the values of the column of splits, where they are few; a single "" where there is no such column."""
    if not mapping.split:
        return [""]
    values = sorted({str(cell) for cell in load_columns(path, [mapping.split])[mapping.split]})
    return values if len(values) <= _MAX_SPLITS else [""]


def tar_mapping(path: Path) -> Guess | None:
    """Guesses the mapping of a tar's members, by the names that `WebDataset` gives them.

    Raises:
        DataError: the tar is compressed or broken.
    """
    rows = [_tar_row(path, members) for _, members in tar_rows(path, None)[:_MAX_ROWS]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    image = next((column for column in columns if f".{column.rpartition('.')[2]}" in IMAGE_SUFFIXES), "")
    return guess(columns, rows, image=image)


def _tar_row(path: Path, members: dict[str, tuple[int, int]]) -> Row:
    row: dict[str, object] = {}
    for ending, (start, length) in members.items():
        if f".{ending.rpartition('.')[2]}" in IMAGE_SUFFIXES:
            row[ending] = f"image.{ending}"
        elif length <= _MAX_MEMBER_BYTES:
            text = DiskImage(path, start, length).read().decode("utf-8", errors="replace")
            row |= _json_cells(text) if ending == "json" else {ending: text}
    return row


def _json_cells(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return {f"json.{key}": cell for key, cell in value.items()} if isinstance(value, dict) else {}
