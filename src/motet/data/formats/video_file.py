"""Frames of a video file: decoded together, once, when the first of them is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError
from motet.data.formats.error_text import first_line

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".3gp", ".ogv"})
_MIN_SHARE = (
    0.8  # of the frames a file promises; hidden frames of some codecs count as packets, a cut file has far fewer
)


@dataclass(frozen=True)
class Clip:
    """Which frames of a video file are wanted.

    Args:
        path: the file.
        shares: where in the video each frame lies, from 0 for the first to below 1.
        short_side: to which the shorter side is made smaller while decoding, in pixels; 0 for never.
    """

    path: Path
    positions: tuple[float, ...]
    short_side: int = 0

    def stamp(self) -> str:
        """What changes when the file does.

        Raises:
            DataError: no such file.
        """
        try:
            stat = self.path.stat()
        except OSError as error:
            raise DataError(f"video: got {error.strerror or error}; want a readable file", path=self.path) from error
        return f"{self.path}:{stat.st_size}:{stat.st_mtime_ns}"


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a clip, as an uncompressed PPM file; its neighbours are decoded with it and kept for their turn.

    Args:
        clip: the frames of its row.
        place: which of them.
    """

    clip: Clip
    index: int

    @property
    def name(self) -> str:
        return f"{self.clip.path}, frame {self.index + 1} of {len(self.clip.positions)}"

    def read(self) -> bytes:
        """The frame. Raises DataError: no video, a broken or a cut one, or one without frames."""
        return _decode_clip(self.clip, self.clip.stamp())[self.index]

    def head(self) -> bytes:
        return self.read()

    def stamp(self) -> str:
        return f"{self.clip.stamp()}:{self.clip.positions[self.index]}:{self.clip.short_side}"

    def fingerprint(self) -> str:
        """Identity by the file's content and the frame's place in it; nothing is decoded for it."""
        parts = (_digest(self.clip.path, self.clip.stamp()), self.clip.positions[self.index], self.clip.short_side)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# A row's frames are read one after another by one worker: two clips are enough, and hold the memory down.
@lru_cache(maxsize=2)
def _decode_clip(clip: Clip, stamp: str) -> tuple[bytes, ...]:
    del stamp  # a key: another file under the same name is decoded anew
    count = num_frames(clip.path)
    found = _select(clip, count)
    if len(found) < len(clip.positions):
        # Fewer frames than packets: how many there really are is known now.
        there = sum(1 for _ in _frames(clip.path))
        if there < _MIN_SHARE * count:
            raise DataError(f"video: got {there} frames; want {count}, as the file says", path=clip.path)
        found = _select(clip, there)
    return found


def _select(clip: Clip, count: int) -> tuple[bytes, ...]:
    """The wanted frames, decoding no further than the last of them; fewer where the video ends before."""
    wanted = [min(count - 1, int(share * count)) for share in clip.positions]
    last, kept = max(wanted), {}
    for place, frame in enumerate(_frames(clip.path)):
        if place in wanted:
            kept[place] = _ppm(frame, clip.short_side)
        if place == last:
            break
    return tuple(kept[place] for place in wanted) if last in kept else ()


def num_frames(path: Path) -> int:
    """How many frames a video has, counted without decoding.

    Raises:
        DataError: no video, or one without frames, or cut in the middle.
        ConfigError: PyAV is not installed.
    """
    with _OpenVideo(path) as video:
        stream = video.streams.video[0]
        promised = int(stream.frames)
        count = sum(1 for packet in _translate_errors(video.demux(stream), path) if packet.size)
    if not count:
        raise DataError("video: got one without frames; want at least one", path=path)
    if count < _MIN_SHARE * promised:
        raise DataError(f"video: got {count} frames; want {promised}, as the file says", path=path)
    return count


def _frames(path: Path) -> Iterator[Any]:
    with _OpenVideo(path) as video:
        yield from _translate_errors(video.decode(video.streams.video[0]), path)


def _translate_errors(parts: Iterator[Any], path: Path) -> Iterator[Any]:
    """The same, where what FFmpeg finds wrong is a DataError."""
    import av

    try:
        yield from parts
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"video: got {first_line(error)}; want a whole video", path=path) from error


class _OpenVideo:
    """An open video that has images, within a `with`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            import av
        except ImportError as error:
            raise ConfigError("videos: got no package av; want the extra motet[video]") from error
        if not self.path.is_file():
            raise DataError("video: got no such file; want a readable video", path=self.path)
        try:
            self._video = av.open(str(self.path), metadata_errors="ignore")
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"video: got {first_line(error)}; want a video", path=self.path) from error
        if not self._video.streams.video:
            self._video.close()
            raise DataError("video: got a file without images; want a stream of them", path=self.path)
        return self._video

    def __exit__(self, *_: object) -> None:
        self._video.close()


def _ppm(frame: Any, short_side: int) -> bytes:
    width, height = frame.width, frame.height
    if 0 < short_side < min(width, height):
        scale = short_side / min(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(pixels.tobytes())


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: str) -> str:
    del stamp
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"video: got {error.strerror or error}; want a readable file", path=path) from error
