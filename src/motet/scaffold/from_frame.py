"""Sources of data frames; tasks are inferred where there is no doubt, otherwise one line asks for them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.guess import Guess, Row
from motet.data.detect.tables import split_values
from motet.data.detect.target_columns import Targets, target_columns
from motet.data.formats.columns import Names
from motet.data.formats.frames import Cells, frame_cells
from motet.data.formats.stored_rows import store_image, store_rows
from motet.data.formats.table_file import PLAIN
from motet.data.source import Source
from motet.scaffold.detected_sources import sources_of, split_named

log = logging.getLogger("motet.data")
_FIRST_ROWS = 200


def from_frame(
    frame: Any,
    *,
    image: Names = "",
    text: Names = "",
    targets: Targets = (),
    image_root: str | Path | None = None,
    image_id: str = "",
) -> tuple[Source, ...]:
    """Returns the sources of a pandas or polars data frame, with a task per target column, called as the column.

    The rows are stored once in the user's cache (``$MOTET_CACHE``), and so are images that are no files: thus a run can
    be resumed, evaluated again and compared by another process. Rows without a target are left out of its task, which
    is logged.

    Args:
        frame: a DataFrame, a pyarrow Table, or a mapping from splits ("train", "val", "test") to one each.
        image: the column of the image: paths, encoded bytes, PIL images or arrays of uint8; found if not given.
        text: the column of the question or sentence, two columns of a pair; found if not given.
        targets: the column to be predicted, or several, or column -> kind of task ("classification", "captioning",
            "question answering", "text reading", "visual entailment", "sentences"); inferred where there is no doubt.
        image_root: the folder that paths are relative to; by default the working directory, for absolute paths their
            common folder.
        image_id: see `Table`.

    Raises:
        ConfigError: doubt about what is meant, with the columns and the choices; no frame.
        DataError: a row that cannot be read.

    Examples:
        >>> import pandas
        >>> rows = pandas.DataFrame({"text": ["a good film", "a bad film"] * 20, "label": ["good", "bad"] * 20})
        >>> [(source.name, source.tasks[0].target.names) for source in from_frame(rows)][:2]
        [('label', ('bad', 'good')), ('label/val', ('bad', 'good'))]
    """
    frames = frame if isinstance(frame, Mapping) else {"": frame}
    parts: list[tuple[Guess, DetectedDataset]] = []
    for name, one in frames.items():
        cells = frame_cells(one)
        rows = [{column: values[row] for column, values in cells.items()} for row in range(_count(cells))]
        first: list[Row] = [{column: _seen(cell) for column, cell in row.items()} for row in rows[:_FIRST_ROWS]]
        guesses = target_columns(tuple(cells), first, image=image, text=text, targets=targets)
        kept = _with_files(cells, guesses, rows)
        for mapping in guesses:
            arguments = _stored_table(kept, mapping, image_root) | ({"image_id": image_id} if image_id else {})
            for value in split_values(cast(Path, arguments["path"]), mapping, PLAIN):
                only = {"only": {mapping.split: value}} if value else {}
                split = split_named(value or name, alone=not value and len(frames) == 1)
                read = try_read(
                    "Table", arguments | only, kind=mapping.kind, labels=mapping.languages, split=split,
                    evidence=f"data frame, {mapping.evidence}",
                )  # fmt: skip
                parts += [(mapping, found) for found in read]
    return sources_of(parts)


def _count(cells: Cells) -> int:
    return len(next(iter(cells.values()), ()))


def _seen(cell: Any) -> Any:
    """Returns a cell as the detection of columns takes it: an image in memory as its bytes."""
    return b"image" if hasattr(cell, "tobytes") and hasattr(cell, "size") and not isinstance(cell, bytes) else cell


def _with_files(cells: Cells, guesses: Sequence[Guess], rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Returns the columns that the tasks read, with the paths of images in their place."""
    images = dict.fromkeys(one.image for one in guesses if one.image)
    kept = {name: list(values) for name, values in cells.items()}
    for column in images:
        kept[column] = [
            None if (cell := row[column]) is None else store_image(cell, column=column, row=number)
            for number, row in enumerate(rows)
        ]
    return kept


def _stored_table(
    cells: Mapping[str, Sequence[Any]], mapping: Guess, image_root: str | Path | None
) -> dict[str, object]:
    """Keeps the rows of one task and returns the arguments of the `Table` that reads them."""
    labels = tuple(_flat(mapping.labels.values()))
    needed = (*labels, *([mapping.image] if mapping.image else []))
    count = len(next(iter(cells.values())))
    rows = [row for row in range(count) if all(cells[column][row] not in (None, "") for column in needed)]
    if len(rows) < count:
        log.warning(
            "%s: %s of %s rows without it are left out", ", ".join(labels), f"{count - len(rows):,}", f"{count:,}"
        )
    if not rows:
        raise DataError(f"targets: {labels[0]!r}: got no row with it; want at least one")
    used = dict.fromkeys((*needed, *_flat([mapping.text]), *([mapping.split] if mapping.split else [])))
    path = store_rows({name: cells[name] for name in used}, rows)
    arguments: dict[str, object] = {"path": path, **mapping.arguments()}
    if mapping.image:
        arguments["image_root"] = _root([cells[mapping.image][row] for row in rows], image_root)
    if mapping.kind in ("captioning", "question answering") and _repeats(cells, mapping, rows):
        arguments["gather"] = True
    return arguments


def _root(files: Sequence[str], given: str | Path | None) -> Path:
    """Returns the folder that all images are in."""
    if given is not None:
        return Path(given).absolute()
    if not any(Path(file).is_absolute() for file in files):
        return Path.cwd()
    return Path(os.path.commonpath([Path(file).absolute().parent for file in files]))


def _repeats(cells: Mapping[str, Sequence[Any]], mapping: Guess, rows: Sequence[int]) -> bool:
    columns = [mapping.image, *_flat([mapping.text])]
    keys = [tuple(str(cells[column][row]) for column in columns) for row in rows]
    return len(set(keys)) < len(keys)


def _flat(columns: Any) -> Iterator[str]:
    for one in columns:
        yield from ((one,) if isinstance(one, str) and one else tuple(one))
