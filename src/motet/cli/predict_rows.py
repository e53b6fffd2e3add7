"""The rows that `motet predict --images` reads: the files of a folder or pattern, or the rows of a table."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DiskImage, Example, ImageFile, Task
from motet.data.formats.table_file import SUFFIXES as TABLE_SUFFIXES
from motet.data.formats.table_file import first_rows
from motet.data.formats.video_file import Clip, VideoFrame
from motet.data.formats.video_rows import Frames, is_video
from motet.data.readers import Table
from motet.hub.many import ExampleRows
from motet.preprocess.image_formats import image_suffixes

FRAMES = 12
"""Frames per video: systems that read 2, 3, 4, 6 or 12 frames find theirs among these, or close to them."""


@dataclass(frozen=True)
class FileRows:
    """One row per image or video file.

    Args:
        paths: of the files.
        text: of every row.
        candidates: of every row.
    """

    paths: tuple[str, ...]
    text: str = ""
    candidates: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Example:
        path = self.paths[index]
        return Example(
            id=path,
            images=(DiskImage(Path(path)),),
            image_ids=(path,),
            text=self.text,
            candidates=self.candidates,
        )


@dataclass(frozen=True)
class VideoRows:
    """Rows whose video files are replaced by frames.

    Args:
        rows: of any kind.
    """

    rows: ExampleRows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        example = self.rows[index]
        images = tuple(one for image in example.images for one in frames_of(image))
        return replace(example, images=images, image_ids=tuple(f"{example.id}/{place}" for place in range(len(images))))


def frames_of(image: ImageFile) -> tuple[ImageFile, ...]:
    """Returns the frames of a video file; any other image as it is."""
    if not isinstance(image, DiskImage) or not is_video(str(image.path)):
        return (image,)
    clip = Clip(image.path, Frames(FRAMES).positions())
    return tuple(VideoFrame(clip, place) for place in range(FRAMES))


@dataclass(frozen=True)
class TextRows:
    """Rows of a table with the same text or candidates in every row.

    Args:
        rows: of a table.
        text: of every row; "" keeps their own.
        candidates: of every row; () keeps their own.
    """

    rows: ExampleRows
    text: str = ""
    candidates: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        example = self.rows[index]
        return replace(example, text=self.text or example.text, candidates=self.candidates or example.candidates)


def rows_of(
    source: str,
    tasks: Sequence[Task],
    *,
    image_columns: tuple[str, ...] = ("image",),
    text_columns: tuple[str, ...] = ("text",),
    text: str = "",
    candidates: tuple[Any, ...] = (),
) -> ExampleRows:
    """Returns the rows of a folder, a pattern, a table or a single file.

    Args:
        source: as typed.
        tasks: that are predicted: a video has frames where one of them reads videos.
        image_columns: of a table.
        text_columns: of a table; several for a pair of texts.
        text: of every row.
        candidates: of every row.

    Raises:
        ConfigError: there is no such file, or nothing in it to predict.
    """
    path = Path(source)
    inputs = {one for task in tasks for one in task.inputs}
    rows: ExampleRows
    if path.is_file() and path.name.lower().removesuffix(".gz").endswith(TABLE_SUFFIXES):
        rows = _table_rows(path, inputs, image_columns, text_columns, text, candidates)
    else:
        rows = FileRows(_files(source, inputs), text, candidates)
        if "text" in inputs and not text:
            needing = next(task.name for task in tasks if "text" in task.inputs)
            raise ConfigError(
                f"--images: got files without texts for task {needing!r}; want --text, the same for all, or a table "
                "with a column of texts"
            )
    return VideoRows(rows) if "video" in inputs else rows


def fingerprint(source: str, rows: ExampleRows) -> str:
    """Returns a digest that changes where the rows may have changed, without reading the images."""
    path = Path(source)
    inner = rows.rows if isinstance(rows, VideoRows) else rows
    if isinstance(inner, FileRows):
        content = "\n".join(inner.paths)
    else:
        status = path.stat()
        content = f"{path}:{status.st_size}:{status.st_mtime_ns}"
    return hashlib.blake2b(content.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _files(source: str, inputs: Set[str]) -> tuple[str, ...]:
    path = Path(source)
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.is_file() and _is_readable(one, inputs)]
    elif path.is_file():
        found = [path]
    else:
        # Path.glob takes no absolute pattern.
        found = [Path(one) for one in sorted(glob.glob(source, recursive=True)) if Path(one).is_file()]  # noqa: PTH207
    if not found:
        raise ConfigError(
            f"--images: got no image in {source!r}; want a folder of images, a pattern such as 'photos/*.jpg', or a "
            f"table ({', '.join(TABLE_SUFFIXES)})"
        )
    return tuple(str(one) for one in found)


def _is_readable(path: Path, inputs: Set[str]) -> bool:
    return path.suffix.lower() in image_suffixes() or ("video" in inputs and is_video(path.name))


def _table_rows(
    path: Path,
    inputs: Set[str],
    images: tuple[str, ...],
    texts: tuple[str, ...],
    text: str,
    candidates: tuple[Any, ...],
) -> ExampleRows:
    columns = [name for row in first_rows(path, 1) for name in row]
    needed = (
        ("image", images, bool(inputs & {"image", "regions", "video"})),
        ("text", texts, "text" in inputs and not text),
    )
    for name, wanted, is_needed in needed:
        missing = [column for column in wanted if column not in columns]
        if is_needed and missing:
            raise ConfigError(
                f"--{name}-column: got {missing[0]!r}, and a table with the columns {', '.join(columns) or 'none'}; "
                f"want --{name}-column NAME, one of them ({path})"
            )
    table = Table(path, image=images if needed[0][2] else (), text=texts if needed[1][2] else ())
    return TextRows(table, text, candidates) if text or candidates else table
