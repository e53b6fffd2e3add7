"""The images of Label Studio's tasks: references in an export, and the files that they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from motet.core import DataError
from motet.data.formats.deferred import capture
from motet.data.formats.paths import is_image, path_inside

_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-")
StudioFile: TypeAlias = tuple[str, DataError | None]
"""The file of a task, relative to the folder of images, and the error where it is none of its own."""


@dataclass(frozen=True)
class StudioTask:
    """An image and its annotation.

    Args:
        key: id of the task.
        image: candidates for the name of the file, relative to a folder of images, the likeliest first.
        values: control -> what the annotator left with it: shapes as in the export, or texts.
        row: its place in the file.
    """

    key: str
    image: tuple[str, ...]
    values: Mapping[str, tuple[Any, ...]]
    row: int


def image_candidates(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the candidates of a task's image: its path in the local storage, its name, its name before the upload."""
    references = [str(value) for value in data.values() if is_reference(value)]
    reference = references[0] if references else ""
    parts = _split(reference)
    whole = unquote("".join(parse_qs(parts.query).get("d", [parts.path]))).replace("\\", "/").lstrip("/")
    name = PurePosixPath(whole).name
    bare = _UPLOAD_PREFIX.sub("", name, count=1) if _UPLOAD_PREFIX.match(name) else name
    return tuple(dict.fromkeys(one for one in (whole, name, bare) if one))


def is_reference(value: object) -> bool:
    """Checks for the name of an image, in a path, an address or the parameter of one."""
    return isinstance(value, str) and any(is_image(unquote(part)) for part in (value, _split(value).path))


def _split(reference: str) -> SplitResult:
    try:
        return urlsplit(reference)
    except ValueError:
        return SplitResult("", "", reference, "", "")


def studio_files(tasks: Sequence[StudioTask], images: Path, path: Path) -> list[StudioFile]:
    """Returns the image of each task, and the error where it is none of its own."""
    found = [_file(task, images, path) for task in tasks]
    counts = Counter(file for file, _ in found)
    # Without the characters before its name an uploaded file may be called like another one.
    return [
        (file, error or (_several(file, path, task.row) if counts[file] > 1 and _is_renamed(task, file) else None))
        for task, (file, error) in zip(tasks, found, strict=True)
    ]


def _is_renamed(task: StudioTask, file: str) -> bool:
    return bool(task.image) and PurePosixPath(task.image[0]).name != PurePosixPath(file).name


def _several(file: str, path: Path, row: int) -> DataError:
    got = f"got {file!r} for more than one task"
    return DataError(f"image: {got}; want the files with the names that Label Studio gave them", path=path, row=row)


def _file(task: StudioTask, images: Path, path: Path) -> StudioFile:
    """Returns the candidate that is a file; the name of the file where none is."""
    inside = [capture(path_inside, images, name, path=path, row=task.row) for name in task.image or ("",)]
    files = [one for one in inside if not isinstance(one, DataError)]
    existing = next((file for file in files if (images / file).is_file()), None)
    if existing is None and not files:
        return "", DataError("image: got none in the task; want one", path=path, row=task.row)
    return existing or files[min(1, len(files) - 1)], None
