"""Cards of data set rows: boxes and regions drawn on the image, maps beside it, other annotations as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from motet.core import BoxSet, Example, Task
from motet.core.target import Boxes, Dense, Label, Masked, Match, Panoptic, Region
from motet.data.check import annotation_error
from motet.data.map_values import valid_pixels
from motet.data.source import Source
from motet.preprocess.images import decode
from motet.report.cards.maps import resize_for_drawing
from motet.report.cards.predictions import corners_text, joined
from motet.report.cards.rows import evenly_spaced
from motet.report.content import RowCard
from motet.report.draw import (
    depth_range,
    describe_map,
    draw_boxes,
    draw_map,
    draw_referred_boxes,
    encode_png,
    with_legend,
)
from motet.report.draw.panoptic import describe_segments, draw_segments

HEIGHT = 220
"""Pixels of each image's and map's height."""
MAX_IMAGES = 4
"""Images of a row on its card; a video has more."""
MAX_LETTERS = 300
"""Letters of an annotation as text."""


def row_cards(source: Source, most: int) -> Iterator[RowCard]:
    """Yields the cards of rows that are evenly spaced over a source.

    Args:
        source: its reader and its tasks.
        most: the largest number of rows.

    Raises:
        DataError: a row or an image that cannot be read.
    """
    for example in evenly_spaced(source, most):
        yield row_card(example, source.tasks)


def row_card(example: Example, tasks: tuple[Task, ...]) -> RowCard:
    """Returns a row with its annotations; a task without an annotation is left out.

    Args:
        example: the row.
        tasks: of its source.

    Raises:
        DataError: an image that cannot be read.
    """
    images = [decode(image) for image in example.images[:MAX_IMAGES]]
    drawn = [(_title(place, len(images)), _resized(image)) for place, image in enumerate(images)]
    prompts = dict.fromkeys(task.prompt_for(example) for task in tasks)
    texts, problems = [("prompt", text) for text in prompts if text], []
    for task in tasks:
        if task.label not in example.labels or isinstance(task.target, Masked):
            continue
        annotation = task.annotation_of(example)
        if (reason := annotation_error(annotation, task.target)) is not None:
            problems.append((task.name, reason))
            continue
        texts.append((task.name, _cut(annotation_text(annotation, task, example))))
        if images and (panel := _drawn(images[0], annotation, task, example)) is not None:
            drawn.append((task.name, panel))
    return RowCard(example.id, tuple((title, encode_png(one)) for title, one in drawn), tuple(texts), tuple(problems))


def annotation_text(annotation: Any, task: Task, example: Example) -> str:
    """Returns a valid annotation as one line of text.

    Args:
        annotation: of the row.
        task: whose annotation it is.
        example: the row, for its candidates.
    """
    match task.target:
        case Dense() as target:
            unknown = 1.0 - float(np.mean(valid_pixels(annotation)))
            suffix = f"; {100 * unknown:.0f} % not annotated" if unknown >= 0.005 else ""
            return describe_map(annotation, target) + suffix
        case Boxes(names=names):
            counts = Counter(names[int(label)] for label in annotation.labels).most_common()
            return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"
        case Panoptic() as target:
            return describe_segments(annotation, target)
        case Region():
            return corners_text(annotation)
        case Label(names=names):
            return names[int(annotation)]
        case Match("texts", "row"):
            return joined([example.candidates[place] for place in sorted(annotation)])
        case Match(among, "row"):
            kind = "box" if among == "regions" else "image"
            return " or ".join(f"{kind} {place + 1} of {len(example.candidates)}" for place in sorted(annotation))
        case _:
            return joined(annotation)


def _drawn(image: Image.Image, annotation: Any, task: Task, example: Example) -> Image.Image | None:
    """Returns the annotation drawn on or beside the image; None for one that is only text."""
    large = _resized(image)
    scale = large.height / image.height
    match task.target:
        case Dense() as target:
            return draw_annotation(annotation, target, (large.height, large.width))
        case Boxes(names=names) if isinstance(annotation, BoxSet):
            return draw_boxes(large, annotation, names, scale)
        case Panoptic() as target:
            return draw_segments(large, annotation.resized((large.height, large.width)), target)
        case Region():
            return draw_referred_boxes(large, ground_truth=annotation, scale=scale, titles=("", ""))
        case Match("regions", "row"):
            correct = example.candidates[min(annotation)]
            return draw_referred_boxes(
                large, ground_truth=correct, candidates=example.candidates, scale=scale, titles=("", "")
            )
        case _:
            return None


def draw_annotation(annotation: np.ndarray, target: Dense, size_hw: tuple[int, int]) -> Image.Image:
    """Returns an annotated map at a given size, with its legend below.

    Args:
        annotation: (h, w) or (h, w, channels).
        target: the kind of map.
        size_hw: of the image.
    """
    flat = annotation[..., 0] if annotation.ndim == 3 and annotation.shape[-1] == 1 else annotation
    low, high = depth_range([flat]) if target.unit == "metre" else (None, None)
    drawn = draw_map(resize_for_drawing(flat, target, size_hw), target, low=low, high=high)
    return with_legend(drawn, target, [flat])


def _title(place: int, count: int) -> str:
    return "image" if count == 1 else f"image {place + 1}"


def _resized(image: Image.Image) -> Image.Image:
    width = max(1, round(image.width * HEIGHT / image.height))
    # Small images keep their hard pixels; smoothing would hide what the model sees.
    resample = Image.Resampling.NEAREST if image.height < HEIGHT // 2 else Image.Resampling.LANCZOS
    return image.convert("RGB").resize((width, HEIGHT), resample)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."
