"""What words look at and what regions look at, for pictures in a report (the paper's supplement, section 8.10)."""

from __future__ import annotations

import numpy as np

from motet.core import AttentionMaps, Target
from motet.systems.twelve_in_one.answers import Read
from motet.systems.twelve_in_one.text_inputs import TextInputs

TASK = "[TASK]"


def looks_of(read: Read, target: Target, reader: TextInputs, *, token: bool) -> list[AttentionMaps]:
    """Maps of a pass, row by row, without padding.

    Args:
        read: the pass, with maps.
        target: the task's rows.
        reader: pieces to words.
        token: whether a task's row stands behind the first word.
    """
    ids, given = target.value["ids"][:, 0], target.value["read"][:, 0]
    boxes = read.seen.in_pixels(read.seen.boxes_xyxy).cpu().numpy()
    found = []
    for row in range(len(ids)):
        words = [reader.piece(i) for i in ids[row][given[row]].tolist()]
        words[1:1] = [TASK] if token else []
        regions = np.concatenate([[True], read.seen.valid[row].cpu().numpy()])
        height, width = read.seen.size_hw[row].tolist()
        to_regions = np.stack([m.words_to_regions[row].cpu().numpy() for m in read.states.maps])
        to_words = np.stack([m.regions_to_words[row].cpu().numpy() for m in read.states.maps])
        everything = np.concatenate([np.array([[0.0, 0.0, width, height]]), boxes[row]])
        found.append(
            AttentionMaps(
                tuple(words),
                everything[regions],
                to_regions[:, :, : len(words)][..., regions],
                to_words[:, :, regions][..., : len(words)],
            )
        )
    return found
