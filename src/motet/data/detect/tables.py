"""Detection of the user's own tables, with a guess at the meaning of their columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError, DiskImage, MotetError
from motet.core.plain_json import parse_json
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.guess import Guess, Row, guess
from motet.data.detect.image_folders import ImagesAt, find_images, needed_prefix
from motet.data.detect.image_ids import ImageIds, image_ids
from motet.data.detect.near_miss import few
from motet.data.detect.near_tables import missing_images
from motet.data.detect.survey import Survey, is_submission, split_of
from motet.data.detect.table_beginnings import TableBeginning, table_beginnings
from motet.data.detect.text_tables import guess_sentences
from motet.data.formats.deferred import capture
from motet.data.formats.table_file import SUFFIXES, TableForm, load_columns
from motet.data.formats.tar_index import tar_rows
from motet.preprocess.image_formats import image_suffixes

_MAX_ROWS = 200
_MAX_MEMBER_BYTES = 64 * 1024
_MAX_SPLITS = 6
_FEW = 0.05  # share of the images that may have several classes, by mistake


def find_tables(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds CSV, TSV, JSON, JSONL and Parquet files with a column of images and columns of annotations."""
    for path in list(survey.files_beside_images(*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES))):
        if is_submission(path.name):
            continue
        try:
            beginnings = list(table_beginnings(path, _MAX_ROWS))
        except MotetError:
            continue  # `table_miss` has the reason
        for beginning in beginnings:
            rows = beginning.rows
            columns = list(dict.fromkeys(column for row in rows for column in row))
            mapping = guess(columns, rows)
            ids = image_ids(survey, path, rows) if mapping is None else None
            if ids is not None:
                mapping = guess(columns, rows, image=ids.column)
            mapping = mapping or guess_sentences(columns, rows)
            if mapping is not None:
                survey.claimed.add(path)
                yield from _table(path, survey, mapping, beginning, ids)


def _table(
    path: Path,
    survey: Survey,
    mapping: Guess,
    beginning: TableBeginning,
    ids: ImageIds | None,
) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"path": path, **mapping.arguments(), **beginning.arguments()}
    problems: tuple[str, ...] = ()
    rows = beginning.rows
    names = [name for row in rows if isinstance(name := row.get(mapping.image), str)]
    if ids is not None:
        arguments["pattern"] = ids.pattern
    if names or ids is not None:
        images, unclear = ImagesAt(ids.folder) if ids is not None else find_images(survey, names, path)
        if images is None:
            is_missing = survey.image_folder(names[:5], path) is None
            problems = (missing_images(survey, path, mapping.image, names),) if is_missing else unclear
        elif images != path.parent:
            survey.claimed.add(images)
            arguments["image_root"] = images
        if images is not None and mapping.image.isidentifier() and (prefix := needed_prefix(survey, images)):
            arguments["image_id"] = f"{prefix['image_prefix']}/{{{mapping.image}}}"  # names of images repeat elsewhere
        if mapping.kind in ("captioning", "question answering") and has_repeats(path, mapping, beginning.form):
            arguments["gather"] = True
        problems = problems or several_classes(path, mapping, beginning.form)
    for value in split_values(path, mapping, beginning.form):
        split = split_of(Path(value), Path()) if value else beginning.split or split_of(path, survey.root)
        yield from try_read(
            "Table", arguments if not value else {**arguments, "only": {mapping.split: value}}, kind=mapping.kind,
            labels=mapping.languages, evidence=f"table {path.name}{beginning.note}, {mapping.evidence}", split=split,
            problems=problems,
        )  # fmt: skip


def has_repeats(path: Path, mapping: Guess, form: TableForm) -> bool:
    """Returns True where several rows have the same image, or the same image and question."""
    columns = [mapping.image, *([mapping.text] if isinstance(mapping.text, str) and mapping.text else [])]
    cells = load_columns(path, columns, form)
    keys = [tuple(str(cells[column][row]) for column in columns) for row in range(len(cells[mapping.image]))]
    return len(set(keys)) < len(keys)


def several_classes(path: Path, mapping: Guess, form: TableForm) -> tuple[str, ...]:
    """Returns the problem of a table with several classes for many of its images, each in a row of its own."""
    label = mapping.labels.get("class")
    if not isinstance(label, str):
        return ()
    cells = capture(load_columns, path, [mapping.image, label], form)
    if isinstance(cells, DataError):
        return ()  # the trial read has the reason
    classes: dict[str, set[str]] = {}
    for image, name in zip(cells[mapping.image], cells[label], strict=True):
        classes.setdefault(str(image), set()).add(str(name))
    several = {image: names for image, names in classes.items() if len(names) > 1}
    if len(several) <= _FEW * len(classes):
        return ()
    image, names = next(iter(several.items()))
    got = f"{len(several):,} of {len(classes):,} images with several classes ({image}: {few(sorted(names))})"
    return (f"{path}: table: got {got}; want one class per image",)


def split_values(path: Path, mapping: Guess, form: TableForm) -> list[str]:
    """Returns the values of the column of splits, where they are few; a single "" where there is no such column."""
    if not mapping.split:
        return [""]
    values = sorted({str(cell) for cell in load_columns(path, [mapping.split], form)[mapping.split]})
    return values if len(values) <= _MAX_SPLITS else [""]


def tar_mapping(path: Path) -> Guess | None:
    """Guesses the mapping of a tar's members, by the names that `WebDataset` gives them.

    Raises:
        DataError: the tar is compressed or broken.
    """
    rows = [_tar_row(path, members) for _, members in tar_rows(path, None)[:_MAX_ROWS]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    image = next((column for column in columns if f".{column.rpartition('.')[2]}" in image_suffixes()), "")
    return guess(columns, rows, image=image)


def _tar_row(path: Path, members: dict[str, tuple[int, int]]) -> Row:
    row: dict[str, object] = {}
    for ending, (start, length) in members.items():
        if f".{ending.rpartition('.')[2]}" in image_suffixes():
            row[ending] = f"image.{ending}"
        elif length <= _MAX_MEMBER_BYTES:
            text = DiskImage(path, start, length).read().decode("utf-8", errors="replace")
            row |= _json_cells(text) if ending == "json" else {ending: text}
    return row


def _json_cells(text: str) -> dict[str, object]:
    try:
        value = parse_json(text)
    except ValueError:
        return {}
    return {f"json.{key}": cell for key, cell in value.items()} if isinstance(value, dict) else {}
