"""Maps as images: what is shown, what is true, what was said, and where that is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from motet.core import Dense
from motet.evaluation.maps import resampled
from motet.report.draw import depth_range, draw_errors, draw_map, side_by_side, with_legend


def draw_map_panels(
    image: Image.Image,
    predicted: np.ndarray,
    target: Dense,
    *,
    ground_truth: np.ndarray | None = None,
    height: int = 200,
) -> Image.Image:
    """The image, the true map, the one that was said and its errors side by side, with what the colours mean.

    Args:
        image: what the maps are of.
        said: a map of any size.
        target: what kind of map.
        true: at the image's size or any other; without it only the image and what was said are drawn.
        height: of each panel, in pixels.
    """
    size_hw = (height, max(1, round(image.width * height / image.height)))
    shown = [
        resize_for_drawing(one, target, size_hw)
        for one in (predicted, *(() if ground_truth is None else (ground_truth,)))
    ]
    # Both maps in one scale of metres.
    low, high = depth_range(shown) if target.unit == "metre" else (None, None)
    drawn = [draw_map(one, target, low=low, high=high) for one in shown]
    panels = [("picture", image.convert("RGB").resize(size_hw[::-1]))]
    if ground_truth is not None:
        errors, darkest = draw_errors(shown[0], shown[1], target)
        panels += [("true", drawn[1]), ("said", drawn[0]), (f"red: {darkest}", errors)]
    else:
        panels.append(("said", drawn[0]))
    return with_legend(side_by_side(panels, height=None), target, _readable(shown, target))


def resize_for_drawing(values: np.ndarray, target: Dense, size_hw: tuple[int, int]) -> np.ndarray:
    """A map at the size it is drawn in: a smaller one keeps every edge, also lines of one pixel.

    Examples:
        >>> line = np.eye(4)
        >>> fitted(line, Dense(1, "probability"), (2, 2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if target.unit != "probability" or any(new > old for new, old in zip(size_hw, values.shape[:2], strict=True)):
        return resampled(values, size_hw)
    for axis, (new, old) in enumerate(zip(size_hw, values.shape[:2], strict=True)):
        values = np.fmax.reduceat(values, np.arange(new) * old // new, axis=axis)  # NaN is unknown
    return values


def _readable(maps: Sequence[np.ndarray], target: Dense) -> Sequence[np.ndarray]:
    """Class maps as whole numbers without a channel."""
    if target.unit != "class":
        return maps
    return [(one[..., 0] if one.ndim == 3 else one).astype(np.int64) for one in maps]
