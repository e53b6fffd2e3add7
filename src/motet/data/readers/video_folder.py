"""Videos of one's own in class folders: `root/run/1.mp4`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError, Example
from motet.data.formats.paths import default_name
from motet.data.formats.video_classes import sorted_class_names, videos_in_class_folders, with_class_indices
from motet.data.formats.video_rows import Frames, video_example, video_keys


@dataclass(frozen=True)
class VideoFolder:
    """Class folders of videos (`root/run/1.mp4`), one Example per video; labels: "class".

    Folders without a video in them are no classes.

    Args:
        root: the folder that holds the class folders.
        frames: number and size of the frames of a video.
        names: the class folders and their order; by default all folders with videos, sorted. Give the other parts those
            of the training part, so that an index means the same class in all of them; a class may have no folder here.
        name: prefix of Example ids; by default the folder's name.

    Raises:
        DataError: no such folder, no video in it, or a folder of videos that is not among `names`. An error within a
            video raises when its frames are read.
    """

    root: Path | str
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = Path(self.root)
        videos = videos_in_class_folders(root)
        if not videos:
            raise DataError("class folders: got no videos; want root/class/video.mp4", path=root)
        classes = sorted_class_names(videos)
        object.__setattr__(self, "names", self.names or classes)
        object.__setattr__(self, "_rows", with_class_indices(videos, self.names, root))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the ids of a row's frames, by the video's place under the root."""
        return video_keys(self._id(index), self.frames)

    def __getitem__(self, index: int) -> Example:
        place, class_index = self._rows[index]
        root, key = Path(self.root), self._id(index)
        return video_example(
            root / place, self.frames, {"class": class_index}, row_id=key, video_id=key, table=root, index=index
        )

    def _id(self, index: int) -> str:
        return f"{self.name or default_name(Path(self.root))}/{self._rows[index][0]}"
