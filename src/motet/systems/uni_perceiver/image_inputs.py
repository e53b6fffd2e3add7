"""A row's images or video frames, as pixels or as the stored features of a frozen encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Example, FeatureStore, ImageFile, Match, Task
from motet.core.codec import to_json
from motet.core.task import Invariance
from motet.preprocess.images import ImageTransform


@dataclass(frozen=True)
class ImageRow:
    """The images of a row, or the frames of its video.

    Args:
        values: pixels (m, 3, h, w) or stored features (m, n, c).
        video: they are the frames of one video.
    """

    values: np.ndarray
    video: bool


@dataclass(frozen=True)
class ImageInputs:
    """Reads the images of rows.

    Args:
        transform: to pixels.
        num_frames: number of frames read per video.
        store: stored features; None: pixels are read.
    """

    transform: ImageTransform
    num_frames: int
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ImageRow | None:
        """Returns a row's images; None: no task has any.

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
        allowed = frozenset.intersection(*(task.invariant for task in visual))
        if videos:
            return self._video(example, allowed, rng)
        for task in visual:
            number = len(example.images)
            if number != 1 and not (number and isinstance(task.target, Match)):
                raise DataError(f"{example.id}: images: got {number}; want exactly one, for task {task.name!r}")
        return ImageRow(np.stack([self._image(image, allowed, rng) for image in example.images]), video=False)

    def _image(self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        if self.store is not None:
            return self.store.read(image, allowed, rng)
        return self.transform.read(image, allowed, rng)

    def _video(self, example: Example, allowed: frozenset[Invariance], rng: np.random.Generator | None) -> ImageRow:
        """Reads frames at even distances, in training a random one per part; all are cropped and flipped alike."""
        if not example.images:
            raise DataError(f"{example.id}: frames: got 0; want at least one")
        frames = [example.images[index] for index in frame_indices(len(example.images), self.num_frames, rng)]
        if self.store is not None:
            # A store draws its views per image: only the plain one is the same for all frames.
            return ImageRow(np.stack([self.store.read(frame, allowed, None) for frame in frames]), video=True)
        images = [self.transform.load(frame, cropped=rng is not None) for frame in frames]
        first = images[0]
        geometry = self.transform.draw((first.height, first.width), allowed, rng)
        if any(image.size != first.size for image in images):
            sizes = sorted({image.size for image in images})
            raise DataError(f"{example.id}: frames: got sizes {sizes}; want one size per video")
        return ImageRow(np.stack([self.transform(image, geometry) for image in images]), video=True)

    def collate(self, rows: Sequence[ImageRow | None]) -> dict[str, Tensor]:
        """Returns a batch's inputs: "pixels" or "features" of first images, "frames" or "frame_features" of videos.

        Raises:
            DataError: images and videos in one batch.
        """
        present = [row for row in rows if row is not None]
        if not present:
            return {}
        if len({row.video for row in present}) > 1:
            raise DataError("batch: got images and videos; want rows of one source, which has one or the other")
        video = present[0].video
        name = {(False, False): "pixels", (False, True): "features", (True, False): "frames"}.get(
            (video, self.store is not None), "frame_features"
        )
        values = [row.values if video else row.values[0] for row in present]
        blank = np.zeros_like(values[0])
        found = iter(values)
        whole = [blank if row is None else next(found) for row in rows]
        return {name: torch.from_numpy(np.stack(whole))}

    def view_key(self) -> str:
        """Returns a key of the preprocessing, which changes when the pixels of a view would."""
        return json.dumps(to_json(self.transform), sort_keys=True)


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
