"""A video as a row: its frames, evenly spread, and how training draws others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError, Example, Reader
from motet.data.formats.video_file import VIDEO_SUFFIXES, Clip, VideoFrame


@dataclass(frozen=True)
class Frames:
    """How many frames of a video a row has, and how large.

    Args:
        count: how many, in the middle of as many equal stretches of the video; a short video has some of them twice.
        short_side: to which the shorter side is made smaller while decoding, in pixels; 0 for never.

    Raises:
        ConfigError: fewer than one frame, or a side below 0.

    Examples:
        >>> Frames(4).shares()
        (0.125, 0.375, 0.625, 0.875)
    """

    count: int = 8
    short_side: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.short_side < 0:
            got = f"count {self.count}, short_side {self.short_side}"
            raise ConfigError(f"Frames: got {got}; want one frame or more, and a side of 0 or more")

    def positions(self, rng: np.random.Generator | None = None) -> tuple[float, ...]:
        """Where the frames lie, from 0 to 1: in the middle of each stretch, or drawn anywhere in it."""
        within = np.full(self.count, 0.5) if rng is None else rng.random(self.count)
        return tuple(float(share) for share in (np.arange(self.count) + within) / self.count)


def video_keys(video_id: str, frames: Frames) -> tuple[str, ...]:
    """The ids of a video's frames."""
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
    """The Example of a video; nothing is decoded.

    Args:
        path: the video.
        frames: which of it.
        labels: its annotations.
        row_id: the Example's id.
        video_id: what its frames' ids start with.
        table: the file or folder that asks for it, for the error.
        index: the row in it, for the error.

    Raises:
        DataError: no such file.
    """
    if not path.is_file():
        raise DataError(f"video: got no file {path}; want the video of this row", path=table, row=index)
    clip = Clip(path, frames.positions(), frames.short_side)
    images = tuple(VideoFrame(clip, place) for place in range(frames.count))
    return Example(id=row_id, images=images, image_ids=video_keys(video_id, frames), labels=labels)


def is_video(name: str) -> bool:
    """Whether a file's name ends like a video's."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


@dataclass(frozen=True)
class RandomFrames:
    """Makes a training row with frames drawn anew, for `Source.compose`: one anywhere in each stretch of the video.

    Without it a row has the same frames in every epoch.

    Raises:
        ConfigError: when called, a reader whose rows are no videos.
    """

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        example = reader[index]
        frames = [image for image in example.images if isinstance(image, VideoFrame)]
        if not frames or len(frames) != len(example.images):
            raise ConfigError(f"RandomFrames: got {example.id}, which is no row of a video file; want a video reader")
        clip = dataclasses.replace(frames[0].clip, positions=Frames(len(frames)).positions(rng))
        return dataclasses.replace(example, images=tuple(VideoFrame(clip, place) for place in range(len(frames))))
