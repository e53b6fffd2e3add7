"""Attention weights between the text and the image of one row, as a system returns them for a drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class AttentionMaps:
    """The attention between the two streams of one row.

    Args:
        words: the tokens of the text, with the task token in second place where there is one.
        boxes_xyxy: boxes of the regions, in pixels of the file; the whole image first.
        words_to_regions: attention from text to image per layer and head; sums to 1 over regions.
        regions_to_words: attention from image to text per layer and head; sums to 1 over words.
    """

    words: tuple[str, ...]
    boxes_xyxy: Float[np.ndarray, "n 4"]
    words_to_regions: Float[np.ndarray, "layers heads t n"]
    regions_to_words: Float[np.ndarray, "layers heads n t"]
