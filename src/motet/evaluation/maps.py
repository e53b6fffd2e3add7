"""Dense maps in prediction files: scaled down, as a PNG in base64."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from motet.core import DataError, Dense

SIDE = 128
"""Pixels per side of a saved map at most; scores are computed from the whole map."""
_LEVELS = 65_535


def map_to_json(values: np.ndarray, target: Dense) -> dict[str, Any]:
    """Returns a map as JSON values: its size, and a PNG of at most 128 pixels per side in base64.

    Pixels are dropped, not averaged. Classes are exact; metres and probabilities have a resolution of a 65,000th of
    their range, directions of a 127th. Pixels without a number are read back as 0.

    Args:
        values: (h, w) or (h, w, channels), in the unit of the target.
        target: the kind of map.

    Examples:
        >>> encoded = map_to_json(np.array([[1.0, 3.0]]), Dense(1, "metre"))
        >>> encoded["size"], encoded["range"], map_from_json(encoded, Dense(1, "metre")).tolist()
        ([1, 2], [1.0, 3.0], [[1.0, 3.0]])
    """
    flat = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    small = downsample(flat, SIDE)
    if target.unit == "unit vector":
        levels = np.clip(127.5 + 127.5 * np.nan_to_num(small), 0, 255).round().astype(np.uint8)
        return {"size": list(values.shape), "png": _png(Image.fromarray(levels))}
    if target.unit == "class":
        return {"size": list(values.shape), "png": _png(Image.fromarray(np.clip(small, 0, _LEVELS).astype(np.uint16)))}
    known = small[np.isfinite(small)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    shares = (np.nan_to_num(small, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    levels = (shares * _LEVELS).round().astype(np.uint16)
    return {"size": list(values.shape), "range": [low, high], "png": _png(Image.fromarray(levels))}


def map_from_json(encoded: Mapping[str, Any], target: Dense) -> np.ndarray:
    """Returns the scaled-down map that `map_to_json` encoded, in the unit of the target.

    Raises:
        DataError: it holds no such map.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded["png"])), formats=("PNG",)) as opened:
            if max(opened.size) > SIDE:
                raise ValueError(f"{opened.width} x {opened.height} pixels; want at most {SIDE} per side")
            levels = np.asarray(opened)
        if target.unit == "unit vector":
            return np.asarray(levels, dtype=np.float32) / 127.5 - 1.0
        if target.unit == "class":
            return levels.astype(np.int64)
        low, high = (float(end) for end in encoded["range"])
    except (LookupError, TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"predictions: got {sorted(encoded)} ({error}); want a map saved by motet, with its PNG in base64"
        ) from error
    return np.asarray(low + (high - low) * (levels.astype(np.float64) / _LEVELS))


def downsample(values: np.ndarray, side: int) -> np.ndarray:
    """Returns a map with at most `side` pixels per side, by dropping rows and columns; unchanged if it is small enough.

    Examples:
        >>> downsample(np.arange(12).reshape(2, 6), 3).tolist()
        [[7, 9, 11]]
    """
    longer = max(values.shape[:2])
    if longer <= side:
        return values
    height, width = (max(1, round(one * side / longer)) for one in values.shape[:2])
    return resample(values, (height, width))


def resample(values: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Returns a map at another size by nearest-neighbour sampling.

    Examples:
        >>> resample(np.array([[1, 2]]), (2, 4)).tolist()
        [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(size_hw, values.shape[:2], strict=True)
    )
    return np.asarray(values[rows][:, columns])


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()
