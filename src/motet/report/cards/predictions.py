"""Cards of predictions: an image with the prediction drawn on it, and prediction and ground truth as text.

There is one function per kind of prediction. `line` is a line of the run's file of predictions
(`motet.evaluation.predictions_io`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from motet.core import BoxSet, Dense, Example, Match, Reader, Task
from motet.evaluation.maps import map_from_json
from motet.evaluation.retrieval import Split
from motet.preprocess.images import decode
from motet.report.cards.hardest import MIN_SCORE
from motet.report.cards.maps import draw_map_panels
from motet.report.content import PredictionCard
from motet.report.draw import (
    GROUND_TRUTH_COLOUR,
    MAX_NAMED_BOXES,
    describe_map,
    draw_boxes,
    draw_referred_boxes,
    framed,
    side_by_side,
    thumbnail,
)

BOX_HEIGHT = 256
"""Pixels of an image's height where boxes are drawn on it."""
MAP_HEIGHT = 200
"""Pixels of each map's height."""
RANKED_HEIGHT = 132
"""Pixels of each image's height in a ranking."""
TEXT_HEIGHT = 176
"""Pixels of each image's height where there are several."""
MAX_RANKED = 4
"""Images or texts of a ranking on a card, besides the correct one."""

Line = Mapping[str, Any]


def text_card(images: Sequence[Image.Image], line: Line) -> PredictionCard:
    """Returns the card of a generated text or a class, on one image or on several side by side."""
    predicted, ground_truth = joined(line["prediction"]), joined(line["ground_truth"])
    if len(images) == 1:
        return _card(line, thumbnail(images[0]), predicted, ground_truth)
    titles = ("left", "right") if len(images) == 2 else tuple(str(place + 1) for place in range(len(images)))
    panels = list(zip(titles, images, strict=True))[:MAX_RANKED]
    return _card(line, _panels(panels, height=TEXT_HEIGHT), predicted, ground_truth, wide=True)


def box_card(image: Image.Image, line: Line) -> PredictionCard:
    """Returns the card of a detection: annotated boxes beside predicted ones, large enough to read their names."""
    predicted, ground_truth = line["prediction"], line["ground_truth"]
    large, scale = _large(image)
    by_label = {
        **dict(zip(ground_truth["labels"], ground_truth["names"], strict=True)),
        **dict(zip(predicted["labels"], predicted["names"], strict=True)),
    }
    names = [by_label.get(label, "") for label in range(max(by_label, default=-1) + 1)]
    panels = [
        ("ground truth", draw_boxes(large, _box_set(ground_truth), names, scale)),
        ("predicted", draw_boxes(large, _box_set(predicted), names, scale, scores=True, min_score=MIN_SCORE)),
    ]
    # An image with many boxes has their names below it, so the panels keep their own heights.
    drawn = thumbnail(side_by_side(panels, height=None), size=8 * BOX_HEIGHT)
    return _card(line, drawn, _boxes_text(predicted, predicted=True), _boxes_text(ground_truth), wide=True)


def region_card(image: Image.Image, line: Line) -> PredictionCard:
    """Returns the card of a referring expression: the predicted box of the highest score, the annotated one dashed."""
    large, scale = _large(image)
    predicted, ground_truth = line["prediction"], line["ground_truth"]
    best = int(np.argmax(predicted["scores"])) if predicted["scores"] else -1
    box = None if best < 0 else predicted["boxes_xyxy"][best]
    drawn = draw_referred_boxes(large, predicted=box, ground_truth=ground_truth, scale=scale)
    overlap = line["scores"].get("region_iou")
    score = "" if overlap is None else f"IoU {overlap / 100:.2f}"
    image_file = thumbnail(drawn, size=4 * BOX_HEIGHT)
    return _card(line, image_file, corners_text(box), corners_text(ground_truth), score=score, wide=True)


def map_card(image: Image.Image, annotation: np.ndarray, line: Line, target: Dense) -> PredictionCard:
    """Returns the card of a dense map: image, ground truth, prediction and errors side by side."""
    predicted = map_from_json(line["prediction"], target)
    drawn = draw_map_panels(image, predicted, target, ground_truth=annotation, height=MAP_HEIGHT)
    return _card(
        line,
        thumbnail(drawn, size=8 * MAP_HEIGHT),
        describe_map(predicted, target),
        describe_map(annotation, target),
        wide=True,
    )


def pointing_card(image: Image.Image, example: Example, line: Line) -> PredictionCard:
    """Returns the card of a choice among given boxes: thin candidates, the predicted box, the correct one dashed."""
    large, scale = _large(image)
    boxes, index, correct = example.candidates, line["prediction"], line["ground_truth"]
    chosen = boxes[index] if isinstance(index, int) and 0 <= index < len(boxes) else None
    drawn = draw_referred_boxes(
        large, predicted=chosen, ground_truth=boxes[correct[0]] if correct else None, candidates=boxes, scale=scale
    )
    predicted = "none" if chosen is None else f"box {index + 1} of {len(boxes)}"
    ground_truth = " or ".join(f"box {place + 1}" for place in correct) or "none"
    return _card(line, thumbnail(drawn, size=4 * BOX_HEIGHT), predicted, ground_truth, wide=True)


def choice_card(images: Sequence[Image.Image], example: Example, line: Line) -> PredictionCard:
    """Returns the card of a row's ranked candidates: texts below the image, or images side by side."""
    first, correct = line["ranking"]["first"][:MAX_RANKED], frozenset(line["ground_truth"])
    predicted = _rank_text(line["ranking"], "candidate")
    candidates = [example.candidates[place] for place in first]
    best = [str(example.candidates[place]) for place in sorted(correct)]
    if set(candidates) <= set(example.image_ids):
        ranked = [(images[example.image_ids.index(name)], place) for name, place in zip(candidates, first, strict=True)]
        return _card(line, _ranked_images(ranked, correct), predicted, joined(best), wide=True)
    texts = tuple((str(text), place in correct) for text, place in zip(candidates, first, strict=True))
    return _card(line, thumbnail(images[0]), predicted, joined(best), ranked_texts=texts)


def retrieval_card(reader: Reader, split: Split, row: int, task: Task, line: Line) -> PredictionCard:
    """Returns the card of a query that ranks a whole split; a correct one that is not among the first comes last.

    Args:
        reader: of the split's rows.
        split: its rows and texts.
        row: place of the query's row.
        task: its target says whether images or texts are ranked.
        line: of the query.

    Raises:
        DataError: an image that cannot be read.
    """
    assert isinstance(task.target, Match)  # only tasks of this target rank a split
    ranking, correct = line["ranking"], frozenset(line["ground_truth"])
    first = ranking["first"][:MAX_RANKED]
    if task.target.among == "images":
        missed = [] if correct & set(first) else sorted(correct)[:1]
        panels = [(decode(reader[split.places[place]].images[0]), place) for place in [*first, *missed]]
        image = _ranked_images(panels, correct, rank_of_last=ranking["rank"] if missed else None)
        ground_truth = ", ".join(" ".join(split.rows[place].images) for place in sorted(correct))
        return _card(line, image, _rank_text(ranking, "image"), ground_truth, wide=True)
    image = thumbnail(decode(reader[split.places[row]].images[0]))
    texts = tuple((split.texts[place], place in correct) for place in first)
    ground_truth = joined([split.texts[place] for place in sorted(correct)])
    # The row's own text is one of those that are ranked, so it is no prompt.
    return _card(line, image, _rank_text(ranking, "text"), ground_truth, ranked_texts=texts, prompt="")


def joined(value: Any) -> str:
    """Returns one answer, or several without repetitions, separated by slashes.

    Examples:
        >>> joined(("yes", "no", "yes")), joined(3)
        ('yes / no', '3')
    """
    if isinstance(value, list | tuple):
        return " / ".join(dict.fromkeys(map(str, value)))
    return str(value)


def ordinal(number: int) -> str:
    """Returns an ordinal number in short form.

    Examples:
        >>> [ordinal(number) for number in (1, 2, 3, 11, 22, 113)]
        ['1st', '2nd', '3rd', '11th', '22nd', '113th']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def corners_text(box: Sequence[float] | None) -> str:
    """Returns the corners of a box in whole pixels.

    Examples:
        >>> corners_text((10.2, 20.0, 30.0, 40.7)), corners_text(None)
        ('box 10 20 30 41', 'no box')
    """
    return "no box" if box is None else "box " + " ".join(f"{side:.0f}" for side in box)


def _card(line: Line, image: bytes, prediction: str, ground_truth: str, **fields: Any) -> PredictionCard:
    """Returns a card with the task and the prompt of a line."""
    fields = {"prompt": joined(line["text"])} | fields
    return PredictionCard(image=image, task=line["task"], prediction=prediction, ground_truth=ground_truth, **fields)


def _ranked_images(
    ranked: Iterable[tuple[Image.Image, int]], correct: frozenset[int], *, rank_of_last: int | None = None
) -> bytes:
    """Returns images in the order of their ranks, the correct ones framed; the last may have a rank of its own."""
    panels = []
    images = list(ranked)
    for number, (image, place) in enumerate(images):
        last = rank_of_last is not None and number == len(images) - 1
        title = f"{rank_of_last if last else number + 1}{' correct' if place in correct else ''}"
        size = max(1, round(image.width * RANKED_HEIGHT / image.height)), RANKED_HEIGHT
        resized = image.convert("RGB").resize(size)
        panels.append((title, framed(resized, GROUND_TRUTH_COLOUR) if place in correct else resized))
    return _panels(panels, height=RANKED_HEIGHT)


def _panels(panels: Sequence[tuple[str, Image.Image]], *, height: int) -> bytes:
    return thumbnail(side_by_side(panels, height=height), size=4 * BOX_HEIGHT)


def _large(image: Image.Image) -> tuple[Image.Image, float]:
    """Returns an image resized for drawing boxes, and the factor by which it is larger than the original."""
    scale = BOX_HEIGHT / image.height
    return image.convert("RGB").resize((max(1, round(image.width * scale)), BOX_HEIGHT)), scale


def _rank_text(ranking: Mapping[str, Any], noun: str) -> str:
    if ranking["rank"] is None:
        return f"no correct {noun}"
    return f"correct {noun} ranked {ordinal(ranking['rank'])} of {ranking['among']:,}"


def _box_set(boxes: Mapping[str, Any]) -> BoxSet:
    corners = np.asarray(boxes["boxes_xyxy"], dtype=np.float64).reshape(-1, 4)
    return BoxSet(corners, np.asarray(boxes["labels"], dtype=np.int64), np.asarray(boxes["scores"], dtype=np.float64))


def _boxes_text(boxes: Mapping[str, Any], *, predicted: bool = False) -> str:
    """Returns the names of boxes with their attributes; of predictions only those drawn, of many boxes the counts."""
    attributes = boxes.get("described") or [()] * len(boxes["names"])
    rows = sorted(zip(boxes["scores"], boxes["names"], attributes, strict=True), key=lambda row: -row[0])
    drawn = [(score, " ".join([*words, name])) for score, name, words in rows if not predicted or score >= MIN_SCORE]
    if len(drawn) > MAX_NAMED_BOXES:
        return ", ".join(f"{count} {name}" for name, count in Counter(name for _, name in drawn).most_common())
    return ", ".join(f"{name} {score:.2f}" if predicted else name for score, name in drawn)
