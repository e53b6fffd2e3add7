"""Kinetics-400, -600 and -700: `train/<class>/<id>_<start>_<end>.mp4`, with or without the published tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError, Example
from motet.data.formats.paths import file_names
from motet.data.formats.text_file import read_csv
from motet.data.formats.video_classes import (
    VideoClass,
    sorted_class_names,
    videos_in_class_folders,
    with_class_indices,
)
from motet.data.formats.video_rows import Frames, is_video, video_example, video_keys

KINETICS_CLIP = re.compile(r"(.{11})_(\d{6})_(\d{6})")
"""The name of a Kinetics video: its id on YouTube, start and end in seconds."""
KINETICS_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
"""The columns that all published tables have."""


@dataclass(frozen=True)
class Kinetics:
    """Kinetics-400, -600 or -700: `train/<class>/<id>_<start>_<end>.mp4`; labels: "class".

    Args:
        root: the folder with `train/`, `val/`, `test/`.
        split: one of them.
        annotations: the published CSV (label, youtube_id, time_start, time_end, split), of which the rows
            whose video exists are read; the videos may then also be in the part's folder without class folders. ""
            for all videos of the class folders.
        frames: number and size of the frames of a video.
        names: the classes and their order; by default those of the part, sorted. Give the other parts those of the
            training part.
        name: prefix of Example ids; by default "kinetics" and the part.

    Raises:
        DataError: no such folder or file, no video, or a class that is not among `names`.
    """

    root: Path | str
    split: str = "train"
    annotations: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folder = Path(self.root) / self.split
        table = Path(self.annotations) if str(self.annotations) else None
        videos = _in_class_folders(folder) if table is None else _in_table(table, folder)
        if not videos:
            raise DataError("videos: got none; want class/id_000010_000020.mp4", path=folder)
        names = self.names or sorted_class_names(videos)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_rows", with_class_indices(videos, names, table or folder))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the ids of a row's frames, by the video on YouTube and its cut."""
        return video_keys(f"youtube/{Path(self._rows[index][0]).stem}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, class_index = self._rows[index]
        folder, stem = Path(self.root) / self.split, Path(place).stem
        return video_example(
            folder / place, self.frames, {"class": class_index}, video_id=f"youtube/{stem}", table=folder, index=index,
            row_id=f"{self.name or f'kinetics/{self.split}'}/{stem}",
        )  # fmt: skip


def _in_class_folders(folder: Path) -> list[VideoClass]:
    return [VideoClass(video.place, video.class_name.replace("_", " ")) for video in videos_in_class_folders(folder)]


def _in_table(path: Path, folder: Path) -> list[VideoClass]:
    """Returns the rows whose video exists, by YouTube id and seconds."""
    files: dict[tuple[str, int, int], str] = {}
    for name in file_names(folder):
        below = [f"{name}/{file}" for file in file_names(folder / name)] if (folder / name).is_dir() else [name]
        for place in below:
            if is_video(place) and (found := KINETICS_CLIP.fullmatch(Path(place).stem)):
                files[(found[1], int(found[2]), int(found[3]))] = place
    rows = read_csv(path)
    header = next(rows, [])
    if missing := [column for column in KINETICS_COLUMNS if column not in header]:
        raise DataError(f"header: got {header}; want {missing[0]} in it", path=path)
    columns = [header.index(column) for column in KINETICS_COLUMNS]
    videos = []
    for row, cells in enumerate(rows):
        try:
            label, video, start, end = (cells[column] for column in columns)
            key = (video, int(float(start)), int(float(end)))
        except (IndexError, ValueError, OverflowError) as error:
            raise DataError(f"row: got {','.join(cells)[:60]!r}; want {header}", path=path, row=row) from error
        if key in files:
            videos.append(VideoClass(files[key], label))
    return videos
