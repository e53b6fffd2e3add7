"""Drawing of boxes with their names on an image."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

from motet.core import BoxSet
from motet.core.printable import one_line
from motet.report.draw.legend import with_colour_names
from motet.report.draw.lettering import RGB, font_of_size

Box: TypeAlias = tuple[float, float, float, float]
MAX_NAMED_BOXES = 12
"""Names of more boxes would hide the image: it then has the counts of the classes below it instead."""
_TONES = (
    (214, 48, 49), (34, 102, 204), (26, 137, 67), (186, 104, 0), (134, 58, 178), (0, 131, 143), (191, 44, 122),
    (92, 92, 20), (84, 84, 94), (120, 66, 40),
)  # fmt: skip


def draw_boxes(
    image: Image.Image,
    boxes: BoxSet,
    names: Sequence[str],
    scale: float = 1.0,
    *,
    attributes: Sequence[str] = (),
    scores: bool = False,
    min_score: float = 0.0,
) -> Image.Image:
    """Draws boxes and names on a copy of the image: one colour per class, the highest score on top.

    An image of more than `MAX_NAMED_BOXES` boxes has no names on it, but the number of boxes per class below it.

    Args:
        image: to draw on.
        boxes: in pixels of the unscaled image; sides beyond it are drawn at its border.
        names: of the boxes' labels.
        scale: width of the image over the width of the one that the boxes are of.
        attributes: names of the attributes, written before the class; () leaves them out.
        scores: whether each box's score is written after its name.
        min_score: boxes of a lower score are left out.

    Examples:
        >>> import numpy as np
        >>> cat = BoxSet(np.array([[4.0, 20.0, 60.0, 60.0]]), np.array([0]), np.ones(1))
        >>> white = Image.new("RGB", (64, 64), "white")
        >>> draw_boxes(white, cat, ["cat"]).getpixel((4, 40))
        (214, 48, 49)
    """
    image = image.convert("RGB")
    pen, font = ImageDraw.Draw(image), font_of_size(max(12, round(min(image.size) / 36)))
    line = max(2, round(min(image.size) / 220))
    shown = [place for place in range(len(boxes.labels)) if boxes.scores[place] >= min_score]
    shown.sort(key=lambda place: float(boxes.scores[place]))
    corners = {place: clip_to_image(boxes.boxes_xyxy[place] * scale, image) for place in shown}
    for place in shown:
        x0, y0, x1, y1 = corners[place]
        tone = class_colour(int(boxes.labels[place]))
        pen.rectangle((x0 - 1, y0 - 1, max(x1, x0), max(y1, y0)), outline=tone, width=line)
    if len(shown) > MAX_NAMED_BOXES:
        return with_colour_names(image, _counted([int(boxes.labels[place]) for place in shown], names))
    plates: list[Box] = []
    # The name of the highest score is placed first, so it gets the best place.
    for place in reversed(shown):
        text = one_line(box_text(boxes, place, names, attributes=attributes, scores=scores))
        plate = label_plate(pen, font, text, corners[place], image.size, plates)
        plates.append(plate)
        pen.rectangle(plate, fill=class_colour(int(boxes.labels[place])))
        pen.text((plate[0] + 3, (plate[1] + plate[3]) / 2), text, font=font, fill=(255, 255, 255), anchor="lm")
    return image


def _counted(labels: Sequence[int], names: Sequence[str]) -> list[tuple[str, RGB | None]]:
    return [(f"{count} {names[label]}", class_colour(label)) for label, count in Counter(labels).most_common()]


def box_text(
    boxes: BoxSet, place: int, names: Sequence[str], *, attributes: Sequence[str] = (), scores: bool = False
) -> str:
    """Returns one box as text: "red large cat 0.93".

    Examples:
        >>> import numpy as np
        >>> cat = BoxSet(np.zeros((1, 4)), np.array([0]), np.array([0.93]), ((1, 0),))
        >>> box_text(cat, 0, ["cat"], attributes=["large", "red"], scores=True)
        'red large cat 0.93'
    """
    described = [attributes[index] for index in boxes.attributes[place]] if attributes and boxes.attributes else []
    score = [f"{float(boxes.scores[place]):.2f}"] if scores else []
    return " ".join([*described, names[int(boxes.labels[place])], *score])


def class_colour(label: int) -> RGB:
    """Returns a class's colour, dark enough for white letters; the first ten are the easiest to distinguish.

    Examples:
        >>> len({class_colour(label) for label in range(80)})
        80
    """
    if label < len(_TONES):
        return _TONES[label]
    # Steps of the golden angle never come back to a hue.
    red, green, blue = colorsys.hls_to_rgb(label * 0.381966 % 1.0, 0.26 + 0.04 * (label % 3), 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def clip_to_image(box: Sequence[float], image: Image.Image) -> Box:
    """Returns a box clipped to the image, so that all its lines are visible."""
    x0, y0, x1, y1 = (float(value) for value in box)
    width, height = image.size
    return (
        min(max(x0, 1.0), width - 2.0),
        min(max(y0, 1.0), height - 2.0),
        max(min(x1, width - 1.0), 1.0),
        max(min(y1, height - 1.0), 1.0),
    )


def label_plate(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    text: str,
    box: Box,
    size: tuple[int, int],
    taken: Sequence[Box],
) -> Box:
    """Returns the rectangle of a name: above its box, below it or inside it, where it hides no other name."""
    x0, y0, x1, y1 = box
    width, height = pen.textlength(text, font=font) + 5, font.size * 1.2
    tops = (y0 - height - 1, y1, y0 + 1, y1 - height - 1, y0 + 2 * height, y0 - 2 * height - 1, y1 + height)
    plates = []
    for top in tops:
        for left in (x0 - 1, x1 - width):
            left = max(0.0, min(left, size[0] - width))
            plates.append((left, top, left + width, top + height))
    fitting = [plate for plate in plates if plate[1] >= 0 and plate[3] <= size[1]]
    free = [plate for plate in fitting if not any(_overlap(plate, other) for other in taken)]
    left, top = max(0.0, min(x0 - 1, size[0] - width)), max(0.0, min(y0, size[1] - height))
    return next(iter(free or fitting), (left, top, left + width, top + height))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
