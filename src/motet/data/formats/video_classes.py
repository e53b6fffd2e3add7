"""Videos with one class each, as lists and class folders give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, nearest
from motet.data.formats.paths import file_names
from motet.data.formats.video_rows import is_video


class VideoClass(NamedTuple):
    """A video and the name of its class.

    Args:
        place: its file, relative to the folder of videos.
        class_name: the name.
    """

    place: str
    class_name: str


def videos_in_class_folders(folder: Path) -> list[VideoClass]:
    """Returns the videos of the class folders of a folder; the class is called like its folder.

    Raises:
        DataError: no such folder.
    """
    classes = [name for name in file_names(folder) if (folder / name).is_dir()]
    return [
        VideoClass(f"{name}/{file}", name) for name in classes for file in file_names(folder / name) if is_video(file)
    ]


def sorted_class_names(videos: Sequence[VideoClass]) -> tuple[str, ...]:
    """Returns the names of the classes that occur, sorted."""
    return tuple(sorted({video.class_name for video in videos}))


def with_class_indices(videos: Sequence[VideoClass], names: tuple[str, ...], path: Path) -> tuple[tuple[str, int], ...]:
    """Returns the file of each video and the index of its class among the names.

    Args:
        videos: the rows.
        names: the classes in order.
        path: the list or the folder, for the error.

    Raises:
        DataError: a class that is not among the names.
    """
    index_of = {name: index for index, name in enumerate(names)}
    for row, video in enumerate(videos):
        if video.class_name not in index_of:
            hint = nearest(video.class_name, names)
            raise DataError(
                f"class: got {video.class_name!r}; want one of the given names ({hint})", path=path, row=row
            )
    return tuple((video.place, index_of[video.class_name]) for video in videos)
