"""MSVD: short videos with some forty captions each, in `AllVideoDescriptions.txt`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example
from motet.data.formats.paths import file_names
from motet.data.formats.text_file import read_lines
from motet.data.formats.video_rows import Frames, is_video, video_example, video_keys


@dataclass(frozen=True)
class Msvd:
    """MSVD's short videos with some forty captions each; labels: "captions".

    Args:
        descriptions: `AllVideoDescriptions.txt`: lines of `<id>_<start>_<end>` and a sentence, comments with #.
        videos: the folder of `<id>_<start>_<end>.avi`.
        listed: a list of such names, one per line, of a part; "" for all videos of the folder.
        frames: number and size of the frames of a video.
        name: prefix of Example ids; by default "msvd", and the list's name where there is one.

    Raises:
        DataError: no such file or folder, a line without a sentence, or no video with captions.
    """

    descriptions: Path | str
    videos: Path | str
    listed: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    name: str = ""
    _rows: tuple[tuple[str, tuple[str, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not str(self.videos):
            raise ConfigError("Msvd.videos: got none; want the folder of videos")
        captions = _captions(Path(self.descriptions))
        files = {Path(name).stem: name for name in file_names(Path(self.videos)) if is_video(name)}
        listed = [line.strip() for line in read_lines(Path(self.listed))] if str(self.listed) else sorted(files)
        stems = [Path(name).stem if is_video(name) else name for name in listed if name]
        rows = tuple((files.get(stem, f"{stem}.avi"), captions[stem]) for stem in stems if stem in captions)
        if not rows:
            raise DataError("videos: got none that has captions; want at least one", path=self.videos)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the ids of a row's frames, by the video on YouTube and its cut."""
        return video_keys(f"youtube/{Path(self._rows[index][0]).stem}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, captions = self._rows[index]
        part = f"/{Path(self.listed).stem}" if str(self.listed) else ""
        return video_example(
            Path(self.videos) / place, self.frames, {"captions": captions},
            row_id=f"{self.name or f'msvd{part}'}/{Path(place).stem}", video_id=f"youtube/{Path(place).stem}",
            table=Path(self.listed) if part else Path(self.videos), index=index,
        )  # fmt: skip


def _captions(path: Path) -> dict[str, tuple[str, ...]]:
    captions: dict[str, list[str]] = {}
    for row, line in enumerate(read_lines(path)):
        if not line.strip() or line.startswith("#"):
            continue
        video, _, sentence = line.strip().partition(" ")
        if not sentence.strip():
            raise DataError(f"line: got {line[:60]!r}; want a video and a sentence", path=path, row=row)
        captions.setdefault(video, []).append(sentence.strip())
    if not captions:
        raise DataError("captions: got none; want lines of a video and a sentence", path=path)
    return {video: tuple(dict.fromkeys(texts)) for video, texts in captions.items()}
