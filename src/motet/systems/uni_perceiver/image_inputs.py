"""A row's images or video frames, as pixels or as the stored features of a frozen encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Example, Match, Task
from motet.core.task import Invariance
from motet.preprocess.images import ImageTransform
from motet.systems.base import ImageInputs, allowed_changes, fill_blanks, one_image


@dataclass(frozen=True)
class UniPerceiverImages:
    """The images of a row, or the frames of its video.

    Args:
        values: pixels (m, 3, h, w) or stored features (m, n, c).
        video: they are the frames of one video.
    """

    values: np.ndarray
    video: bool


@dataclass(frozen=True, kw_only=True)
class UniPerceiverImageInputs(ImageInputs):
    """Reads the images of rows.

    Args:
        transform: to pixels.
        store: stored features; None for pixels.
        num_frames: number of frames read per video.
        frames_of: by task, if it differs.
        transform_of: transforms of tasks with other crops.
    """

    num_frames: int
    frames_of: Mapping[str, int] = field(default_factory=dict)
    transform_of: Mapping[str, ImageTransform] = field(default_factory=dict)

    def read(
        self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None
    ) -> UniPerceiverImages | None:
        """Returns a row's images, all of them where they are only matched; None: no task has any.

        Raises:
            DataError: a wrong number of images, a video without frames, or an image that cannot be read.
        """
        visual = [task for task in tasks if task.inputs & {"image", "video"}]
        if not visual:
            return None
        videos = [task for task in visual if "video" in task.inputs]
        if videos and len(videos) < len(visual):
            raise DataError(
                f"{example.id}: got tasks on images and tasks on videos: "
                f"{sorted(task.name for task in visual)}; want one of the two per row"
            )
        allowed = allowed_changes(visual)
        # In training a row has one task, in evaluation no crop is drawn.
        first = visual[0].name
        if (own := self.transform_of.get(first)) is not None and own != self.transform:
            return replace(self, transform=own).read(example, tasks, rng)
        if videos:
            return self._video(example, self.frames_of.get(first, self.num_frames), allowed, rng)
        matched = all(isinstance(task.target, Match) for task in visual)
        images = example.images if matched and example.images else [one_image(example)]
        return UniPerceiverImages(np.stack([self.array(image, allowed, rng) for image in images]), video=False)

    def _video(
        self, example: Example, count: int, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> UniPerceiverImages:
        """Reads frames at even distances, in training a random one per part; all are cropped and flipped alike."""
        if not example.images:
            raise DataError(f"{example.id}: frames: got 0; want at least one")
        frames = [example.images[index] for index in frame_indices(len(example.images), count, rng)]
        if self.store is not None:
            # A store draws its views per image: only the plain one is the same for all frames.
            return UniPerceiverImages(np.stack([self.store.read(frame, allowed, None) for frame in frames]), video=True)
        images = [self.transform.load(frame, cropped=rng is not None) for frame in frames]
        first = images[0]
        geometry = self.transform.draw((first.height, first.width), allowed, rng)
        if any(image.size != first.size for image in images):
            sizes = sorted({image.size for image in images})
            raise DataError(f"{example.id}: frames: got sizes {sizes}; want one size per video")
        return UniPerceiverImages(np.stack([self.transform(image, geometry) for image in images]), video=True)

    def collate(self, rows: Sequence[UniPerceiverImages | None]) -> dict[str, Tensor]:
        """Returns a batch's inputs: "pixels" or "features" of first images, "frames" or "frame_features" of videos.

        Raises:
            DataError: images and videos in one batch.
        """
        present = [row for row in rows if row is not None]
        if not present:
            return {}
        video = present[0].video
        if any(row.video != video for row in present):
            raise DataError("batch: got images and videos; want rows of one source, which has one or the other")
        values = fill_blanks([None if row is None else row.values if video else row.values[0] for row in rows])
        pixels, features = ("frames", "frame_features") if video else ("pixels", "features")
        return {pixels if self.store is None else features: torch.from_numpy(np.stack(values))}


def frame_indices(count: int, num_frames: int, rng: np.random.Generator | None) -> list[int]:
    """Returns the frames of a video to read: the middle ones of equal parts, or with `rng` a random one per part.

    A video with fewer frames has some of them twice.

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.1.

    Examples:
        >>> frame_indices(12, 4, None), frame_indices(2, 4, None)
        ([1, 4, 7, 10], [0, 0, 1, 1])
    """
    part = count / num_frames
    inside = np.full(num_frames, 0.5) if rng is None else rng.random(num_frames)
    indices = np.floor((np.arange(num_frames) + inside) * part - (1e-9 if rng is None else 0)).astype(int)
    found: list[int] = np.clip(indices, 0, count - 1).tolist()
    return found
