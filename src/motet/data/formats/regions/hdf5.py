"""Regions in an HDF5 file: one group per image, or the concatenated arrays of all images."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError
from motet.data.formats.regions.region_file import RegionFiles, StoredRegions
from motet.preprocess.regions import ImageRegions

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

    _open: dict[int, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _places: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # each process opens the file for itself

    def _file(self) -> Any:
        if os.getpid() not in self._open:
            try:
                import h5py
            except ImportError as error:
                raise ConfigError("Hdf5Regions: got no h5py; want it installed (motet[regions])") from error
            self._open.clear()
            try:
                self._open[os.getpid()] = h5py.File(self.path, "r")
            except OSError as error:
                got = error.strerror or " ".join(str(error).split())
                raise DataError(f"regions: got {got}; want an HDF5 file", path=self.path) from error
        return self._open[os.getpid()]

    def _flat(self) -> bool:
        return "image_features" in self._file()

    def _first(self) -> tuple[str, StoredRegions]:
        key = next(iter(self._index()), None) if self._flat() else self._first_group()
        found = None if key is None else self._read(key)
        if key is None or found is None:
            raise DataError("regions: got a file without an image; want one group per image", path=self.path)
        return key, found

    def _first_group(self) -> str | None:
        found: str | None = self._file().visit(lambda name: name if self._read(name) is not None else None)
        return found

    def _index(self) -> dict[str, int]:
        if not self._places:
            self._require("image_ids", "pos_boxes", "spatial_features")
            keys = self._file()["image_ids"][:]
            self._places.update({_text(key): place for place, key in enumerate(keys)})
        return self._places

    def _require(self, *names: str) -> None:
        missing = [name for name in names if name not in self._file()]
        if missing:
            raise DataError(f"regions: got {sorted(self._file())}; want {missing[0]!r} among them", path=self.path)

    def _read(self, key: str) -> StoredRegions | None:
        file = self._file()
        try:
            if not self._flat():
                group: Any = file.get(key) if key else None
                # An id with a slash is a nested group.
                if not _holds_arrays(group):
                    return None
                return StoredRegions.from_arrays(
                    {name: group[name][()] for name in group} | dict(group.attrs), self.path, key
                )
            place = self._index().get(key)
            if place is None:
                return None
            start, stop = (int(one) for one in file["pos_boxes"][place])
            boxes = np.asarray(file["spatial_features"][start:stop])[:, :4]
            return StoredRegions(np.asarray(file["image_features"][start:stop]), boxes, None)
        except (OSError, RuntimeError, ValueError, IndexError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            got = " ".join(str(error).split())
            raise DataError(f"regions: got {got}; want a whole entry", path=self.path, row=key) from error


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


def _holds_arrays(group: Any) -> bool:
    """Returns True for a group that contains arrays and no groups."""
    return hasattr(group, "values") and bool(len(group)) and not any(hasattr(one, "values") for one in group.values())


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)
