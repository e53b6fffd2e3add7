"""Captions of Flickr8k and Flickr30k in all the forms in which they are published, and the base of their readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.paths import image_at, path_inside, photo_id
from motet.data.formats.text_file import read_csv, read_lines

_TOKEN = re.compile(r"(.+)#(\d+)")
_BAR_MISSING = re.compile(r"\s*(\d+)\s+(.*)")


class CaptionedImage(NamedTuple):
    """One image of a file of captions.

    Args:
        file: its name.
        captions: in the order of the file, or the error of an empty one.
        entry: the row of its first caption.
    """

    file: str
    captions: tuple[str, ...] | DataError
    entry: int


@dataclass(frozen=True)
class FlickrCaptions:
    """Base of `Flickr8k` and `Flickr30k`, which differ in the default name and in their documentation.

    Args:
        captions: the file of captions.
        images: the folder of the images.
        split: file names, one per line; None for all images.
        name: prefix of Example ids.
    """

    captions: Path | str
    images: Path | str
    split: Path | str | None = None
    name: str = ""
    _rows: tuple[CaptionedImage, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", _rows(Path(self.captions), Path(self.images), self.split))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row: "flickr/" and the photo's number."""
        return (photo_id(Path(self._rows[index].file).name),)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        captions = unwrap(row.captions)
        image = image_at(Path(self.images) / row.file, path=Path(self.captions), row=row.entry)
        return Example(
            id=f"{self.name}/{row.file}", images=(image,), image_ids=self.keys(index), labels={"captions": captions}
        )


def captions_by_file(captions: Path, images: Path) -> dict[str, tuple[str, ...]]:
    """Returns the captions of every image, in their order; empty captions stay.

    Raises:
        DataError: no such file, or a line of another form.
    """
    return {file: tuple(text for _, text in numbered) for file, numbered in _by_file(captions, images).items()}


def _by_file(captions: Path, images: Path) -> dict[str, list[tuple[int, str]]]:
    """Returns row and caption of each caption, by image."""
    found: dict[str, list[tuple[int, str]]] = {}
    for row, file, caption in _captions(captions):
        found.setdefault(path_inside(images, file, path=captions, row=row), []).append((row, caption))
    return found


def _rows(captions: Path, images: Path, split: Path | str | None) -> tuple[CaptionedImage, ...]:
    found = _by_file(captions, images)
    if not found:
        raise DataError("captions: got none; want at least one", path=captions)
    files = list(found) if split is None else _split_files(Path(split), found)
    return tuple(CaptionedImage(file, capture(_nonempty, found[file], captions), found[file][0][0]) for file in files)


def _split_files(split: Path, known: dict[str, list[tuple[int, str]]]) -> list[str]:
    files = []
    for row, line in enumerate(read_lines(split)):
        file = line.strip()
        if not file:
            continue
        if file not in known and f"{file}.jpg" in known:
            file = f"{file}.jpg"
        if file not in known:
            raise DataError(f"image: got {file!r}; want an image that has captions", path=split, row=row)
        files.append(file)
    if not files:
        raise DataError("split: got no image; want at least one", path=split)
    if len(set(files)) != len(files):
        twice = next(file for index, file in enumerate(files) if file in files[:index])
        raise DataError(f"image: got {twice!r} twice; want every image once", path=split)
    return files


def _nonempty(captions: list[tuple[int, str]], path: Path) -> tuple[str, ...]:
    for row, caption in captions:
        if not caption:
            raise DataError("caption: got an empty text; want words", path=path, row=row)
    return tuple(caption for _, caption in captions)


def _captions(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yields row, file and caption of every line, by the form of the first line."""
    lines = read_lines(path)
    first = lines[0] if lines else ""
    if "\t" in first and _TOKEN.fullmatch(first.split("\t")[0]):
        return _from_tokens(lines, path)
    if "|" in first:
        return _from_bars(lines, path)
    return _from_csv(path)


def _from_tokens(lines: list[str], path: Path) -> Iterator[tuple[int, str, str]]:
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        token, tab, caption = line.partition("\t")
        found = _TOKEN.fullmatch(token)
        if found is None or not tab:
            raise DataError(f"line: got {line[:60]!r}; want image.jpg#0<tab>caption", path=path, row=row)
        yield row, found[1], caption.strip()


def _from_bars(lines: list[str], path: Path) -> Iterator[tuple[int, str, str]]:
    for row, line in enumerate(lines[1:]):
        if not line.strip():
            continue
        file, _, rest = line.partition("|")
        comment_number, bar, caption = rest.partition("|")
        # The published results.csv has one line whose second bar is missing (2199200615.jpg, comment 4).
        if not bar and (broken := _BAR_MISSING.fullmatch(rest)):
            comment_number, caption = broken[1], broken[2]
        if not comment_number.strip().isdigit():
            raise DataError(f"line: got {line[:60]!r}; want image.jpg| 0| caption", path=path, row=row)
        yield row, file.strip(), caption.strip()


def _from_csv(path: Path) -> Iterator[tuple[int, str, str]]:
    for row, cells in enumerate(read_csv(path), start=-1):
        if row == -1:
            if [cell.strip() for cell in cells] != ["image", "caption"]:
                raise DataError(f"header: got {cells}; want image,caption", path=path)
        elif len(cells) != 2:
            raise DataError(f"columns: got {len(cells)}; want 2 (image, caption)", path=path, row=row)
        else:
            yield row, cells[0].strip(), cells[1].strip()
