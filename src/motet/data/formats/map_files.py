"""Maps on disk, decoded when they are read: a class, a depth, a normal or an edge per pixel.

All normals are in camera coordinates: x to the right, y down, z out of the image towards the viewer, so that a wall
that faces the camera has the normal (0, 0, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from motet.core import DataError
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.label_palette import with_palette
from motet.data.formats.png_values import png_values

INVALID = -1
"""The class of a pixel without a class."""
UNKNOWN = -2
"""The entry of a class table for a stored number that is an error."""
_MIN_LENGTH, _MAX_LENGTH = 0.7, 1.3
_BAND = 512  # rows


class MapFile(Protocol):
    """One map of one image, as a file."""

    @property
    def path(self) -> Path:
        """The file, for error messages."""
        ...

    def read(self) -> np.ndarray:
        """Returns int64 (h, w) with -1 for invalid pixels, or float32 (h, w) or (h, w, 3) with NaN for them.

        Raises DataError naming the file.
        """
        ...


def class_table(numbers: dict[int, int], *, invalid: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Returns the class of each stored number.

    Args:
        numbers: stored number -> class.
        invalid: stored numbers of pixels without a class.

    Examples:
        >>> class_table({7: 0, 8: 1}, invalid=(0,))[6:9]
        (-2, 0, 1)
    """
    known = {**numbers, **dict.fromkeys(invalid, INVALID)}
    return tuple(known.get(number, UNKNOWN) for number in range(max(known) + 1))


@dataclass(frozen=True)
class ClassMap:
    """A file of class numbers.

    Args:
        path: the file.
        classes: for each stored number its class, `INVALID` or `UNKNOWN` (see `class_table`).
        channel: the channel that holds the class, of a file with several channels.
    """

    path: Path
    classes: tuple[int, ...]
    channel: int = 0

    def read(self) -> np.ndarray:
        stored = get_channel(png_values(self.path), self.channel, self.path)
        if stored.dtype.kind not in "ui":
            raise DataError(f"class map: got values of {stored.dtype}; want whole numbers", path=self.path)
        # Not a table of all numbers that are stored: one pixel of 32 bits would make it take gigabytes.
        table = np.array([*self.classes, UNKNOWN], dtype=np.int64)
        known = (stored >= 0) & (stored < len(self.classes))
        found: np.ndarray = table[np.where(known, stored, len(self.classes))]
        if found.min() == UNKNOWN:
            wrong = sorted(set(np.unique(stored[found == UNKNOWN]).tolist()))
            raise DataError(
                f"class: got {_list_some(wrong)}; want one of {_list_some(self._known_numbers())}", path=self.path
            )
        return found

    def _known_numbers(self) -> list[int]:
        return [number for number, known in enumerate(self.classes) if known != UNKNOWN]


@dataclass(frozen=True)
class ColourMap:
    """A file whose colours encode classes.

    Args:
        path: the file.
        colours: red, green and blue -> class or `INVALID`, as pairs.
    """

    path: Path
    colours: tuple[tuple[tuple[int, int, int], int], ...]

    def read(self) -> np.ndarray:
        stored = with_palette(self.path)
        if stored.shape[2] < 3:
            raise DataError(f"class map: got the shape {stored.shape}; want three channels of colour", path=self.path)
        known = {int(_pack_rgb(*(np.array(part) for part in colour))): found for colour, found in self.colours}
        return by_bands(stored, lambda band: self._classes(band, known))

    def _classes(self, stored: np.ndarray, known: dict[int, int]) -> np.ndarray:
        packed = _pack_rgb(stored[..., 0], stored[..., 1], stored[..., 2])
        present, inverse = np.unique(packed, return_inverse=True)
        wrong = [(int(one) >> 16, int(one) >> 8 & 255, int(one) & 255) for one in present if int(one) not in known]
        if wrong:
            raise DataError(f"colour: got {wrong[0]}; want the colour of a class", path=self.path)
        classes = np.array([known[int(one)] for one in present], dtype=np.int64)
        found: np.ndarray = classes[inverse.reshape(packed.shape)]
        return found


@dataclass(frozen=True)
class DepthMap:
    """A file of depths, which are distances along the camera's axis.

    Args:
        path: the file.
        unit_m: metres per step of the stored number.
        invalid: stored numbers of pixels without a depth.
        channel: the channel that is read, of a file with several channels.
    """

    path: Path
    unit_m: float
    invalid: tuple[int, ...] = (0,)
    channel: int = 0

    def read(self) -> np.ndarray:
        stored = get_channel(png_values(self.path), self.channel, self.path)
        return by_bands(stored, self._depth_m)

    def _depth_m(self, stored: np.ndarray) -> np.ndarray:
        depth_m: np.ndarray = (stored * float(self.unit_m)).astype(np.float32)
        for number in self.invalid:
            depth_m[stored == number] = np.nan
        return depth_m


@dataclass(frozen=True)
class NormalMap:
    """A file of normals, 0 to 255 for -1 to 1 in each channel.

    Args:
        path: the file.
        signs: factors of x, y and z that make them point right, down and towards the viewer.
        like_image: an image; the pixels of a map that is a whole number of times smaller are repeated to its size.

    Pixels whose vector is far from unit length (black, or the grey of no direction) are invalid; the others are
    normalised.
    """

    path: Path
    signs: tuple[int, int, int] = (1, 1, 1)
    like_image: Path | None = None

    def read(self) -> np.ndarray:
        stored = png_values(self.path)
        if stored.ndim != 3 or stored.shape[2] < 3:
            raise DataError(f"normals: got the shape {stored.shape}; want three channels", path=self.path)
        if stored.dtype.kind != "u":
            raise DataError(f"normals: got values of {stored.dtype}; want whole numbers", path=self.path)
        normals = by_bands(stored, self._normals)
        return normals if self.like_image is None else _repeat_pixels(normals, image_size_hw(self.like_image))

    def _normals(self, stored: np.ndarray) -> np.ndarray:
        top = np.float32(np.iinfo(stored.dtype).max)
        vectors = (stored[..., :3].astype(np.float32) * (2 / top) - 1) * np.array(self.signs, dtype=np.float32)
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        valid = (length > _MIN_LENGTH) & (length < _MAX_LENGTH)
        return np.where(valid, vectors / np.where(valid, length, 1), np.float32(np.nan))


@dataclass(frozen=True)
class EdgeMap:
    """A file of edge strengths, from no edge at 0 to a certain edge at `top`.

    Args:
        path: the file.
        top: the stored number of a certain edge; larger numbers are clipped to it.
        channel: the channel that is read, of a file with several channels.
    """

    path: Path
    top: float = 255.0
    channel: int = 0

    def read(self) -> np.ndarray:
        stored = get_channel(png_values(self.path), self.channel, self.path)
        edges: np.ndarray = np.minimum(stored.astype(np.float32) / np.float32(self.top), 1)
        return edges


def by_bands(values: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Returns the conversion of each pixel of a map, made for some rows at a time.

    The steps of a conversion take ten times the memory of their result, which only a band of the map then needs.
    """
    first = convert(values[:_BAND])
    if len(values) <= _BAND:
        return first
    found = np.empty((len(values), *first.shape[1:]), dtype=first.dtype)
    found[:_BAND] = first
    for top in range(_BAND, len(values), _BAND):
        found[top : top + _BAND] = convert(values[top : top + _BAND])
    return found


def get_channel(values: np.ndarray, channel: int, path: Path) -> np.ndarray:
    """Returns one channel of a map, (h, w).

    Raises:
        DataError: the map has fewer channels.
    """
    if values.ndim == 2:
        return values
    if values.ndim != 3 or values.shape[2] <= channel:
        raise DataError(f"map: got the shape {values.shape}; want a channel {channel}", path=path)
    found: np.ndarray = values[..., channel]
    return found


def _repeat_pixels(values: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Repeats every pixel if the size is a multiple; otherwise the map is unchanged and fails the check of sizes."""
    times = size_hw[0] // values.shape[0]
    if times < 2 or (values.shape[0] * times, values.shape[1] * times) != size_hw:
        return values
    return values.repeat(times, axis=0).repeat(times, axis=1)


def _pack_rgb(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    found: np.ndarray = red.astype(np.int64) << 16 | green.astype(np.int64) << 8 | blue.astype(np.int64)
    return found


def _list_some(numbers: list[int]) -> str:
    some = ", ".join(str(number) for number in numbers[:8])
    return some if len(numbers) <= 8 else f"{some}, ... ({numbers[0]} to {numbers[-1]})"
