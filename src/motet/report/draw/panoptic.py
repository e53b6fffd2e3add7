"""Panoptic maps in colours over their image, and in words."""

from __future__ import annotations

from collections import Counter

import numpy as np
from PIL import Image

from motet.core import PanopticMap
from motet.core.target import Panoptic, TargetSpec
from motet.report.draw.dense import map_class_colours

_SHARE = 0.6  # of the colour over the image
_BORDER = (255, 255, 255)
_SHADES = (1.0, 0.8, 1.2, 0.65, 1.35)


def draw_segments(image: Image.Image, found: PanopticMap, target: Panoptic) -> Image.Image:
    """Returns an image under the colours of its segments: one hue per class, a shade per thing, white borders.

    Args:
        image: of the map's size.
        found: its segments.
        target: the classes.
    """
    pixels = np.asarray(image.convert("RGB"), dtype=np.float64)
    colours = np.asarray(map_class_colours(len(target.names)), dtype=np.float64)
    seen: Counter[int] = Counter()
    table = np.zeros((len(found.labels) + 1, 3))
    for place, label in enumerate(found.labels.tolist(), 1):
        table[place] = np.clip(colours[label] * _SHADES[seen[label] % len(_SHADES)], 0, 255)
        seen[label] += 1
    there = (found.segments > 0)[..., None]
    drawn = np.where(there, (1 - _SHARE) * pixels + _SHARE * table[found.segments], pixels)
    border = np.zeros(found.segments.shape, dtype=bool)
    border[:, 1:] |= found.segments[:, 1:] != found.segments[:, :-1]
    border[1:] |= found.segments[1:] != found.segments[:-1]
    drawn[border] = _BORDER
    return Image.fromarray(drawn.astype(np.uint8))


def describe_segments(found: PanopticMap, target: TargetSpec) -> str:
    """Returns the number of segments of each class, those of most pixels first.

    Args:
        found: the segments.
        target: the task's.

    Examples:
        >>> found = PanopticMap(np.array([[1, 1, 2]]), np.array([0, 1]))
        >>> describe_segments(found, Panoptic(("ground", "cat"), (False, True)))
        '1 ground (67 %), 1 cat (33 %)'
    """
    names = target.names if isinstance(target, Panoptic) else ()
    areas, counts, pixels = found.areas(), Counter[int](), Counter[int]()
    for label, area in zip(found.labels.tolist(), areas.tolist(), strict=True):
        if area:
            counts[label] += 1
            pixels[label] += area
    parts = [
        f"{counts[label]} {names[label] if label < len(names) else label} ({100 * area / found.segments.size:.0f} %)"
        for label, area in pixels.most_common()
    ]
    return ", ".join(parts) or "nothing"
