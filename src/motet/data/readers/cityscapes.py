"""Cityscapes: `leftImg8bit/train/aachen/*.png`, with `gtFine/`, `disparity/` and `camera/` beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from motet.core import ConfigError, DataError, Example
from motet.data.class_names.cityscapes import CITYSCAPES_LABEL_IDS, CITYSCAPES_NAMES
from motet.data.formats.depth_normals import Camera, NormalsOfDepth
from motet.data.formats.json_file import check_type, get_field, load_json
from motet.data.formats.map_files import ClassMap, MapFile, get_channel
from motet.data.formats.map_rows import MapRow, image_names, map_example
from motet.data.formats.paths import file_names
from motet.data.formats.png_values import png_values

_ENDING = "_leftImg8bit.png"
_STEPS = 256  # stored steps per pixel of disparity


@dataclass(frozen=True)
class Cityscapes:
    """Streets of 50 cities; labels: "segmentation" (19 classes), "depth", and optionally "normals".

    A row has the annotations whose folders exist. Depth is baseline * focal length / disparity, with the values of the
    row's camera file; stored disparities are (p - 1) / 256 pixels, and p = 0 is unknown.

    Args:
        root: the folder with `leftImg8bit/`.
        split: "train", "val" or "test" (whose labels are secret, so that all its pixels are invalid).
        annotations: "gtFine" or "gtCoarse".
        normals: "" for none; "depth" to compute them from the depth (see `normals_from_depth`).
        name: prefix of Example ids; by default "cityscapes" and the split.

    Raises:
        DataError: no such folder, or no images in it.
        ConfigError: an unknown value of `annotations` or `normals`.
    """

    root: Path | str
    split: str = "train"
    annotations: Literal["gtFine", "gtCoarse"] = "gtFine"
    normals: Literal["", "depth"] = ""
    name: str = ""
    _places: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.annotations not in ("gtFine", "gtCoarse") or self.normals not in ("", "depth"):
            got = f"annotations {self.annotations!r}, normals {self.normals!r}"
            raise ConfigError(f"Cityscapes: got {got}; want 'gtFine' or 'gtCoarse', '' or 'depth'")
        folder = Path(self.root) / "leftImg8bit" / self.split
        cities = [city for city in file_names(folder) if (folder / city).is_dir()]
        places = [f"{city}/{name}" for city in cities for name in image_names(folder / city, _ENDING)]
        if not places:
            raise DataError("images: got no city's folder; want at least one", path=folder)
        object.__setattr__(self, "_places", tuple(place.removesuffix(_ENDING) for place in places))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return CITYSCAPES_NAMES

    def __len__(self) -> int:
        return len(self._places)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"cityscapes/{Path(self._places[index]).name}",)

    def __getitem__(self, index: int) -> Example:
        root, place, (key,) = Path(self.root), self._places[index], self.keys(index)
        prefix = self.name or f"cityscapes/{self.split}"
        image = root / "leftImg8bit" / self.split / f"{place}{_ENDING}"
        row = MapRow(f"{prefix}/{Path(place).name}", key, image, tuple(self._maps(place)))
        return map_example(row, path=root / "leftImg8bit" / self.split, index=index)

    def _maps(self, place: str) -> list[tuple[str, MapFile]]:
        maps: list[tuple[str, MapFile]] = []
        labels, disparity, camera = (
            Path(self.root) / folder / self.split for folder in (self.annotations, "disparity", "camera")
        )
        if labels.is_dir():
            file = labels / f"{place}_{self.annotations}_labelIds.png"
            maps.append(("segmentation", ClassMap(file, CITYSCAPES_LABEL_IDS)))
        if disparity.is_dir() and camera.is_dir():
            depth = DisparityMap(disparity / f"{place}_disparity.png", camera / f"{place}_camera.json")
            maps.append(("depth", depth))
            if self.normals:
                maps.append(("normals", NormalsOfStereo(depth)))
        return maps


@dataclass(frozen=True)
class DisparityMap:
    """Depth from Cityscapes' disparity and camera files.

    Args:
        path: 16 bits, 1 + 256 * disparity in pixels, 0 unknown.
        camera: the JSON file with baseline and focal length.
    """

    path: Path
    camera: Path

    def read(self) -> np.ndarray:
        stored = get_channel(png_values(self.path), 0, self.path).astype(np.float32)
        baseline_m, camera = read_camera(self.camera)
        disparity = (stored - 1) / _STEPS
        # A disparity of 0 is a point at infinity, which has no depth either.
        far = np.full(stored.shape, np.nan, dtype=np.float32)
        return np.divide(np.float32(baseline_m * camera.focal_x), disparity, out=far, where=stored > 1)


@dataclass(frozen=True)
class NormalsOfStereo:
    """A map of normals from a disparity map and its camera.

    Args:
        depth: the disparity map.
    """

    depth: DisparityMap

    @property
    def path(self) -> Path:
        return self.depth.path

    def read(self) -> np.ndarray:
        return NormalsOfDepth(self.depth, read_camera(self.depth.camera)[1]).read()


def read_camera(path: Path) -> tuple[float, Camera]:
    """Returns the baseline in metres and the camera of a camera file.

    Raises:
        DataError: no such file, or a missing value.
    """
    content = check_type(load_json(path), dict, "file", path=path)
    inner, outer = (get_field(content, key, dict, path=path) for key in ("intrinsic", "extrinsic"))
    baseline_m, focal_x, focal_y, centre_x, centre_y = (
        _positive(part, key, path)
        for part, key in ((outer, "baseline"), (inner, "fx"), (inner, "fy"), (inner, "u0"), (inner, "v0"))
    )
    return baseline_m, Camera(focal_x, focal_y, centre_x, centre_y)


def _positive(part: dict[str, object], key: str, path: Path) -> float:
    value = part.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise DataError(f"{key}: got {value!r}; want a number above 0", path=path)
    return float(value)
