"""Regions in an HDF5 file: one group per image, or the concatenated arrays of all images."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import DataError
from motet.data.formats.hdf5_file import Hdf5File
from motet.data.formats.regions.region_file import ARRAYS, RegionFiles, StoredRegions
from motet.preprocess.regions import ImageRegions

_FLAT = "image_features"  # the array by which a file of the second layout is recognised
_PART = ".part"


@dataclass(frozen=True, kw_only=True)
class Hdf5Regions(RegionFiles):
    """An HDF5 file in one of two layouts. Needs the extra `motet[regions]`.

    One group per image, by its key, with arrays as in `NpzRegions`. Or, as bottom-up attention's "adaptive" files for
    VQA: "image_features" (all regions, d), "spatial_features" (all regions, 4 or 6; first left, top, right, bottom as
    fractions of the image), "pos_boxes" (images, 2; first region and one past the last), and "image_ids", the images'
    keys in their order.

    Raises:
        ConfigError: h5py is not installed.
        DataError: no such file, no HDF5, or neither layout.
    """

    _open: dict[int, Hdf5File] = field(default_factory=dict, init=False, repr=False, compare=False)
    _places: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # each process opens the file for itself

    def _file(self) -> Hdf5File:
        if os.getpid() not in self._open:
            self._open.clear()
            self._open[os.getpid()] = Hdf5File(Path(self.path), what="regions")
        return self._open[os.getpid()]

    def _flat(self) -> bool:
        return self._file().has(_FLAT)

    def _first(self) -> tuple[str, StoredRegions]:
        key = next(iter(self._index()), None) if self._flat() else self._file().first_group_of_arrays()
        found = None if key is None else self._read(key)
        if key is None or found is None:
            raise DataError("regions: got a file without an image; want one group per image", path=self.path)
        return key, found

    def _index(self) -> dict[str, int]:
        if not self._places:
            keys = self._file().texts("image_ids")
            self._places.update({key: place for place, key in enumerate(keys)})
        return self._places

    def _read(self, key: str) -> StoredRegions | None:
        file = self._file()
        if not self._flat():
            # An id with a slash is a nested group.
            arrays = [name for name in file.arrays_in(file.find(key)) if name in ARRAYS]
            values = {name: file.read(f"{key}/{name}") for name in arrays}
            return StoredRegions.from_arrays(values | file.attributes(key, ARRAYS), self.path, key) if arrays else None
        place = self._index().get(key)
        if place is None:
            return None
        bounds = file.read("pos_boxes", place)
        if bounds.dtype.kind not in "iu" or bounds.shape != (2,) or not 0 <= bounds[0] < bounds[1]:
            raise DataError(f"pos_boxes: got {bounds.tolist()}; want first and one past last", path=self.path, row=key)
        rows = slice(int(bounds[0]), int(bounds[1]))
        boxes = file.read("spatial_features", rows)
        if boxes.ndim != 2:
            raise DataError(f"spatial_features: got {boxes.shape}; want (regions, 4)", path=self.path, row=key)
        return StoredRegions(file.read(_FLAT, rows), boxes[:, :4], None)


def write_group(file: Any, image_id: str, regions: ImageRegions, *, half: bool = True) -> None:
    """Writes one image's regions as a group of an open HDF5 file for `Hdf5Regions`, completely or not at all.

    Args:
        file: an open `h5py.File`.
        image_id: the group's name; with a slash it is a nested group.
        regions: of the image.
        half: store features in half precision.
    """
    kind = np.float16 if half else np.float32
    arrays = {"features": regions.features.astype(kind), "boxes_xyxy": regions.boxes_xyxy.astype(np.float32)}
    if regions.classes is not None:
        arrays["classes"] = regions.classes.astype(kind)
    if _PART in file:
        del file[_PART]  # left by a writer that was stopped
    group = file.create_group(_PART)
    for name, values in arrays.items():
        group.create_dataset(name, data=values)
    group.attrs["size_hw"] = np.asarray(regions.size_hw, dtype=np.int64)
    outer = image_id.rpartition("/")[0]
    if outer:
        file.require_group(outer)
    file.move(_PART, image_id)
    file.flush()
