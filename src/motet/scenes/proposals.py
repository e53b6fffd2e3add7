"""Boxes of a scene as a detector would find them: near its things, and some on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motet.core import ConfigError, DataError, ImageFile, rng_for
from motet.scenes.annotate import tight_boxes
from motet.scenes.reader import SceneImage


@dataclass(frozen=True)
class SceneBoxes:
    """What a detector might say of a scene: each thing's box, a little off, and boxes of the ground.

    It stands in for a detector trained on other images (12-in-1 takes its regions from one); an image has the same
    boxes every time, in an order that tells nothing.

    Args:
        off: largest error of a corner, as a share of the box's side.
        ground: boxes on an image that are of nothing in particular.

    Raises:
        ConfigError: a number outside its range.
    """

    jitter: float = 0.1
    num_background: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 0.5 or self.num_background < 0:
            raise ConfigError(
                f"SceneBoxes: got off {self.jitter}, ground {self.num_background}; want 0 to 0.5, and 0 or more"
            )

    def boxes_for(self, image: ImageFile, image_id: str) -> Float[np.ndarray, "n 4"]:
        """The boxes in pixels of the image.

        Raises:
            DataError: an image that is no scene.
        """
        if not isinstance(image, SceneImage):
            raise DataError(f"SceneBoxes: {image_id}: got {type(image).__name__}; want a picture of a scene")
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
        found: np.ndarray = boxes.astype(np.float32)
        return found
