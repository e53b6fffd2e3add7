"""A contact sheet: scenes with their annotations drawn on them, for a person to look at."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from motet.core import Example
from motet.drawing import draw_boxes, letters
from motet.scenes.annotate import FAR_M
from motet.scenes.drawings import CREDIT
from motet.scenes.reader import Scenes

_INK, _PAPER, _QUIET = (28, 28, 32), (252, 252, 250), (95, 95, 105)
_LINE = 17
_TONES = ((230, 60, 50), (40, 110, 220), (30, 150, 70), (200, 120, 10), (140, 60, 180), (20, 150, 160))


def contact_sheet(
    scenes: Scenes, pictures: Sequence[int], *, side: int = 176, languages: Sequence[str] = ("de",)
) -> Image.Image:
    """Scenes row by row: the picture with boxes, its regions, depth, normals and edges, and what is said of it.

    The credit that the drawings' licence asks for stands at the foot.

    Args:
        scenes: the reader; with `ask` set, its question and answer are shown.
        pictures: which rows.
        side: pixels of each small picture's shorter side.
        languages: whose captions are shown beside the English ones.
    """
    scale = side / min(scenes.size_hw)
    tile_h, tile_w = (round(pixels * scale) for pixels in scenes.size_hw)
    words_w, gap = 2 * side, 8
    examples = [scenes[index] for index in pictures]
    words = [_lines(example.labels, example.text, languages, max(16, round(words_w / 7.4))) for example in examples]
    heights = [max(tile_h, _LINE * len(lines)) + gap for lines in words]
    canvas = Image.new("RGB", (5 * (tile_w + gap) + words_w + gap, sum(heights) + gap + 26), _PAPER)
    pen = ImageDraw.Draw(canvas)
    top = gap
    for example, lines, height in zip(examples, words, heights, strict=True):
        for column, tile in enumerate(_tiles(example, scenes.names, (tile_w, tile_h))):
            canvas.paste(tile, (gap + column * (tile_w + gap), top))
        for i, (line, ink) in enumerate(lines):
            pen.text((gap + 5 * (tile_w + gap), top + _LINE * i), line, font=letters(14), fill=ink)
        top += height
    pen.text((gap, canvas.height - 24), CREDIT, font=letters(14), fill=_QUIET)
    return canvas


def _tiles(example: Example, names: Sequence[str], size: tuple[int, int]) -> list[Image.Image]:
    labels = example.labels
    picture = Image.open(io.BytesIO(example.images[0].read())).convert("RGB")
    smooth, hard = Image.Resampling.LANCZOS, Image.Resampling.NEAREST
    boxed = draw_boxes(picture.resize(size, smooth), labels["boxes"], names, size[1] / picture.height)
    return [
        boxed,
        Image.fromarray(_regions(labels["instances"])).resize(size, hard),
        Image.fromarray(_depth(labels["depth"])).resize(size, hard),
        Image.fromarray(((labels["normals"] * (1, -1, 1) + 1) * 127.5).astype(np.uint8)).resize(size, hard),
        Image.fromarray((255 * (1 - labels["edges"])).astype(np.uint8)).convert("RGB").resize(size, hard),
    ]


def _regions(instances: np.ndarray) -> np.ndarray:
    colours = np.array([(225, 225, 222), *_TONES], dtype=np.uint8)
    picture: np.ndarray = colours[instances + 1]
    return picture


def _depth(depth_m: np.ndarray) -> np.ndarray:
    near = np.clip(1 - (depth_m - 1.5) / (FAR_M - 1.5), 0, 1)[..., None]
    far_tone, near_tone = np.array((40, 20, 90)), np.array((255, 235, 120))
    picture: np.ndarray = (far_tone + near * (near_tone - far_tone)).astype(np.uint8)
    return picture


def _lines(
    labels: Mapping[str, Any], question: str | tuple[str, ...], languages: Sequence[str], per_line: int
) -> list[tuple[str, tuple[int, int, int]]]:
    lines = [(text, _INK) for text in labels["captions"]]
    lines += [(text, _QUIET) for language in languages for text in labels[f"captions_{language}"]]
    if "text" in labels:
        lines.append((f"reads: {labels['text'][0]}", _INK))
    if "answer" in labels:
        lines.append((f"{question} {labels['answer']}", (20, 90, 170)))
    sizes = ", ".join(f"{size} {colour}" for size, colour in zip(labels["sizes"], labels["colours"], strict=True))
    lines.append((f"sizes and colours: {sizes}", _QUIET))
    return [(line, ink) for text, ink in lines for line in textwrap.wrap(text, per_line)]
