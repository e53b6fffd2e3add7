"""How a row's pictures or frames come: as pixels, or as what a frozen encoder made of them."""

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
    """What a row shows.

    Args:
        values: pictures or frames: pixels (m, 3, h, w) or stored features (m, n, c).
        video: whether they are the frames of one video.
    """

    values: np.ndarray
    video: bool


@dataclass(frozen=True)
class ImageInputs:
    """A row's pictures as the system wants them.

    Args:
        transform: to pixels.
        num_frames: that are read of a video.
        store: stored features; None for pixels.
    """

    transform: ImageTransform
    num_frames: int
    store: FeatureStore | None = None

    def read(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ImageRow | None:
        """The pictures; None where no task looks at any.

        Raises:
            DataError: another number of pictures than the tasks want, a video without frames, a broken picture.
        """
        looking = [task for task in tasks if task.inputs & {"image", "video"}]
        if not looking:
            return None
        videos = [task for task in looking if "video" in task.inputs]
        if videos and len(videos) < len(looking):
            raise DataError(
                f"{example.id}: got tasks that see an image beside tasks that see a video: "
                f"{sorted(task.name for task in looking)}; want one kind in a row"
            )
        allowed = frozenset.intersection(*(task.invariant for task in looking))
        if videos:
            return self._video(example, allowed, rng)
        for task in looking:
            number = len(example.images)
            if number != 1 and not (number and isinstance(task.target, Match)):
                raise DataError(f"{example.id}: images: got {number}; want exactly one, for task {task.name!r}")
        return ImageRow(np.stack([self._still(image, allowed, rng) for image in example.images]), video=False)

    def _still(self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        if self.store is not None:
            return self.store.read(image, allowed, rng)
        return self.transform.read(image, allowed, rng)

    def _video(self, example: Example, allowed: frozenset[Invariance], rng: np.random.Generator | None) -> ImageRow:
        """Frames at even distances, in training one of each part by lot; all of them are cropped and mirrored alike."""
        if not example.images:
            raise DataError(f"{example.id}: frames: got 0; want at least one")
        frames = [example.images[place] for place in frame_places(len(example.images), self.num_frames, rng)]
        if self.store is not None:
            # Views of a store are drawn by picture: the plain one is the only one that all frames have alike.
            return ImageRow(np.stack([self.store.read(frame, allowed, None) for frame in frames]), video=True)
        images = [self.transform.load(frame, cropped=rng is not None) for frame in frames]
        first = images[0]
        geometry = self.transform.draw((first.height, first.width), allowed, rng)
        if any(image.size != first.size for image in images):
            sizes = sorted({picture.size for picture in images})
            raise DataError(f"{example.id}: frames: got sizes {sizes}; want one size in a video")
        return ImageRow(np.stack([self.transform(picture, geometry) for picture in images]), video=True)

    def collate(self, rows: Sequence[ImageRow | None]) -> dict[str, Tensor]:
        """The batch's inputs: "pixels" or "features" of first pictures, "frames" or "frame_features" of videos.

        Raises:
            DataError: pictures and videos in one batch.
        """
        present = [row for row in rows if row is not None]
        if not present:
            return {}
        if len({row.video for row in present}) > 1:
            raise DataError("batch: got images and videos; want rows of one source, which shows one or the other")
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
        """Changes when the pixels of a view would."""
        return json.dumps(to_json(self.transform), sort_keys=True)


def frame_places(count: int, wanted: int, rng: np.random.Generator | None) -> list[int]:
    """Which frames of a video are read: the middle ones of so many equal parts, or one of each by lot.

    A video of fewer frames has some of them twice.

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.1.

    Examples:
        >>> frame_places(12, 4, None), frame_places(2, 4, None)
        ([1, 4, 7, 10], [0, 0, 1, 1])
    """
    part = count / wanted
    inside = np.full(wanted, 0.5) if rng is None else rng.random(wanted)
    places = np.floor((np.arange(wanted) + inside) * part - (1e-9 if rng is None else 0)).astype(int)
    found: list[int] = np.clip(places, 0, count - 1).tolist()
    return found
