"""Rows of a source with what is true of them: boxes and places on the image, maps beside it, the rest in words."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from motet.core import BoxSet, Example, Task
from motet.core.target import Boxes, Dense, Label, Masked, Match, Region
from motet.data.check import misfit
from motet.data.map_values import valid_pixels
from motet.data.source import Source
from motet.preprocess.images import decode
from motet.report.cards.maps import resize_for_drawing
from motet.report.cards.predictions import box_text, text_of
from motet.report.draw import depth_range, describe_map, draw_boxes, draw_map, draw_referred_boxes, with_legend
from motet.report.gallery import evenly_spaced
from motet.report.pages.data import RowCard

HEIGHT = 220
"""Pixels of each image and map."""
MOST_IMAGES = 4
"""Images of a row that are shown; a video has more."""
MOST_LETTERS = 300
"""Of a truth in words."""


def row_cards(source: Source, most: int) -> Iterator[RowCard]:
    """Rows spread evenly over a source, drawn.

    Args:
        source: its reader and its tasks.
        most: rows, at most.

    Raises:
        DataError: a row or an image that cannot be read.
    """
    for example in evenly_spaced(source, most):
        yield row_card(example, source.tasks)


def row_card(example: Example, tasks: tuple[Task, ...]) -> RowCard:
    """A row with what is true of it; a task that it has no truth of is passed over.

    Args:
        example: the row.
        tasks: what is asked of it.

    Raises:
        DataError: an image that cannot be read.
    """
    images = [decode(image) for image in example.images[:MOST_IMAGES]]
    drawn = [(_title(place, len(images)), _high(picture)) for place, picture in enumerate(images)]
    said, wrong = [], []
    asked = dict.fromkeys(task.prompt_for(example) for task in tasks)
    said += [("asked", text) for text in asked if text]
    for task in tasks:
        if task.label not in example.labels or isinstance(task.target, Masked):
            continue
        annotation = task.annotation_of(example)
        if (reason := misfit(annotation, task.target)) is not None:
            wrong.append((task.name, reason))
            continue
        said.append((task.name, _cut(annotation_text(annotation, task, example))))
        if images and (panel := _drawn(images[0], annotation, task, example)) is not None:
            drawn.append((task.name, panel))
    return RowCard(example.id, tuple((title, _png(one)) for title, one in drawn), tuple(said), tuple(wrong))


def annotation_text(annotation: Any, task: Task, example: Example) -> str:
    """A truth that fits its task, in a line.

    Args:
        truth: the row's annotation.
        task: whose it is.
        example: the row, for its candidates.
    """
    match task.target:
        case Dense() as target:
            unknown = 1.0 - float(np.mean(valid_pixels(annotation)))
            return describe_map(annotation, target) + (f"; {100 * unknown:.0f} % not known" if unknown >= 0.005 else "")
        case Boxes(names=names):
            counts = Counter(names[int(label)] for label in annotation.labels).most_common()
            return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"
        case Region():
            return box_text(annotation)
        case Label(names=names):
            return names[int(annotation)]
        case Match("texts", "row"):
            return text_of([example.candidates[place] for place in sorted(annotation)])
        case Match(among, "row"):
            kind = "box" if among == "regions" else "picture"
            return " or ".join(f"{kind} {place + 1} of {len(example.candidates)}" for place in sorted(annotation))
        case _:
            return text_of(annotation)


def _drawn(image: Image.Image, annotation: Any, task: Task, example: Example) -> Image.Image | None:
    """The truth as an image; None where words say it all."""
    large = _high(image)
    scale = large.height / image.height
    match task.target:
        case Dense() as target:
            return draw_annotation(annotation, target, (large.height, large.width))
        case Boxes(names=names) if isinstance(annotation, BoxSet):
            return draw_boxes(large, annotation, names, scale)
        case Region():
            return draw_referred_boxes(large, ground_truth=annotation, scale=scale, titles=("", ""))
        case Match("regions", "row"):
            right = example.candidates[min(annotation)]
            return draw_referred_boxes(
                large, ground_truth=right, candidates=example.candidates, scale=scale, titles=("", "")
            )
        case _:
            return None


def draw_annotation(annotation: np.ndarray, target: Dense, size_hw: tuple[int, int]) -> Image.Image:
    """A true map at a size, with what its colours mean below it.

    Args:
        truth: (h, w) or (h, w, channels).
        target: what kind of map.
        size_hw: of the image.
    """
    flat = annotation[..., 0] if annotation.ndim == 3 and annotation.shape[-1] == 1 else annotation
    low, high = depth_range([flat]) if target.unit == "metre" else (None, None)
    drawn = draw_map(resize_for_drawing(flat, target, size_hw), target, low=low, high=high)
    return with_legend(drawn, target, [flat])


def _title(place: int, count: int) -> str:
    return "picture" if count == 1 else f"picture {place + 1}"


def _high(image: Image.Image) -> Image.Image:
    width = max(1, round(image.width * HEIGHT / image.height))
    smooth = Image.Resampling.NEAREST if image.height < HEIGHT // 2 else Image.Resampling.LANCZOS
    return image.convert("RGB").resize((width, HEIGHT), smooth)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()
