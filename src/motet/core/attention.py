"""What words look at and what places of a picture look at, as a system tells it for a picture of its attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class AttentionMaps:
    """The attention between the two streams of one row.

    Args:
        words: the pieces of the text, with the task's row behind the first where there is one.
        boxes_xyxy: of the regions, in pixels of the file; the whole picture first.
        words_to_regions: sentence to image, for each layer and head; sums to 1 over regions.
        regions_to_words: image to sentence, for each layer and head; sums to 1 over words.
    """

    words: tuple[str, ...]
    boxes_xyxy: Float[np.ndarray, "n 4"]
    words_to_regions: Float[np.ndarray, "layers heads t n"]
    regions_to_words: Float[np.ndarray, "layers heads n t"]
