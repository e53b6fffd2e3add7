"""Videos as rows: evenly spread frames, and random frames for training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, Example, Reader
from motet.data.formats.paths import file_at, has_ending
from motet.data.formats.video_file import VIDEO_SUFFIXES, Clip, VideoFrame


@dataclass(frozen=True)
class Frames:
    """Number and size of the frames of a video row.

    Args:
        count: number of frames, each in the middle of one of as many equal segments of the video; a short video repeats
            some.
        short_side: length in pixels to which the shorter side is reduced while decoding; 0 to keep the size.
        stride: distance of two frames of a clip, in frames at 30 per second; the clip is in the middle of the video, in
            training anywhere in it (`RandomFrames`). 0 for frames over the whole video.

    Raises:
        ConfigError: fewer than one frame, or a side or a stride below 0.

    Examples:
        >>> Frames(4).positions()
        (0.125, 0.375, 0.625, 0.875)
    """

    count: int = 8
    short_side: int = 0
    stride: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.short_side < 0 or self.stride < 0:
            got = f"count {self.count}, short_side {self.short_side}, stride {self.stride}"
            raise ConfigError(f"Frames: got {got}; want one frame or more, a side and a stride of 0 or more")

    def positions(self, rng: np.random.Generator | None = None) -> tuple[float, ...]:
        """Returns relative positions, 0 to 1: the middle of each segment, or with a generator a random place in it.

        With a stride all are the place of the clip.
        """
        if self.stride:
            return (0.5 if rng is None else float(rng.random()),) * self.count
        offset = np.full(self.count, 0.5) if rng is None else rng.random(self.count)
        return tuple(float(position) for position in (np.arange(self.count) + offset) / self.count)


def video_keys(video_id: str, frames: Frames) -> tuple[str, ...]:
    """Returns the ids of a video's frames."""
    return tuple(f"{video_id}/{place}" for place in range(frames.count))


def video_example(
    path: Path,
    frames: Frames,
    labels: Mapping[str, Any],
    *,
    row_id: str,
    video_id: str,
    table: Path,
    index: int | str,
) -> Example:
    """Returns the Example of a video; nothing is decoded.

    Args:
        path: the video.
        frames: number and size of its frames.
        labels: its annotations.
        row_id: id of the Example.
        video_id: prefix of the ids of its frames.
        table: the file or folder that names it, for the error.
        index: the row in it, for the error.

    Raises:
        DataError: no such file, also not one whose name is spelled alike.
    """
    clip = Clip(file_at(path, "video", path=table, row=index), frames.positions(), frames.short_side, frames.stride)
    images = tuple(VideoFrame(clip, place) for place in range(frames.count))
    return Example(id=row_id, images=images, image_ids=video_keys(video_id, frames), labels=labels)


def is_video(name: str) -> bool:
    """Returns True for a file name with the ending of a video."""
    return has_ending(name, VIDEO_SUFFIXES)


@dataclass(frozen=True)
class RandomFrames:
    """Draws new frames for a training row, for `Source.compose`: a random frame in each segment of the video.

    Without it a row has the same frames in every epoch.

    Raises:
        ConfigError: when called with a reader whose rows are not videos.
    """

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        example = reader[index]
        frames = [image for image in example.images if isinstance(image, VideoFrame)]
        if not frames or len(frames) != len(example.images):
            raise ConfigError(
                f"RandomFrames: got {example.id}, which is not a row of a video file; want a reader of videos"
            )
        clip = dataclasses.replace(
            frames[0].clip, positions=Frames(len(frames), stride=frames[0].clip.stride).positions(rng)
        )
        return dataclasses.replace(example, images=tuple(VideoFrame(clip, place) for place in range(len(frames))))
