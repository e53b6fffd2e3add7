"""Videos of one's own with a list of files and classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError, Example
from motet.data.formats.paths import default_name, path_inside
from motet.data.formats.text_file import read_csv, read_lines
from motet.data.formats.video_classes import VideoClass, sorted_class_names, with_class_indices
from motet.data.formats.video_rows import Frames, is_video, video_example, video_keys


@dataclass(frozen=True)
class VideoList:
    """Videos of a list with their classes, one Example per video; labels: "class".

    Args:
        table: CSV of a path and a class (separated by spaces where the name ends in .txt); a first line without the
            name of a video is a header and skipped.
        root: the folder that paths are relative to; by default the list's folder.
        frames: number and size of the frames of a video.
        names: the classes and their order; by default all of the list, sorted. Give the other parts those of the
            training part.
        name: prefix of Example ids; by default the list's name and its folder's.

    Raises:
        DataError: no such list, no rows in it, a line that is not a pair, a path that leads out of the folder, or a
            class that is not among `names`. An error within a video raises when its frames are read.
    """

    table: Path | str
    root: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.table)
        videos = list(_videos(path, self._folder))
        if not videos:
            raise DataError("videos: got none; want one line per video", path=path)
        names = self.names or sorted_class_names(videos)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_rows", with_class_indices(videos, names, path))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the ids of a row's frames."""
        return video_keys(f"{default_name(self._folder)}/{self._rows[index][0]}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, class_index = self._rows[index]
        return video_example(
            self._folder / place, self.frames, {"class": class_index}, row_id=f"{self._prefix}/{place}",
            video_id=f"{default_name(self._folder)}/{place}", table=Path(self.table), index=index,
        )  # fmt: skip

    @property
    def _folder(self) -> Path:
        return Path(self.root) if str(self.root) else Path(self.table).parent

    @property
    def _prefix(self) -> str:
        return self.name or default_name(Path(self.table))


def _videos(path: Path, root: Path) -> Iterator[VideoClass]:
    rows = (line.split() for line in read_lines(path) if line.strip()) if path.suffix == ".txt" else read_csv(path)
    for row, cells in enumerate(rows):
        if row == 0 and not any(is_video(cell) for cell in cells):
            continue
        if len(cells) != 2 or not cells[1].strip():
            raise DataError(f"line: got {','.join(cells)[:60]!r}; want a path and a class", path=path, row=row)
        yield VideoClass(path_inside(root, cells[0].strip(), path=path, row=row), cells[1].strip())
