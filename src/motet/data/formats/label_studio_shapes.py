"""The shapes of Label Studio, whose numbers are per cent of the image's sides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.formats.box_rows import NamedBox, corners_around, rotated_corners
from motet.data.formats.json_file import get_field, get_floats, get_size_hw

SHAPE_TYPES = ("rectangle", "polygon", "ellipse")


def label_key(shape: Mapping[str, Any]) -> str:
    """Returns the key of a shape's classes, such as "rectanglelabels"; "" without one."""
    return next((key for key in shape if key.removesuffix("labels") in SHAPE_TYPES), "")


def stated_size_hw(shape: Mapping[str, Any], path: Path, row: int) -> tuple[int, int] | None:
    """Returns height and width of the image as a shape states them; None without.

    Raises:
        DataError: one of them is missing or is no whole number.
    """
    size = {"height": shape.get("original_height"), "width": shape.get("original_width")}
    return get_size_hw(size, path=path, row=row)


def studio_box(shape: Mapping[str, Any], path: Path, row: int) -> NamedBox:
    """Returns the upright box around a shape, as shares of the image's sides.

    Raises:
        DataError: no class, a missing number, or an image that the annotator turned.
    """
    if shape.get("image_rotation"):
        raise DataError(f"image_rotation: got {shape['image_rotation']!r}; want 0, an image that is not turned",
                        path=path, row=row)  # fmt: skip
    name = _name(shape, path, row)
    if "points" in shape:
        pairs = [
            get_floats({"points": point}, "points", 2, "x, y", path=path, row=row)
            for point in get_field(shape, "points", list, path=path, row=row)
        ]
        if not pairs:
            raise DataError("points: got none; want those of a polygon", path=path, row=row)
        corners = corners_around([(x, y) for x, y in pairs])
    else:
        corners = _rotated(shape, path, row)
    x0, y0, x1, y1 = corners
    return NamedBox(name, (x0 / 100, y0 / 100, x1 / 100, y1 / 100), row)


def _rotated(shape: Mapping[str, Any], path: Path, row: int) -> tuple[float, float, float, float]:
    """Returns a rectangle, which turns about its top left corner, or an ellipse, which turns about its centre."""
    x, y = (get_field(shape, key, float, path=path, row=row) for key in ("x", "y"))
    if "radiusX" in shape:
        a, b = (get_field(shape, key, float, path=path, row=row) for key in ("radiusX", "radiusY"))
        box = (x - a, y - b, x + a, y + b)
    else:
        width, height = (get_field(shape, key, float, path=path, row=row) for key in ("width", "height"))
        box = (x, y, x + width, y + height)
    angle = shape.get("rotation") or 0
    if not angle:
        return box
    # The sides of a shape stay perpendicular in pixels, and not in per cent of an image that is no square.
    size = stated_size_hw(shape, path, row)
    if size is None:
        raise DataError("original_width: got none; want the image's size for a rotated shape", path=path, row=row)
    down, right = size
    x0, y0, x1, y1 = box
    found = rotated_corners((x0 * right, y0 * down, x1 * right, y1 * down), float(angle), (x * right, y * down))
    return found[0] / right, found[1] / down, found[2] / right, found[3] / down


def _name(shape: Mapping[str, Any], path: Path, row: int) -> str:
    names = shape.get(label_key(shape)) or shape.get("labels")
    if not isinstance(names, list) or not names or not isinstance(names[0], str) or not names[0].strip():
        raise DataError("label: got a shape without a class; want one", path=path, row=row)
    return names[0]
