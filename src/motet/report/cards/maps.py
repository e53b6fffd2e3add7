"""Dense maps in panels: the image, the ground truth, the prediction and its errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from motet.core import Dense
from motet.evaluation.maps import resample
from motet.report.draw import depth_range, draw_errors, draw_map, side_by_side, with_legend


def draw_map_panels(
    image: Image.Image,
    predicted: np.ndarray,
    target: Dense,
    *,
    ground_truth: np.ndarray | None = None,
    height: int = 200,
) -> Image.Image:
    """Returns the image, the ground truth, the prediction and its errors side by side, with a legend below.

    Args:
        image: that the maps are of.
        predicted: a map of any size.
        target: the kind of map.
        ground_truth: of any size; without it only the image and the prediction are drawn.
        height: of each panel, in pixels.
    """
    size_hw = (height, max(1, round(image.width * height / image.height)))
    both = (predicted,) if ground_truth is None else (predicted, ground_truth)
    maps = [resize_for_drawing(one, target, size_hw) for one in both]
    # Both maps share one range of metres, so that equal colours mean equal depths.
    low, high = depth_range(maps) if target.unit == "metre" else (None, None)
    drawn = [draw_map(one, target, low=low, high=high) for one in maps]
    panels = [("image", image.convert("RGB").resize(size_hw[::-1]))]
    if ground_truth is not None:
        errors, darkest = draw_errors(maps[0], maps[1], target)
        panels += [("ground truth", drawn[1]), ("predicted", drawn[0]), (f"red: {darkest}", errors)]
    else:
        panels.append(("predicted", drawn[0]))
    return with_legend(side_by_side(panels, height=None), target, _class_indices(maps, target))


def resize_for_drawing(values: np.ndarray, target: Dense, size_hw: tuple[int, int]) -> np.ndarray:
    """Returns a map at the size it is drawn in; a reduced map of edges keeps even lines of one pixel.

    Examples:
        >>> line = np.eye(4)
        >>> resize_for_drawing(line, Dense(1, "probability"), (2, 2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if target.unit != "probability" or any(new > old for new, old in zip(size_hw, values.shape[:2], strict=True)):
        return resample(values, size_hw)
    for axis, (new, old) in enumerate(zip(size_hw, values.shape[:2], strict=True)):
        # fmax, not max: a block that is partly NaN (not annotated) keeps its known edges.
        values = np.fmax.reduceat(values, np.arange(new) * old // new, axis=axis)
    return values


def _class_indices(maps: Sequence[np.ndarray], target: Dense) -> Sequence[np.ndarray]:
    """Returns class maps as whole numbers without a channel; other maps as they are."""
    if target.unit != "class":
        return maps
    return [(one[..., 0] if one.ndim == 3 else one).astype(np.int64) for one in maps]
