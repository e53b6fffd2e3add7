"""Frames of a video file, which are decoded together when the first of them is read."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError
from motet.core.regular_files import file_size
from motet.data.formats.error_text import first_line
from motet.data.formats.paths import is_file
from motet.preprocess.open_image import MAX_PIXELS

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".3gp", ".ogv"})
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo,ogg,flv,asf,gif,apng"
# Of the frames that the header states: hidden frames of some codecs count as packets, a cut file has far fewer.
_MIN_SHARE = 0.8
_TARGET_RATE = 30.0


@dataclass(frozen=True)
class Clip:
    """A selection of frames of a video file.

    Args:
        path: the file.
        positions: relative position of each frame in the video, from 0 for the first to below 1.
        short_side: length in pixels to which the shorter side is reduced while decoding; 0 to keep the size.
        stride: distance of neighbouring frames, in frames at 30 per second; the first position is then the place of the
            clip among all that it can have. 0 for frames at their positions.
    """

    path: Path
    positions: tuple[float, ...]
    short_side: int = 0
    stride: int = 0

    def stamp(self) -> str:
        """Returns a text that changes when the file changes.

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
    """One frame of a clip, upright, as an uncompressed PPM file; the other frames are decoded with it and cached.

    Args:
        clip: the frames of its row.
        index: index of this frame among them.
    """

    clip: Clip
    index: int

    @property
    def name(self) -> str:
        return f"{self.clip.path}, frame {self.index + 1} of {len(self.clip.positions)}"

    def read(self) -> bytes:
        """Returns the frame. Raises DataError: not a video, a broken or a cut one, or one without frames."""
        return _decode_clip(self.clip, self.clip.stamp())[self.index]

    def head(self) -> bytes:
        return self.read()

    def stamp(self) -> str:
        return f"{self.clip.stamp()}:{self._place()}:{self.clip.short_side}"

    def _place(self) -> float | tuple[float, int, int]:
        """Returns what decides the frame, beside the file."""
        position = self.clip.positions[self.index]
        return (self.clip.positions[0], self.clip.stride, self.index) if self.clip.stride else position

    def fingerprint(self) -> str:
        """Returns an identity by the file's content and the frame's position in it; nothing is decoded."""
        parts = (_digest(self.clip.path, self.clip.stamp()), self._place(), self.clip.short_side)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# One worker reads the frames of a row one after another, so a cache of two clips is enough and needs little memory.
@lru_cache(maxsize=2)
def _decode_clip(clip: Clip, stamp: str) -> tuple[bytes, ...]:
    del stamp  # part of the cache key: another file under the same name is decoded again
    count = num_frames(clip.path)
    found = _select(clip, count)
    if len(found) < len(clip.positions):
        # Fewer frames than packets; decoding all of them gives the true number.
        actual = sum(1 for _ in _frames(clip.path))
        if actual < _MIN_SHARE * count:
            raise DataError(f"video: got {actual} frames; want {count}, as the file says", path=clip.path)
        found = _select(clip, actual)
    return found


def _select(clip: Clip, count: int) -> tuple[bytes, ...]:
    """Returns the selected frames, decoding up to the last of them; an empty tuple if the video ends before it."""
    indices = frame_places(clip, count, frame_rate(clip.path) if clip.stride else 0.0)
    last, frames = max(indices), {}
    for index, frame in enumerate(_frames(clip.path)):
        if index in indices:
            frames[index] = _ppm(frame, clip.short_side)
        if index == last:
            break
    return tuple(frames[index] for index in indices) if last in frames else ()


def frame_places(clip: Clip, count: int, rate: float) -> list[int]:
    """Returns the indices of a clip's frames in a video.

    Source, with a stride: the official Uni-Perceiver, `video_raw.py`, which samples at a target of 30 frames per second
    and begins again where a video is shorter than the clip.

    Args:
        clip: which frames.
        count: frames of the video.
        rate: frames per second; not used without a stride.

    Examples:
        >>> strided, spread = Clip(Path("x"), (0.5,) * 3, stride=4), Clip(Path("x"), (0.1, 0.6))
        >>> frame_places(strided, 20, 15.0), frame_places(spread, 20, 15.0)
        ([7, 9, 11], [2, 12])
    """
    if not clip.stride:
        return [min(count - 1, int(share * count)) for share in clip.positions]
    step, frames = clip.stride * rate / _TARGET_RATE, len(clip.positions)
    free = count - int(step * (frames - 1) + 1)
    start = int(clip.positions[0] * free) if free > 0 else 0
    return [(start + int(place * step)) % count for place in range(frames)]


def frame_rate(path: Path) -> float:
    """Returns the frames per second of a video, 30 where the file does not say.

    Raises:
        DataError: not a video.
        ConfigError: PyAV is not installed.
    """
    with _OpenVideo(path) as video:
        return float(video.streams.video[0].average_rate or _TARGET_RATE)


def num_frames(path: Path) -> int:
    """Returns the number of frames of a video, counted without decoding.

    Raises:
        DataError: not a video, one without frames, or one that is cut in the middle.
        ConfigError: PyAV is not installed.
    """
    with _OpenVideo(path) as video:
        stream = video.streams.video[0]
        stated = int(stream.frames)
        count = sum(1 for packet in _translate_errors(video.demux(stream), path) if packet.size)
    if not count:
        raise DataError("video: got one without frames; want at least one", path=path)
    if count < _MIN_SHARE * stated:
        raise DataError(f"video: got {count} frames; want {stated}, as the file says", path=path)
    return count


def _frames(path: Path) -> Iterator[Any]:
    with _OpenVideo(path) as video:
        yield from _translate_errors(video.decode(video.streams.video[0]), path)


def _translate_errors(parts: Iterator[Any], path: Path) -> Iterator[Any]:
    """Yields the same items and turns errors of FFmpeg into DataErrors."""
    import av

    try:
        yield from parts
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"video: got {first_line(error)}; want a whole video", path=path) from error


class _OpenVideo:
    """A video that is open within a `with` and has a stream of images."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            import av
        except ImportError as error:
            raise ConfigError("videos: got no package av; want the extra motet[video]") from error
        if not is_file(self.path):
            raise DataError("video: got no such file; want a readable video", path=self.path)
        try:
            # A playlist or a list of files would be opened too, and read what lies elsewhere.
            options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
            self._video = av.open(str(self.path), metadata_errors="ignore", options=options)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"video: got {first_line(error)}; want a video", path=self.path) from error
        if not self._video.streams.video:
            self._video.close()
            raise DataError("video: got a file without a stream of images; want a video", path=self.path)
        stream = self._video.streams.video[0].codec_context
        if stream is None or stream.width * stream.height > MAX_PIXELS:
            size = "an unknown codec" if stream is None else f"{stream.width} x {stream.height} pixels"
            self._video.close()
            raise DataError(f"video: got {size}; want at most {MAX_PIXELS:,} pixels a frame", path=self.path)
        stream.thread_count = 1  # as `_one_thread`
        stream.options = {"max_pixels": str(MAX_PIXELS)}  # frames may have another size than the file says
        return self._video

    def __exit__(self, *_: object) -> None:
        self._video.close()


def _ppm(frame: Any, short_side: int) -> bytes:
    width, height = frame.width, frame.height
    if 0 < short_side < min(width, height):
        scale = short_side / min(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if width * height > MAX_PIXELS:
        raise ValueError(f"a frame of {width} x {height} pixels")
    pixels = _upright(frame, frame.to_ndarray(format="rgb24", width=width, height=height, **_one_thread()))
    height, width = pixels.shape[:2]
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(pixels.tobytes())


@cache
def _one_thread() -> dict[str, int]:
    """Returns the argument with which PyAV starts no threads to convert a frame; before version 17 it never did.

    They belong to the frame. A worker of a loader that is forked beside a frame does not have them, and waits for them
    without end when it frees its copy; and they are slower.
    """
    import av

    return {"threads": 1} if int(av.__version__.partition(".")[0]) >= 17 else {}


def _upright(frame: Any, pixels: np.ndarray) -> np.ndarray:
    """Returns the pixels as players show them: phones store a matrix that turns or mirrors the frames, by quarters."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))  # (x, y) is shown at (a x + c y, b x + d y)
    if abs(b) > abs(a):
        a, d, pixels = c, b, pixels.swapaxes(0, 1)
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: str) -> str:
    del stamp
    try:
        file_size(path)
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"video: got {error.strerror or error}; want a readable file", path=path) from error
