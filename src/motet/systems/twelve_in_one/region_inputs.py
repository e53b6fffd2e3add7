"""Image inputs of 12-in-1 from a source of regions, detected beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from motet.core import ConfigError, DataError, Example, ImageFile, Task
from motet.preprocess.regions import RegionSource
from motet.systems.twelve_in_one.image_inputs import (
    TwelveInOneImage,
    TwelveInOneImageInputs,
    images_with_ids,
    relative_boxes,
)


@dataclass(frozen=True, kw_only=True)
class DetectedRegionInputs:
    """Reads the detected regions of all images of each row; there are no pixels, and so no views of an image.

    Args:
        source: of regions.
        by_task: the sources of tasks that have their own.
        max_regions: of an image.
    """

    source: RegionSource
    by_task: Mapping[str, RegionSource] = field(default_factory=dict)
    max_regions: int = 100

    def read(
        self,
        example: Example,
        tasks: Sequence[Task],
        rng: np.random.Generator | None,  # noqa: ARG002  nothing is drawn
    ) -> tuple[TwelveInOneImage, ...]:
        """Returns the regions of all images of a row.

        Raises:
            ConfigError: tasks on the same row whose sources differ.
            DataError: no regions of an image, or broken ones.
        """
        source = self._source_of(tasks)
        return tuple(self._read(source, image, image_id) for image, image_id in images_with_ids(example))

    def _source_of(self, tasks: Sequence[Task]) -> RegionSource:
        sources = [self.by_task.get(task.name, self.source) for task in tasks] or [self.source]
        if any(source != sources[0] for source in sources):
            names = sorted(task.name for task in tasks)
            raise ConfigError(
                f"TwelveInOneConfig.source_of: got several sources for the tasks {names} of one row; want one"
            )
        return sources[0]

    def _read(self, source: RegionSource, image: ImageFile, image_id: str) -> TwelveInOneImage:
        regions = source.regions(image, image_id).first(self.max_regions)
        if regions.features.shape[1] != self.source.width:
            raise DataError(
                f"regions of {image_id!r}: got features of {regions.features.shape[1]} numbers; want "
                f"{self.source.width}, the width of the source"
            )
        arrays = {"regions": np.asarray(regions.features, dtype=np.float32)}
        arrays |= relative_boxes(regions.boxes_xyxy, regions.size_hw)
        if num_classes := self.source.num_classes:
            classes = np.zeros((len(regions), num_classes)) if regions.classes is None else regions.classes
            arrays["classes"] = np.asarray(classes, dtype=np.float32)
        return TwelveInOneImage(regions.size_hw, arrays)

    def extra_regions(self, task: Task, example: Example, boxes_xyxy: np.ndarray) -> dict[str, np.ndarray]:
        """Returns boxes in a row's first image as regions of a target, with the source's features of them."""
        features = np.zeros((0, self.source.width), dtype=np.float32)
        if len(boxes_xyxy):
            image, image_id = images_with_ids(example)[0]
            features = self._source_of([task]).at(image, image_id, boxes_xyxy).features
        valid = np.ones(len(boxes_xyxy), dtype=bool)
        return {"extra_boxes": boxes_xyxy, "valid": valid, "extra_features": features}


RegionReader: TypeAlias = TwelveInOneImageInputs | DetectedRegionInputs
"""The image half of the processor: regions are pooled from a trunk's map, or detected beforehand."""
