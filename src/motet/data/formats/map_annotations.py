"""The annotations of an image with maps: a mapping that decodes a map only when a task reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import DataError
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.map_files import MapFile


class MapLabels(Mapping[str, Any]):
    """Maps by the name of their annotation: "segmentation", "depth", "normals", "edges".

    "segmentation" is int64 (h, w), -1 where there is no class; "depth" float32 (h, w) in metres, "normals" float32
    (h, w, 3) unit vectors (x right, y down, z towards the viewer) and "edges" float32 (h, w) from 0 to 1, NaN where
    there is no value. All have the size of the image file. A map is decoded once per Example; decoded maps are not
    pickled with it.

    Args:
        image: the file whose size every map must have; None where the reader has checked it.
        maps: annotation -> its file.
    """

    def __init__(self, image: Path | None, maps: Mapping[str, MapFile]) -> None:
        self.image = image
        self.maps = dict(maps)
        self._decoded: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._decoded:
            self._decoded[name] = self._decode(self.maps[name])
        return self._decoded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.maps)

    def __len__(self) -> int:
        return len(self.maps)

    def __contains__(self, name: object) -> bool:
        return name in self.maps

    def __eq__(self, other: object) -> bool:
        # By their files: the default of Mapping would decode all maps and compare arrays.
        if not isinstance(other, MapLabels):
            return NotImplemented
        return (self.image, self.maps) == (other.image, other.maps)

    def __reduce__(self) -> tuple[object, ...]:
        return MapLabels, (self.image, self.maps)

    def _decode(self, map_file: MapFile) -> np.ndarray:
        values = map_file.read()
        if self.image is None:
            return values
        image_hw = image_size_hw(self.image)
        if values.shape[:2] != image_hw:
            got, want = (f"{height} x {width}" for height, width in (values.shape[:2], image_hw))
            raise DataError(
                f"size of the map: got {got}; want {want} pixels (height x width), as {self.image} has",
                path=map_file.path,
            )
        return values
