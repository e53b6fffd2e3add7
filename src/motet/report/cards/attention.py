"""What words and regions look at, drawn on some rows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from motet.core import AttentionMaps, DataError, Example, System, Task
from motet.data.source import Source
from motet.evaluation.task_evaluation import predicting
from motet.preprocess.images import decode
from motet.report import PredictionCard, RunRecord, thumbnail
from motet.report.cards.predictions import text_of
from motet.report.draw import draw_heat, side_by_side, with_weights
from motet.report.gallery import evaluated_tasks, evenly_spaced

HIGH = 168
"""Pixels of each image's height."""
HEADS = 4
"""Heads that are shown, the first ones."""


@dataclass(frozen=True)
class HeadAttention:
    """One head of one layer, as it is drawn.

    Args:
        regions: how much the words look at each region, the mean over words.
        words: how much the regions look at each word, the mean over regions.
    """

    regions: np.ndarray
    words: np.ndarray


def attention_cards(
    system: System, sources: Sequence[Source], run: RunRecord, *, per_task: int
) -> Iterator[PredictionCard]:
    """Some rows of every task whose attention the system tells, its last layer drawn on the image, head by head.

    Args:
        system: in eval mode or not; on any device.
        sources: of the run.
        run: its report says which source each task was judged on.
        per_task: rows a task.
    """
    with predicting(system):
        for _, source, task in evaluated_tasks(sources, run):
            layers = system.attention_layers(task.name) if task.name in system.tasks else 0
            for example in evenly_spaced(source, per_task) if layers else ():
                try:
                    yield _card(system, task, example, layers)
                except DataError:
                    continue  # a row that cannot be read was counted when it was judged


def _card(system: System, task: Task, example: Example, layers: int) -> PredictionCard:
    row = system.processor.row(example, (task,), None)
    device = next((parameter.device for parameter in system.parameters()), torch.device("cpu"))
    batch = system.processor.collate([row], keep_annotations=False).to(device)
    (seen,) = system.attention(batch, task.name, [layers - 1])
    image = decode(example.images[0])
    return PredictionCard(
        image=draw_attention(image, seen),
        task=task.name,
        prompt=text_of(example.text),
        prediction=f"co-attention {layers} of {layers}",
        ground_truth="",
        wide=True,
    )


def draw_attention(image: Image.Image, maps: AttentionMaps, *, layer: int = 0, heads: int = HEADS) -> bytes:
    """An image, then each head of a layer: warm where the words look, with the words that are looked at below.

    Args:
        image: what the row shows.
        seen: the attention of the row.
        layer: which of those in `seen`.
        heads: how many of its heads.
    """
    scale = HIGH / image.height
    large = image.convert("RGB").resize((max(1, round(image.width * scale)), HIGH))
    panels = [("picture", large)]
    for number, head in enumerate(heads_of(maps, layer)[:heads]):
        # The whole image, which is the first region, would only make all of it warmer.
        warm = draw_heat(large, head.regions[1:], maps.boxes_xyxy[1:], scale)
        title = f"head {number + 1} (whole {100 * head.regions[0]:.0f} %)"
        panels.append((title, with_weights(warm, [_plain(word) for word in maps.words], head.words.tolist())))
    return thumbnail(side_by_side(panels, height=None), size=1600)


def heads_of(maps: AttentionMaps, layer: int) -> list[HeadAttention]:
    """Each head of a layer. Marks such as [CLS] look nowhere in particular and are left out of the mean over words."""
    said = [place for place, word in enumerate(maps.words) if not (word.startswith("[") and word.endswith("]"))]
    asked = said or list(range(len(maps.words)))
    to_regions, to_words = maps.words_to_regions[layer], maps.regions_to_words[layer]
    return [
        HeadAttention(to_regions[head][asked].mean(axis=0), to_words[head].mean(axis=0))
        for head in range(len(to_regions))
    ]


def _plain(piece: str) -> str:
    """A piece without its tokeniser's sign for the space before it."""
    return piece.lstrip("\u0120\u2581") or piece
