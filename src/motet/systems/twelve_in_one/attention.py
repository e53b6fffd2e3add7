"""Attention maps between words and regions, for figures in a report (the paper's supplement, section 8.10)."""

from __future__ import annotations

import numpy as np

from motet.core import AttentionMaps, Target
from motet.systems.twelve_in_one.answers import EncodedPairs
from motet.systems.twelve_in_one.text_inputs import TextInputs

TASK = "[TASK]"


def attention_maps(
    encoded: EncodedPairs, target: Target, text_inputs: TextInputs, *, token: bool
) -> list[AttentionMaps]:
    """Returns the attention maps of encoded pairs, row by row, without padding.

    Args:
        encoded: pairs whose states hold maps.
        target: the task's rows.
        text_inputs: names the tokens.
        token: whether a task token follows the first word.
    """
    ids, valid = target.value["ids"][:, 0], target.value["attention_mask"][:, 0]
    boxes = encoded.regions.in_pixels(encoded.regions.boxes_xyxy).cpu().numpy()
    maps = []
    for row in range(len(ids)):
        words = [text_inputs.piece(i) for i in ids[row][valid[row]].tolist()]
        words[1:1] = [TASK] if token else []
        regions = np.concatenate([[True], encoded.regions.valid[row].cpu().numpy()])
        height, width = encoded.regions.size_hw[row].tolist()
        to_regions = np.stack([m.words_to_regions[row].cpu().numpy() for m in encoded.states.maps])
        to_words = np.stack([m.regions_to_words[row].cpu().numpy() for m in encoded.states.maps])
        everything = np.concatenate([np.array([[0.0, 0.0, width, height]]), boxes[row]])
        maps.append(
            AttentionMaps(
                tuple(words),
                everything[regions],
                to_regions[:, :, : len(words)][..., regions],
                to_words[:, :, regions][..., : len(words)],
            )
        )
    return maps
