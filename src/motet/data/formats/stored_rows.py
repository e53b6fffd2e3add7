"""Rows in memory, stored once as a table and image files, so that a run can name them and any process can read them.

A row of a data frame has no file that `run.json` could name, and without one a run could not be resumed, evaluated
again or compared with its single-task models. The names of the files are digests of their content.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from motet.core import ConfigError, DataError
from motet.core.cache_folder import cache_folder
from motet.core.whole_files import write_whole

TABLES, IMAGES = "stored_tables", "stored_images"
"""Their names are in the ids of images, so they name no cache of one machine."""


def store_rows(cells: Mapping[str, Sequence[Any]], rows: Sequence[int], folder: Path | None = None) -> Path:
    """Writes rows as JSON lines, once for the same content.

    Args:
        cells: the columns; values of JSON.
        rows: the rows, by their place.
        folder: of the file; that of the user's cache by default.

    Raises:
        ConfigError: a cell that JSON cannot hold, with its row and column.
        DataError: a folder that cannot be written.
    """
    lines = []
    for row in rows:
        values = {name: column[row] for name, column in cells.items()}
        try:
            lines.append(json.dumps(values, ensure_ascii=False, allow_nan=False))
        except (TypeError, ValueError) as error:
            name = next((name for name, value in values.items() if not _is_json(value)), "")
            kind = type(values.get(name)).__name__
            raise ConfigError(
                f"column {name!r}, row {row}: got a {kind}; want texts, numbers or lists of them"
            ) from error
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    return _written(data, (folder or cache_folder() / TABLES), ".jsonl")


def store_image(image: Any, folder: Path | None = None, *, column: str = "image", row: int = 0) -> str:
    """Writes an image in memory as a file, once for the same pixels, and returns its path; of a path the path itself.

    Args:
        image: a path, encoded bytes, the struct of Hugging Face, a PIL image, or an array (h, w) or (h, w, 3) of uint8.
        folder: of the files; that of the user's cache by default.
        column: for the error.
        row: for the error.

    Raises:
        DataError: something else, or a folder that cannot be written.
    """
    match image:
        case str():
            return image
        case {"path": str(path), **rest} if rest.get("bytes") is None:
            return path
        case {"bytes": bytes(data)}:
            pass
        case bytes() | bytearray() | memoryview():
            data = bytes(image)
        case Image.Image():
            data = _png(image)
        case np.ndarray() if image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2:] == (3,)):
            data = _png(Image.fromarray(image))
        case _:
            shape = f" of {image.dtype}, {image.shape}" if isinstance(image, np.ndarray) else ""
            raise DataError(
                f"column {column!r}: got a {type(image).__name__}{shape}; want a path, encoded bytes, a PIL image, or "
                "an array (h, w) or (h, w, 3) of uint8",
                row=row,
            )
    return str(_written(data, folder or cache_folder() / IMAGES, _ending(data)))


def _written(data: bytes, folder: Path, ending: str) -> Path:
    path = folder.absolute() / f"{hashlib.blake2b(data, digest_size=16).hexdigest()}{ending}"
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
        except OSError as error:
            got = error.strerror or error
            raise DataError(f"rows: got {got}; want a folder with room ($MOTET_CACHE)", path=path) from error
    return path


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    (image if image.mode in ("1", "L", "LA", "RGB", "RGBA", "I;16") else image.convert("RGB")).save(stream, "PNG")
    return stream.getvalue()


def _ending(data: bytes) -> str:
    return ".jpg" if data[:2] == b"\xff\xd8" else ".png"


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
