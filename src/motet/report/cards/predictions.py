"""An answer as an image and a few words, by what kind of answer it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from motet.core import BoxSet, Dense, Example, Match, Reader, Task
from motet.evaluation.maps import map_of
from motet.evaluation.retrieval import Split
from motet.preprocess.images import decode
from motet.report import thumbnail
from motet.report.cards.maps import draw_map_panels
from motet.report.draw import (
    GROUND_TRUTH_COLOUR,
    MAX_NAMED_BOXES,
    describe_map,
    draw_boxes,
    draw_referred_boxes,
    framed,
    side_by_side,
)

BOXED = 256
"""Pixels of each image's height where boxes are drawn on it."""
MAPPED = 200
"""Pixels of each map's height."""
FOUND = 132
"""Pixels of each image's height where several were found."""
SURE = 0.3
"""Boxes of a lower score are not shown."""
SHOWN = 4
"""Images or texts of a ranking that are shown, besides the right one."""


@dataclass(frozen=True)
class AnswerCard:
    """What is shown of one answer.

    Args:
        image: encoded.
        prediction: in words.
        truth: in words.
        score: of the row, where the prediction does not say it.
        wide: several images side by side, or one that needs room.
        listed: texts one below the other, each with whether it is right.
        hides_text: the row's text is among them already.
    """

    image: bytes = field(repr=False)
    prediction: str
    ground_truth: str
    score: str = ""
    wide: bool = False
    listed: tuple[tuple[str, bool], ...] = ()
    hides_text: bool = False


def text_card(images: Sequence[Image.Image], line: Mapping[str, Any]) -> AnswerCard:
    """An answer in words, on one image or on several side by side."""
    said, true = text_of(line["prediction"]), text_of(line["ground_truth"])
    if len(images) == 1:
        return AnswerCard(thumbnail(images[0]), said, true)
    titles = ("left", "right") if len(images) == 2 else tuple(str(place + 1) for place in range(len(images)))
    panels = list(zip(titles, images, strict=True))[:SHOWN]
    return AnswerCard(_panels(panels, height=176), said, true, wide=True)


def box_card(image: Image.Image, line: Mapping[str, Any]) -> AnswerCard:
    """What is true beside what was said, each on the image, at a size at which names can be read."""
    said, true = line["prediction"], line["ground_truth"]
    large, scale = _large(image)
    names = {
        **dict(zip(true["labels"], true["names"], strict=True)),
        **dict(zip(said["labels"], said["names"], strict=True)),
    }
    listed = [names.get(label, "") for label in range(max(names, default=-1) + 1)]
    panels = [
        ("true", draw_boxes(large, _box_set(true), listed, scale)),
        ("said", draw_boxes(large, _box_set(said), listed, scale, scores=True, min_score=SURE)),
    ]
    # A crowded image has its names below it, and keeps that height.
    drawn = thumbnail(side_by_side(panels, height=None), size=8 * BOXED)
    return AnswerCard(drawn, _listed(said, said=True), _listed(true), wide=True)


def region_card(image: Image.Image, line: Mapping[str, Any]) -> AnswerCard:
    """The place that a phrase means: the surest box that was said, and the true one in dashes."""
    large, scale = _large(image)
    said, true = line["prediction"], line["ground_truth"]
    best = int(np.argmax(said["scores"])) if said["scores"] else -1
    box = None if best < 0 else said["boxes_xyxy"][best]
    drawn = draw_referred_boxes(large, predicted=box, ground_truth=true, scale=scale)
    overlap = line["scores"].get("region_iou")
    shared = "" if overlap is None else f"IoU {overlap / 100:.2f}"
    return AnswerCard(thumbnail(drawn, size=4 * BOXED), box_text(box), box_text(true), score=shared, wide=True)


def map_card(image: Image.Image, annotation: np.ndarray, line: Mapping[str, Any], target: Dense) -> AnswerCard:
    """A map: the image, the true map, the one that was said, and where that is wrong."""
    said = map_of(line["prediction"], target)
    drawn = draw_map_panels(image, said, target, ground_truth=annotation, height=MAPPED)
    return AnswerCard(
        thumbnail(drawn, size=8 * MAPPED), describe_map(said, target), describe_map(annotation, target), wide=True
    )


def pointing_card(image: Image.Image, example: Example, line: Mapping[str, Any]) -> AnswerCard:
    """Which of some given boxes is meant: all of them thin, the one that was said, the right one in dashes."""
    large, scale = _large(image)
    boxes, said, right = example.candidates, line["prediction"], line["ground_truth"]
    chosen = boxes[said] if isinstance(said, int) and 0 <= said < len(boxes) else None
    drawn = draw_referred_boxes(
        large, predicted=chosen, ground_truth=boxes[right[0]] if right else None, candidates=boxes, scale=scale
    )
    told = "none" if chosen is None else f"box {said + 1} of {len(boxes)}"
    true = " or ".join(f"box {place + 1}" for place in right) or "none"
    return AnswerCard(thumbnail(drawn, size=4 * BOXED), told, true, wide=True)


def choice_card(images: Sequence[Image.Image], example: Example, line: Mapping[str, Any]) -> AnswerCard:
    """Candidates of a row, the best first: texts below the image, or images side by side."""
    first, right = line["ranking"]["first"][:SHOWN], frozenset(line["ground_truth"])
    told = _rank_in_words(line["ranking"], "candidate")
    named = [example.candidates[place] for place in first]
    if set(named) <= set(example.image_ids):
        shown = [(images[example.image_ids.index(name)], place) for name, place in zip(named, first, strict=True)]
        best = [example.candidates[place] for place in sorted(right)]
        return AnswerCard(_row_of(shown, right), told, text_of(best), wide=True)
    listed = tuple((str(name), place in right) for name, place in zip(named, first, strict=True))
    best = [str(example.candidates[place]) for place in sorted(right)]
    return AnswerCard(thumbnail(images[0]), told, text_of(best), listed=listed)


def retrieval_card(reader: Reader, split: Split, row: int, task: Task, line: Mapping[str, Any]) -> AnswerCard:
    """What was found first in a whole split, with the right one marked; where it is not among them, it comes last.

    Args:
        reader: of the split's rows.
        split: its rows and texts.
        row: the one that the query is called by.
        task: which of the two sides is ranked.
        line: of the query.

    Raises:
        DataError: an image that cannot be read.
    """
    assert isinstance(task.target, Match)  # the caller asked for its pool
    ranking, right = line["ranking"], frozenset(line["ground_truth"])
    first = ranking["first"][:SHOWN]
    missed = [] if right & set(first) else sorted(right)[:1]
    if task.target.among == "images":
        panels = [(decode(reader[split.places[place]].images[0]), place) for place in [*first, *missed]]
        true = ", ".join(" ".join(split.rows[place].images) for place in sorted(right))
        image = _row_of(panels, right, rank_of_last=ranking["rank"] if missed else None)
        return AnswerCard(image, _rank_in_words(ranking, "picture"), true, wide=True)
    image = thumbnail(decode(reader[split.places[row]].images[0]))
    listed = tuple((split.texts[place], place in right) for place in first)
    true = text_of([split.texts[place] for place in sorted(right)])
    return AnswerCard(image, _rank_in_words(ranking, "text"), true, listed=listed, hides_text=True)


def text_of(value: Any) -> str:
    """Several answers one after the other, each once."""
    if isinstance(value, list | tuple):
        return " / ".join(dict.fromkeys(map(str, value)))
    return str(value)


def _row_of(
    shown: Iterable[tuple[Image.Image, int]], right: frozenset[int], *, rank_of_last: int | None = None
) -> bytes:
    """Images in the order of their ranks, the right ones framed; the last may have a rank of its own."""
    panels = []
    every = list(shown)
    for number, (image, place) in enumerate(every):
        last = rank_of_last is not None and number == len(every) - 1
        title = f"{rank_of_last if last else number + 1}{' right' if place in right else ''}"
        high = image.convert("RGB").resize((max(1, round(image.width * FOUND / image.height)), FOUND))
        panels.append((title, framed(high, GROUND_TRUTH_COLOUR) if place in right else high))
    return _panels(panels, height=FOUND)


def _panels(panels: Sequence[tuple[str, Image.Image]], *, height: int) -> bytes:
    return thumbnail(side_by_side(panels, height=height), size=4 * BOXED)


def _large(image: Image.Image) -> tuple[Image.Image, float]:
    """An image at a height at which boxes are seen, and how many times larger it is."""
    scale = BOXED / image.height
    return image.convert("RGB").resize((max(1, round(image.width * scale)), BOXED)), scale


def _rank_in_words(ranking: Mapping[str, Any], what: str) -> str:
    if ranking["rank"] is None:
        return f"no {what} is right"
    return f"the right {what} comes {ordinal(ranking['rank'])} of {ranking['among']:,}"


def ordinal(number: int) -> str:
    """A place in words.

    Examples:
        >>> [ordinal(number) for number in (1, 2, 3, 11, 22, 113)]
        ['1st', '2nd', '3rd', '11th', '22nd', '113th']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def box_text(box: Sequence[float] | None) -> str:
    """A box in whole pixels.

    Examples:
        >>> corners_in_words((10.2, 20.0, 30.0, 40.7)), corners_in_words(None)
        ('box 10 20 30 41', 'nothing is meant')
    """
    return "nothing is meant" if box is None else "box " + " ".join(f"{side:.0f}" for side in box)


def _box_set(written: Mapping[str, Any]) -> BoxSet:
    corners = np.asarray(written["boxes_xyxy"], dtype=np.float64).reshape(-1, 4)
    return BoxSet(
        corners, np.asarray(written["labels"], dtype=np.int64), np.asarray(written["scores"], dtype=np.float64)
    )


def _listed(written: Mapping[str, Any], *, said: bool = False) -> str:
    """The things in words, with what is said of them; of those that were said, the sure ones. Of a crowd, how many."""
    described = written.get("described") or [()] * len(written["names"])
    rows = sorted(zip(written["scores"], written["names"], described, strict=True), key=lambda row: -row[0])
    shown = [(score, " ".join([*words, name])) for score, name, words in rows if not said or score >= SURE]
    if len(shown) > MAX_NAMED_BOXES:
        return ", ".join(f"{count} {name}" for name, count in Counter(name for _, name in shown).most_common())
    return ", ".join(f"{name} {score:.2f}" if said else name for score, name in shown)
