"""NYU Depth v2, the labelled part: `nyu_depth_v2_labeled.mat`, which is HDF5 inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from motet.core import ConfigError, DataError, Example, MemoryImage
from motet.data.formats.depth_normals import Camera, NormalsOfDepth
from motet.data.formats.hdf5_file import Hdf5File
from motet.data.formats.map_annotations import MapLabels
from motet.data.formats.map_files import INVALID, UNKNOWN, MapFile
from motet.data.formats.mat_file import as_list, numbers_of, read_mat

NYU_CAMERA = Camera(518.8579, 519.4696, 325.5824, 253.7362)
"""The colour camera of the data set's own toolbox, for images of 640 x 480 pixels."""
_WHAT = "MATLAB 7.3"
_SPLITS = {"train": "trainNdxs", "test": "testNdxs"}


@dataclass(frozen=True)
class NyuV2:
    """1,449 rooms with depth and classes; labels: "segmentation", "depth", and optionally "normals".

    The file is read row by row: MATLAB's (480, 640, 3, rows) is stored as (rows, 3, 640, 480). Needs the extra
    `regions` (h5py).

    Args:
        path: `nyu_depth_v2_labeled.mat`.
        split: "train" or "test", by `splits`; None for all rows.
        splits: the published `splits.mat`; by default the one in the folder of `path`.
        mapping: `classMapping40.mat`, which maps the 894 classes to 40.
        names: the classes that are read, and their order; by default all. Pixels of other classes are invalid.
        normals: "" for none; "depth" to compute them from the depth (see `normals_from_depth`).
        name: prefix of Example ids; by default "nyuv2" and the split.

    Raises:
        DataError: a file that is missing, has another content, or has no rows; a name that is not a class.
        ConfigError: an unknown value of `split` or `normals`; h5py is not installed.
    """

    path: Path | str
    split: Literal["train", "test"] | None = "train"
    splits: Path | str | None = None
    mapping: Path | str | None = None
    names: tuple[str, ...] = ()
    normals: Literal["", "depth"] = ""
    name: str = ""
    _rows: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _classes: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.split not in ("train", "test", None) or self.normals not in ("", "depth"):
            got = f"split {self.split!r}, normals {self.normals!r}"
            raise ConfigError(f"NyuV2: got {got}; want 'train', 'test' or None, '' or 'depth'")
        path = Path(self.path)
        with Hdf5File(path, what=_WHAT) as file:
            count, every = file.num_rows("images"), file.texts_of_codes("names")
        of_number, known = (tuple(range(len(every))), every) if self.mapping is None else _mapped(Path(self.mapping))
        names = self.names or known
        if missing := [name for name in names if name not in known]:
            raise DataError(f"names: got {missing[0]!r}, which is not a class; want some of {len(known)}", path=path)
        index_of = {place: names.index(name) for place, name in enumerate(known) if name in names}
        classes = (INVALID, *(index_of.get(place, INVALID) if place >= 0 else INVALID for place in of_number))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_classes", classes)
        object.__setattr__(self, "_rows", tuple(self._listed(count)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is its number in the file, from 1."""
        return (f"nyuv2/{self._rows[index] + 1}",)

    def __getitem__(self, index: int) -> Example:
        row, path, (key,) = self._rows[index], Path(self.path), self.keys(index)
        with Hdf5File(path, what=_WHAT) as file:
            pixels = file.read("images", row)
        if pixels.ndim != 3 or pixels.shape[0] != 3 or pixels.dtype != np.uint8:
            got = f"{pixels.dtype} {pixels.shape}"
            raise DataError(f"images: got {got}; want uint8 of (3, width, height)", path=path, row=row)
        _, width, height = pixels.shape
        header = b"P6\n%d %d\n255\n" % (width, height)
        image = MemoryImage(f"{path}, row {row}", header + pixels.transpose(2, 1, 0).tobytes())
        depth = StoredDepth(path, row, (height, width))
        maps: dict[str, MapFile] = {
            "segmentation": StoredClasses(path, row, (height, width), self._classes),
            "depth": depth,
        }
        if self.normals:
            maps["normals"] = NormalsOfDepth(depth, NYU_CAMERA)
        prefix = self.name or f"nyuv2/{self.split or 'all'}"
        return Example(id=f"{prefix}/{row + 1}", images=(image,), image_ids=(key,), labels=MapLabels(None, maps))

    def _listed(self, count: int) -> list[int]:
        if self.split is None:
            return list(range(count))
        path = Path(self.splits) if self.splits is not None else Path(self.path).with_name("splits.mat")
        numbers = numbers_of(path, _SPLITS[self.split]).ravel()
        wrong = [number for number in numbers.tolist() if not 1 <= number <= count]
        if wrong or not len(numbers):
            got = f"row {wrong[0]}" if wrong else "no rows"
            raise DataError(f"{_SPLITS[self.split]}: got {got}; want 1 to {count}", path=path)
        return [int(number) - 1 for number in numbers]


@dataclass(frozen=True)
class StoredClasses:
    """A row of `labels`: numbers of `names` from 1, 0 for none.

    Args:
        path: the file.
        row: the row.
        size_hw: size of its image.
        classes: for each number its class, or -1.
    """

    path: Path
    row: int
    size_hw: tuple[int, int]
    classes: tuple[int, ...]

    def read(self) -> np.ndarray:
        stored = _row_map(self.path, "labels", self.row, self.size_hw).astype(np.int64)
        if stored.max() >= len(self.classes) or stored.min() < 0:
            got, want = int(stored.max() if stored.min() >= 0 else stored.min()), len(self.classes) - 1
            raise DataError(f"labels: got the number {got}; want 0 to {want}", path=self.path, row=self.row)
        found: np.ndarray = np.array(self.classes, dtype=np.int64)[stored]
        return found


@dataclass(frozen=True)
class StoredDepth:
    """A row of `depths`, in metres, filled in by the authors.

    Args:
        path: the file.
        row: the row.
        size_hw: size of its image.
    """

    path: Path
    row: int
    size_hw: tuple[int, int]

    def read(self) -> np.ndarray:
        stored = _row_map(self.path, "depths", self.row, self.size_hw).astype(np.float32)
        return np.where(np.isfinite(stored) & (stored > 0), stored, np.float32(np.nan))


def _row_map(path: Path, name: str, row: int, size_hw: tuple[int, int]) -> np.ndarray:
    with Hdf5File(path, what=_WHAT) as file:
        stored = file.read(name, row).T
    if stored.shape != size_hw:
        raise DataError(f"{name}: got the size {stored.shape}; want {size_hw}, as images has", path=path, row=row)
    return np.ascontiguousarray(stored)


def _mapped(path: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Returns for each of the 894 classes its index among the 40 (`UNKNOWN` for none), and the names of the 40."""
    numbers = numbers_of(path, "mapClass").ravel()
    names = tuple(name for name in as_list(read_mat(path, "className")) if isinstance(name, str))
    if len(numbers) and max(numbers.tolist()) > len(names):
        raise DataError(f"mapClass: got {max(numbers.tolist())}; want at most {len(names)}", path=path)
    return tuple(int(number) - 1 if number > 0 else UNKNOWN for number in numbers), names
