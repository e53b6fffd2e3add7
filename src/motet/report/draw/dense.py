"""Dense maps as images: classes, depths, surface normals, edges and errors in colours."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from motet.core import ConfigError, Dense

UNKNOWN = (120, 120, 124)
"""Colour of pixels that are not annotated."""
_FIRST_CLASS = (226, 226, 222)
# From dark blue (near) over green to pale yellow (far); brightness rises monotonically.
DEPTH_COLOURS = np.array(
    [(48, 18, 92), (46, 88, 140), (30, 146, 138), (104, 200, 98), (250, 232, 60)], dtype=np.float64
)
# From white (no error) over orange to dark red.
_ERRORS = np.array([(250, 250, 248), (250, 200, 120), (228, 110, 40), (150, 20, 30)], dtype=np.float64)


def draw_map(values: np.ndarray, target: Dense, *, low: float | None = None, high: float | None = None) -> Image.Image:
    """Returns a map as colours, one pixel per value: classes, depths from near (dark) to far, normals, dark edges.

    The red, green and blue of a normal are its components to the right, up and to the viewer.

    Args:
        values: (h, w) or (h, w, channels) in the unit of the target; -1 or NaN where it is not annotated.
        target: the kind of map.
        low: metres of the darkest colour; the map's smallest depth by default.
        high: metres of the brightest colour; the map's largest depth by default.

    Raises:
        ConfigError: a shape that does not fit the target.

    Examples:
        >>> far = draw_map(np.array([[1.0, 2.0]]), Dense(1, "metre"))
        >>> far.size, far.getpixel((0, 0)), far.getpixel((1, 0))
        ((2, 1), (48, 18, 92), (250, 232, 60))
    """
    flat = _squeezed(values, target)
    match target.unit:
        case "class":
            colours = map_class_colours(target.channels)[np.clip(flat, 0, target.channels - 1).astype(np.int64)]
            known = flat >= 0
        case "metre":
            colours, known = interpolate_colours(_share_of_range(flat, low, high), DEPTH_COLOURS), np.isfinite(flat)
        case "unit vector":
            known = np.isfinite(flat).all(axis=-1)
            colours = np.clip(127.5 + 127.5 * np.nan_to_num(flat) * (1, -1, 1), 0, 255)
        case "probability":
            known = np.isfinite(flat)
            colours = np.repeat(255.0 * (1.0 - np.clip(np.nan_to_num(flat), 0, 1))[..., None], 3, axis=-1)
    return Image.fromarray(np.where(known[..., None], colours, UNKNOWN).astype(np.uint8))


def draw_errors(predicted: np.ndarray, ground_truth: np.ndarray, target: Dense) -> tuple[Image.Image, str]:
    """Returns the error of each pixel as a colour, white for none, and the meaning of the darkest colour as text.

    Args:
        predicted: a map.
        ground_truth: a map of the same size; grey is drawn where it is not annotated.
        target: the kind of the maps.

    Raises:
        ConfigError: maps of two sizes, or of a shape that does not fit the target.
    """
    one, other = _squeezed(predicted, target), _squeezed(ground_truth, target)
    if one.shape != other.shape:
        raise ConfigError(f"draw_errors: got maps of the shapes {one.shape} and {other.shape}; want the same shape")
    match target.unit:
        case "class":
            errors, largest, meaning = (one != other).astype(np.float64), 1.0, "wrong class"
            known = other >= 0
        case "metre":
            errors, known = np.abs(one - other), np.isfinite(other)
            largest = max(float(np.nanmax(errors[known], initial=0.0)), 1e-6)
            meaning = f"{largest:.2f} m off"
        case "unit vector":
            # The chord between unit vectors, from 0 to 2; 90 degrees is the square root of 2.
            errors = np.linalg.norm(_unit(one) - _unit(other), axis=-1)
            known, largest, meaning = np.isfinite(other).all(axis=-1), 2**0.5, "90° off or more"
        case "probability":
            errors, known, largest, meaning = np.abs(one - other), np.isfinite(other), 1.0, "wrong"
    colours = interpolate_colours(np.clip(np.nan_to_num(errors) / largest, 0, 1), _ERRORS)
    return Image.fromarray(np.where(known[..., None], colours, UNKNOWN).astype(np.uint8)), meaning


def depth_range(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """Returns the smallest and the largest depth of some maps; (0, 1) where nothing is annotated.

    Examples:
        >>> depth_range([np.array([1.0, np.nan]), np.array([4.0])])
        (1.0, 4.0)
    """
    known = np.concatenate([np.asarray(one, dtype=np.float64)[np.isfinite(one)] for one in maps])
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def map_class_colours(count: int) -> UInt8[np.ndarray, "k 3"]:
    """Returns one colour per class; the first is a pale grey, since it is most often the background.

    Examples:
        >>> len({tuple(colour) for colour in map_class_colours(150).tolist()})
        150
    """
    made = [_FIRST_CLASS]
    for label in range(1, count):
        # Steps of the golden angle never come back to a hue.
        hue, light = label * 0.381966 % 1.0, (0.42, 0.58, 0.3)[label % 3] + 0.02 * (label // 30)
        red, green, blue = colorsys.hls_to_rgb(hue, min(light, 0.8), 0.72)
        made.append((round(255 * red), round(255 * green), round(255 * blue)))
    return np.array(made[:count], dtype=np.uint8)


def _squeezed(values: np.ndarray, target: Dense) -> np.ndarray:
    """Returns the map without a channel dimension of one."""
    flat = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if flat.ndim != (3 if target.unit == "unit vector" else 2) or (flat.ndim == 3 and flat.shape[-1] != 3):
        raise ConfigError(
            f"a map in {target.unit!r}: got the shape {values.shape}; want (h, w), or (h, w, 3) of vectors"
        )
    return flat


def _share_of_range(values: np.ndarray, low: float | None, high: float | None) -> Float[np.ndarray, "h w"]:
    nearest, farthest = depth_range([values])
    bottom, top = nearest if low is None else low, farthest if high is None else high
    return np.asarray(np.clip((np.nan_to_num(values, nan=bottom) - bottom) / max(top - bottom, 1e-9), 0, 1))


def interpolate_colours(shares: Float[np.ndarray, "*p"], stops: Float[np.ndarray, "s 3"]) -> Float[np.ndarray, "*p 3"]:
    """Returns colours between evenly spaced stops, for shares from 0 to 1."""
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, places, stops[:, channel]) for channel in range(3)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    known = np.nan_to_num(np.asarray(vectors, dtype=np.float64))
    return np.asarray(known / np.maximum(np.linalg.norm(known, axis=-1, keepdims=True), 1e-12))


def describe_map(values: np.ndarray, target: Dense) -> str:
    """Returns a map as one line of text: its most frequent classes, its range of depths, or its share of edges.

    Examples:
        >>> describe_map(np.array([[0, 0, 0, 1]]), Dense(2, "class", ("ground", "cat")))
        'ground 75 %, cat 25 %'
        >>> describe_map(np.array([[1.0, 7.25]]), Dense(1, "metre"))
        '1.00 to 7.25 m'
    """
    flat = _squeezed(values, target)
    match target.unit:
        case "class":
            counts = np.bincount(flat[flat >= 0].astype(np.int64), minlength=target.channels)
            order = [label for label in np.argsort(-counts, kind="stable")[:4].tolist() if counts[label]]
            shares = 100.0 * counts / max(int(counts.sum()), 1)
            return ", ".join(f"{class_name(target, label)} {shares[label]:.0f} %" for label in order) or "not annotated"
        case "metre":
            low, high = depth_range([flat])
            return f"{low:.2f} to {high:.2f} m"
        case "unit vector":
            known = flat[np.isfinite(flat).all(axis=-1)]
            x, y, z = (known if len(known) else np.zeros((1, 3))).mean(axis=0)
            return f"mean direction {x:+.2f} right, {y:+.2f} down, {z:+.2f} to the viewer"
        case "probability":
            known = flat[np.isfinite(flat)]
            return f"{100.0 * float(np.mean(known >= 0.5)) if known.size else 0.0:.1f} % edges"


def class_name(target: Dense, label: int) -> str:
    """Returns the name of a class; its number where it has no name."""
    return target.names[label] if label < len(target.names) else str(label)
