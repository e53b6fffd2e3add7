"""Region proposals of scenes, as a detector would give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motet.core import ConfigError, DataError, ImageFile, rng_for
from motet.scenes.annotate import tight_boxes
from motet.scenes.reader import SceneImage


@dataclass(frozen=True)
class SceneBoxes:
    """Region proposals: each thing's box with jittered corners, and boxes of the background, in random order.

    It replaces a detector trained on other images, from which 12-in-1 takes its regions. An image has the same boxes
    every time, and their order carries no information.

    Args:
        jitter: largest error of a corner, as a share of the box's side.
        num_background: boxes per image that are of no thing.

    Raises:
        ConfigError: a number outside its range.
    """

    jitter: float = 0.1
    num_background: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 0.5 or self.num_background < 0:
            raise ConfigError(
                f"SceneBoxes: got jitter {self.jitter}, num_background {self.num_background}; want a jitter from 0 to "
                "less than 0.5, and 0 or more background boxes"
            )

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        """Returns the boxes in pixels of the image.

        Raises:
            DataError: an image that is no scene.
        """
        if not isinstance(image, SceneImage):
            raise DataError(f"SceneBoxes: {image_id}: got {type(image).__name__}; want an image of `Scenes`")
        rng = rng_for("boxes found in a scene", image.fingerprint())
        height, width = image.size_hw
        things = np.array(tight_boxes(image.scene, image.size_hw, image.style), dtype=np.float64).reshape(-1, 4)
        sides = np.tile(things[:, 2:] - things[:, :2], 2)
        near = things + rng.uniform(-self.jitter, self.jitter, things.shape) * sides
        span = np.array([width, height], dtype=np.float64)
        size = rng.uniform(0.15, 0.5, (self.num_background, 2)) * span
        start = rng.uniform(0, 1, (self.num_background, 2)) * (span - size)
        boxes = np.concatenate([near, np.concatenate([start, start + size], axis=1)])
        boxes = np.clip(boxes, 0, np.tile(span, 2))[rng.permutation(len(boxes))]
        proposals: np.ndarray = boxes.astype(np.float32)
        return proposals
