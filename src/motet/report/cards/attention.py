"""Cards of attention maps: the regions that words attend to, drawn on some rows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from motet.core import AttentionMaps, DataError, Example, System, Task
from motet.data.source import Source
from motet.evaluation.task_evaluation import eval_mode
from motet.preprocess.images import decode
from motet.report.cards.predictions import joined
from motet.report.cards.rows import evaluated_tasks, readable_evenly_spaced
from motet.report.content import PredictionCard
from motet.report.draw import draw_heat, side_by_side, thumbnail, with_weights
from motet.report.runs import RunRecord

HEIGHT = 168
"""Pixels of each image's height."""
MAX_HEADS = 4
"""Heads on a card, the first ones."""


@dataclass(frozen=True)
class HeadAttention:
    """The mean attention of one head of one layer, as it is drawn.

    Args:
        regions: weight of each region, the mean over the words that attend to it.
        words: weight of each word, the mean over the regions that attend to it.
    """

    regions: np.ndarray
    words: np.ndarray


def attention_cards(
    system: System, sources: Sequence[Source], run: RunRecord, *, per_task: int
) -> Iterator[PredictionCard]:
    """Yields cards of some rows of every task whose attention the system returns: its last layer, head by head.

    Args:
        system: in any mode, on any device.
        sources: of the run.
        run: its report names the source that each task was evaluated on.
        per_task: rows per task.
    """
    with eval_mode(system):
        for _, source, task in evaluated_tasks(sources, run):
            layers = system.attention_layers(task.name) if task.name in system.tasks else 0
            for example in readable_evenly_spaced(source, per_task) if layers else ():
                try:
                    yield _card(system, task, example, layers)
                except DataError:
                    continue  # a row that cannot be read was counted in the evaluation


def _card(system: System, task: Task, example: Example, layers: int) -> PredictionCard:
    row = system.processor.row(example, (task,), None)
    device = next((parameter.device for parameter in system.parameters()), torch.device("cpu"))
    batch = system.processor.collate([row], keep_annotations=False).to(device)
    (maps,) = system.attention(batch, task.name, [layers - 1])
    return PredictionCard(
        image=draw_attention(decode(example.images[0]), maps),
        task=task.name,
        prompt=joined(example.text),
        prediction=f"co-attention {layers} of {layers}",
        ground_truth="",
        wide=True,
    )


def draw_attention(image: Image.Image, maps: AttentionMaps, *, layer: int = 0, heads: int = MAX_HEADS) -> bytes:
    """Returns the image, then per head of a layer the regions that words attend to and the most attended words.

    Args:
        image: of the row.
        maps: the attention of the row.
        layer: place of the layer in `maps`.
        heads: the number of heads.
    """
    scale = HEIGHT / image.height
    large = image.convert("RGB").resize((max(1, round(image.width * scale)), HEIGHT))
    panels = [("image", large)]
    for number, head in enumerate(mean_attention(maps, layer)[:heads]):
        # The first region is the whole image: drawn, it would only make every pixel warmer.
        heat = draw_heat(large, head.regions[1:], maps.boxes_xyxy[1:], scale)
        title = f"head {number + 1} (whole {100 * head.regions[0]:.0f} %)"
        panels.append((title, with_weights(heat, [_plain(word) for word in maps.words], head.words.tolist())))
    return thumbnail(side_by_side(panels, height=None), size=1600)


def mean_attention(maps: AttentionMaps, layer: int) -> list[HeadAttention]:
    """Returns the mean attention of each head; markers such as [CLS] are left out of the mean over words.

    Markers attend to nothing in particular, and they would blur the map. A text of markers alone keeps them.
    """
    words = [place for place, word in enumerate(maps.words) if not (word.startswith("[") and word.endswith("]"))]
    counted = words or list(range(len(maps.words)))
    to_regions, to_words = maps.words_to_regions[layer], maps.regions_to_words[layer]
    return [
        HeadAttention(to_regions[head][counted].mean(axis=0), to_words[head].mean(axis=0))
        for head in range(len(to_regions))
    ]


def _plain(piece: str) -> str:
    """Returns a piece without its tokenizer's sign for a preceding space."""
    return piece.lstrip("\u0120\u2581") or piece
