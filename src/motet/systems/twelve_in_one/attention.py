"""Attention maps between words and regions, for figures in a report (the paper's supplement, section 8.10)."""

from __future__ import annotations

import numpy as np
from torch.nn import functional as F

from motet.core import AttentionMaps, Target
from motet.systems.twelve_in_one.answers import EncodedPairs
from motet.systems.twelve_in_one.text_inputs import TwelveInOneTextInputs

TASK = "[TASK]"


def attention_maps(
    encoded: EncodedPairs, target: Target, text_inputs: TwelveInOneTextInputs, *, token: bool
) -> list[AttentionMaps]:
    """Returns the attention maps of encoded pairs, row by row, without padding.

    Args:
        encoded: pairs whose states hold maps.
        target: the task's rows.
        text_inputs: names the tokens.
        token: whether a task token follows the first word.
    """
    ids, valid = target.value["ids"][:, 0], target.value["attention_mask"][:, 0]
    boxes = encoded.regions.boxes_px().double().cpu().numpy()
    is_region = F.pad(encoded.regions.valid, (1, 0), value=True).cpu().numpy()
    maps = []
    for row in range(len(ids)):
        words = [text_inputs.piece(i) for i in ids[row][valid[row]].tolist()]
        words[1:1] = [TASK] if token else []
        to_regions = np.stack([m.words_to_regions[row].cpu().numpy() for m in encoded.states.maps])
        to_words = np.stack([m.regions_to_words[row].cpu().numpy() for m in encoded.states.maps])
        maps.append(
            AttentionMaps(
                tuple(words),
                boxes[row, is_region[row]],
                to_regions[:, :, : len(words)][..., is_region[row]],
                to_words[:, :, is_region[row]][..., : len(words)],
            )
        )
    return maps
