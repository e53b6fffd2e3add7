"""Rows of a source with what is true of them: boxes and places on the picture, maps beside it, the rest in words."""

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
from motet.drawing import draw_boxes, draw_map, draw_places, map_in_words, metres_of, with_legend
from motet.prep.images import decode
from motet.recipes.gallery import spread
from motet.recipes.shown_answers import corners_in_words, text_of
from motet.recipes.shown_maps import fitted
from motet.report.data_page import ShownRow

HEIGHT = 220
"""Pixels of each picture and map."""
MOST_PICTURES = 4
"""Pictures of a row that are shown; a video has more."""
MOST_LETTERS = 300
"""Of a truth in words."""


def shown_rows(source: Source, most: int) -> Iterator[ShownRow]:
    """Rows spread evenly over a source, drawn.

    Args:
        source: its reader and its tasks.
        most: rows, at most.

    Raises:
        DataError: a row or a picture that cannot be read.
    """
    for example in spread(source, most):
        yield shown_row(example, source.tasks)


def shown_row(example: Example, tasks: tuple[Task, ...]) -> ShownRow:
    """A row with what is true of it; a task that it has no truth of is passed over.

    Args:
        example: the row.
        tasks: what is asked of it.

    Raises:
        DataError: a picture that cannot be read.
    """
    pictures = [decode(image) for image in example.images[:MOST_PICTURES]]
    drawn = [(_title(place, len(pictures)), _high(picture)) for place, picture in enumerate(pictures)]
    said, wrong = [], []
    asked = dict.fromkeys(task.asked(example) for task in tasks)
    said += [("asked", text) for text in asked if text]
    for task in tasks:
        if task.label not in example.labels or isinstance(task.target, Masked):
            continue
        truth = task.truth(example)
        if (reason := misfit(truth, task.target)) is not None:
            wrong.append((task.name, reason))
            continue
        said.append((task.name, _cut(truth_in_words(truth, task, example))))
        if pictures and (panel := _drawn(pictures[0], truth, task, example)) is not None:
            drawn.append((task.name, panel))
    return ShownRow(example.id, tuple((title, _png(one)) for title, one in drawn), tuple(said), tuple(wrong))


def truth_in_words(truth: Any, task: Task, example: Example) -> str:
    """A truth that fits its task, in a line.

    Args:
        truth: the row's annotation.
        task: whose it is.
        example: the row, for its candidates.
    """
    match task.target:
        case Dense() as target:
            unknown = 1.0 - float(np.mean(valid_pixels(truth)))
            return map_in_words(truth, target) + (f"; {100 * unknown:.0f} % not known" if unknown >= 0.005 else "")
        case Boxes(names=names):
            counts = Counter(names[int(label)] for label in truth.labels).most_common()
            return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"
        case Region():
            return corners_in_words(truth)
        case Label(names=names):
            return names[int(truth)]
        case Match("texts", "row"):
            return text_of([example.candidates[place] for place in sorted(truth)])
        case Match(among, "row"):
            kind = "box" if among == "regions" else "picture"
            return " or ".join(f"{kind} {place + 1} of {len(example.candidates)}" for place in sorted(truth))
        case _:
            return text_of(truth)


def _drawn(picture: Image.Image, truth: Any, task: Task, example: Example) -> Image.Image | None:
    """The truth as a picture; None where words say it all."""
    large = _high(picture)
    scale = large.height / picture.height
    match task.target:
        case Dense() as target:
            return drawn_truth(truth, target, (large.height, large.width))
        case Boxes(names=names) if isinstance(truth, BoxSet):
            return draw_boxes(large, truth, names, scale)
        case Region():
            return draw_places(large, true=truth, scale=scale, titles=("", ""))
        case Match("regions", "row"):
            right = example.candidates[min(truth)]
            return draw_places(large, true=right, candidates=example.candidates, scale=scale, titles=("", ""))
        case _:
            return None


def drawn_truth(truth: np.ndarray, target: Dense, size_hw: tuple[int, int]) -> Image.Image:
    """A true map at a size, with what its colours mean below it.

    Args:
        truth: (h, w) or (h, w, channels).
        target: what kind of map.
        size_hw: of the picture.
    """
    flat = truth[..., 0] if truth.ndim == 3 and truth.shape[-1] == 1 else truth
    low, high = metres_of([flat]) if target.unit == "metre" else (None, None)
    drawn = draw_map(fitted(flat, target, size_hw), target, low=low, high=high)
    return with_legend(drawn, target, [flat])


def _title(place: int, count: int) -> str:
    return "picture" if count == 1 else f"picture {place + 1}"


def _high(picture: Image.Image) -> Image.Image:
    width = max(1, round(picture.width * HEIGHT / picture.height))
    smooth = Image.Resampling.NEAREST if picture.height < HEIGHT // 2 else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize((width, HEIGHT), smooth)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return file.getvalue()
