"""Drawing of the one region that a phrase, a question or a dialog refers to, among its candidates."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from motet.core.printable import one_line
from motet.report.draw.boxes import Box, clip_to_image, label_plate
from motet.report.draw.lettering import RGB, font_of_size

GROUND_TRUTH_COLOUR: RGB = (0, 128, 96)
PREDICTED_COLOUR: RGB = (208, 76, 0)
_CANDIDATE: RGB = (250, 250, 250)
_SHADE: RGB = (70, 70, 78)


def draw_referred_boxes(
    image: Image.Image,
    *,
    predicted: Sequence[float] | None = None,
    ground_truth: Sequence[float] | None = None,
    candidates: Sequence[Sequence[float]] = (),
    scale: float = 1.0,
    titles: tuple[str, str] = ("predicted", "ground truth"),
) -> Image.Image:
    """Draws the predicted box, the annotated one dashed, and thin candidates on a copy of the image.

    The dashes leave gaps, so that two boxes at the same place are both visible.

    Args:
        image: to draw on.
        predicted: left, top, right, bottom in pixels of the unscaled image; None for no box.
        ground_truth: as `predicted`.
        candidates: boxes to choose from.
        scale: width of the image over the width of the one that the boxes are of.
        titles: text at the two boxes; "" for none.

    Examples:
        >>> grey = Image.new("RGB", (64, 64), "grey")
        >>> draw_referred_boxes(grey, predicted=(10, 30, 50, 50)).getpixel((10, 40)) == PREDICTED_COLOUR
        True
    """
    image = image.convert("RGB")
    pen, font = ImageDraw.Draw(image), font_of_size(max(12, round(min(image.size) / 24)))
    line = max(2, round(min(image.size) / 110))
    for candidate in candidates:
        x0, y0, x1, y1 = _scaled(candidate, scale, image)
        pen.rectangle((x0 - 1, y0 - 1, max(x1, x0) + 1, max(y1, y0) + 1), outline=_SHADE)
        pen.rectangle((x0, y0, max(x1, x0), max(y1, y0)), outline=_CANDIDATE)
    shown = [
        (box, tone, title)
        for box, tone, title in (
            (predicted, PREDICTED_COLOUR, one_line(titles[0])),
            (ground_truth, GROUND_TRUTH_COLOUR, one_line(titles[1])),
        )
    ]
    plates: list[Box] = []
    for box, tone, _ in shown:
        if box is not None:
            _outline(pen, _scaled(box, scale, image), tone, line, dashed=tone == GROUND_TRUTH_COLOUR)
    for box, tone, title in shown:
        if box is not None and title:
            plate = label_plate(pen, font, title, _scaled(box, scale, image), image.size, plates)
            plates.append(plate)
            pen.rectangle(plate, fill=tone)
            pen.text((plate[0] + 3, (plate[1] + plate[3]) / 2), title, font=font, fill=(255, 255, 255), anchor="lm")
    return image


def _scaled(box: Sequence[float], scale: float, image: Image.Image) -> Box:
    return clip_to_image([float(side) * scale for side in box], image)


def _outline(pen: ImageDraw.ImageDraw, box: Box, tone: RGB, line: int, *, dashed: bool) -> None:
    x0, y0, x1, y1 = box[0], box[1], max(box[0], box[2]), max(box[1], box[3])
    if not dashed:
        pen.rectangle((x0 - line // 2, y0 - line // 2, x1 + line // 2, y1 + line // 2), outline=tone, width=line)
        return
    dash = 4 * line
    for start, stop, at, flat in ((x0, x1, y0, True), (x0, x1, y1, True), (y0, y1, x0, False), (y0, y1, x1, False)):
        for begin in range(round(start), max(round(stop), round(start) + 1), 2 * dash):
            end = min(begin + dash, stop)
            pen.line(((begin, at), (end, at)) if flat else ((at, begin), (at, end)), fill=tone, width=line)
