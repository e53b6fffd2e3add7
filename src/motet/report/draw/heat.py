"""Attention to the regions of an image, drawn as warm colours over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from PIL import Image

_COLD, _WARM, _HOT = (np.array(tone, dtype=np.float32) for tone in ((40, 34, 92), (226, 74, 51), (255, 232, 150)))
_MIN_LIGHT = 0.4
"""Share of the heat's colour that stays where the image is black."""


def box_heat(
    weights: Float[np.ndarray, "n"], boxes_xyxy: Float[np.ndarray, "n 4"], size_hw: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """Returns the weights of boxes as heat of pixels, scaled to a largest heat of 1.

        heat = sum of weight / area, over sum of 1 / area, of the boxes that cover the pixel: small ones count more.

    Without the division one would see the grid of overlapping boxes instead of their weights.

    Args:
        weights: of the boxes, not negative.
        boxes_xyxy: in pixels.
        size_hw: of the image.

    Examples:
        >>> box_heat(np.array([1.0, 3.0]), np.array([[0, 0, 2, 2], [0, 0, 1, 2]]), (2, 2)).round(2).tolist()
        [[1.0, 0.43], [1.0, 0.43]]
    """
    height, width = size_hw
    heat, over = np.zeros(size_hw), np.zeros(size_hw)
    for weight, box in zip(weights, np.asarray(boxes_xyxy, dtype=np.float64), strict=True):
        x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
        x1, y1 = min(width, max(round(box[2]), x0 + 1)), min(height, max(round(box[3]), y0 + 1))
        if x1 > x0 and y1 > y0:
            share = 1 / ((x1 - x0) * (y1 - y0))
            heat[y0:y1, x0:x1] += float(weight) * share
            over[y0:y1, x0:x1] += share
    heat = heat / np.where(over > 0, over, 1.0)
    return heat / heat.max() if heat.max() > 0 else heat


def draw_heat(
    image: Image.Image, weights: Sequence[float] | np.ndarray, boxes_xyxy: np.ndarray, scale: float = 1.0
) -> Image.Image:
    """Returns a grey copy of an image, tinted dark and blue for low weights, bright and warm for high ones.

    Args:
        image: to draw on.
        weights: of the boxes.
        boxes_xyxy: in pixels of the unscaled image.
        scale: width of the image over the width of the one that the boxes are of.

    Examples:
        >>> drawn = draw_heat(Image.new("RGB", (8, 8), "grey"), [1.0], np.array([[0, 0, 4, 8]]))
        >>> sum(drawn.getpixel((1, 4))) > sum(drawn.getpixel((6, 4)))
        True
    """
    size_hw = image.height, image.width
    heat = box_heat(np.asarray(weights, dtype=np.float64), np.asarray(boxes_xyxy) * scale, size_hw)
    warm = heat.astype(np.float32)[..., None]
    colour = np.where(warm < 0.5, _COLD + (_WARM - _COLD) * 2 * warm, _WARM + (_HOT - _WARM) * (2 * warm - 1))
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None]
    # The image's own light and shade remain, so that the things under the heat stay visible.
    mixed = colour * (_MIN_LIGHT + (1 - _MIN_LIGHT) * grey / 255)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8), "RGB")
