"""Maps as images: classes in their colours, metres from near to far, directions as colours, edges, errors."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from motet.core import ConfigError, Dense

UNKNOWN = (120, 120, 124)
"""Pixels without a truth."""
_GROUND = (226, 226, 222)
# Dark blue where it is near, over green, to pale yellow where it is far; brightness rises all along.
DEPTH_COLOURS = np.array(
    [(48, 18, 92), (46, 88, 140), (30, 146, 138), (104, 200, 98), (250, 232, 60)], dtype=np.float64
)
# White where nothing is wrong, over orange, to dark red.
_ERRORS = np.array([(250, 250, 248), (250, 200, 120), (228, 110, 40), (150, 20, 30)], dtype=np.float64)


def draw_map(values: np.ndarray, target: Dense, *, low: float | None = None, high: float | None = None) -> Image.Image:
    """A map as colours, a pixel each: classes, metres from near (dark) to far, directions, edges dark on white.

    Of a direction, red is how far it points right, green how far up, blue how far to the viewer.

    Args:
        values: (h, w) or (h, w, channels) in the unit of the target; -1 or NaN where nothing is known.
        target: what kind of map.
        low: metres that are drawn darkest; the map's own nearest by default.
        high: metres that are drawn brightest; the map's own farthest by default.

    Raises:
        ConfigError: a map whose shape the target cannot have.

    Examples:
        >>> far = draw_map(np.array([[1.0, 2.0]]), Dense(1, "metre"))
        >>> far.size, far.getpixel((0, 0)), far.getpixel((1, 0))
        ((2, 1), (48, 18, 92), (250, 232, 60))
    """
    flat = _fitting(values, target)
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


def draw_errors(said: np.ndarray, true: np.ndarray, target: Dense) -> tuple[Image.Image, str]:
    """How far off each pixel is, white where not at all, and in words what the darkest colour stands for.

    Args:
        said: a map.
        true: a map of the same size; nothing is drawn where it knows nothing.
        target: what kind of map they are.

    Raises:
        ConfigError: maps of two sizes, or whose shape the target cannot have.
    """
    one, other = _fitting(said, target), _fitting(true, target)
    if one.shape != other.shape:
        raise ConfigError(f"draw_errors: got maps of {one.shape} and {other.shape}; want one shape")
    match target.unit:
        case "class":
            off, most, told = (one != other).astype(np.float64), 1.0, "wrong class"
            known = other >= 0
        case "metre":
            off, known = np.abs(one - other), np.isfinite(other)
            most = max(float(np.nanmax(off[known], initial=0.0)), 1e-6)
            told = f"{most:.2f} m off"
        case "unit vector":
            # The chord between unit vectors, from 0 to 2; 90 degrees is the square root of 2.
            off = np.linalg.norm(_unit(one) - _unit(other), axis=-1)
            known, most, told = np.isfinite(other).all(axis=-1), 2**0.5, "90° off or more"
        case "probability":
            off, known, most, told = np.abs(one - other), np.isfinite(other), 1.0, "wrong"
    colours = interpolate_colours(np.clip(np.nan_to_num(off) / most, 0, 1), _ERRORS)
    return Image.fromarray(np.where(known[..., None], colours, UNKNOWN).astype(np.uint8)), told


def depth_range(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """The nearest and the farthest of some maps, so that they are drawn alike; (0, 1) where nothing is known.

    Examples:
        >>> metres_of([np.array([1.0, np.nan]), np.array([4.0])])
        (1.0, 4.0)
    """
    known = np.concatenate([np.asarray(one, dtype=np.float64)[np.isfinite(one)] for one in maps])
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def map_class_colours(count: int) -> UInt8[np.ndarray, "k 3"]:
    """A colour for each class, the first a pale grey, as it is most often the ground.

    Examples:
        >>> len({tuple(colour) for colour in class_colours(150).tolist()})
        150
    """
    made = [_GROUND]
    for label in range(1, count):
        # Steps of the golden angle never come back to a hue.
        hue, light = label * 0.381966 % 1.0, (0.42, 0.58, 0.3)[label % 3] + 0.02 * (label // 30)
        red, green, blue = colorsys.hls_to_rgb(hue, min(light, 0.8), 0.72)
        made.append((round(255 * red), round(255 * green), round(255 * blue)))
    return np.array(made[:count], dtype=np.uint8)


def _fitting(values: np.ndarray, target: Dense) -> np.ndarray:
    """The map without a channel that is its only one."""
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
    """Colours between stops, for shares from 0 to 1."""
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, places, stops[:, channel]) for channel in range(3)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    known = np.nan_to_num(np.asarray(vectors, dtype=np.float64))
    return np.asarray(known / np.maximum(np.linalg.norm(known, axis=-1, keepdims=True), 1e-12))


def describe_map(values: np.ndarray, target: Dense) -> str:
    """A map in a line: its commonest classes, from how near to how far it reaches, how much of it is edge.

    Examples:
        >>> map_in_words(np.array([[0, 0, 0, 1]]), Dense(2, "class", ("ground", "cat")))
        'ground 75 %, cat 25 %'
        >>> map_in_words(np.array([[1.0, 7.25]]), Dense(1, "metre"))
        '1.00 to 7.25 m'
    """
    flat = _fitting(values, target)
    match target.unit:
        case "class":
            counts = np.bincount(flat[flat >= 0].astype(np.int64), minlength=target.channels)
            order = [label for label in np.argsort(-counts, kind="stable")[:4].tolist() if counts[label]]
            shares = 100.0 * counts / max(int(counts.sum()), 1)
            return ", ".join(f"{class_name(target, label)} {shares[label]:.0f} %" for label in order) or "nothing known"
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
    """What a class is called; its number where it has no name."""
    return target.names[label] if label < len(target.names) else str(label)
