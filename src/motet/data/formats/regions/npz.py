"""Regions in one npz file per image."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from motet.core import DataError
from motet.core.whole_files import write_whole
from motet.data.formats.npz_file import read_npz
from motet.data.formats.paths import is_file
from motet.data.formats.regions.region_file import RegionFiles, StoredRegions
from motet.data.formats.text_file import read_bytes
from motet.preprocess.regions import ImageRegions


@dataclass(frozen=True, kw_only=True)
class NpzRegions(RegionFiles):
    """A folder with one npz file per image.

    Its arrays are "features" (or "x"), "boxes_xyxy" ("boxes", "bbox") in pixels, "size_hw" (or "image_h" and
    "image_w"), and optionally "classes" ("cls_prob"). Arrays of objects are refused.
    """

    def _first(self) -> tuple[str, StoredRegions]:
        try:
            file = next(iter(sorted(Path(self.path).glob("*.npz"))), None)
        except OSError as error:
            raise DataError(f"regions: got {error.strerror or error}; want a folder", path=self.path) from error
        if file is None:
            raise DataError("regions: got no npz file; want one per image", path=self.path)
        return file.stem, from_npz(read_bytes(file), file, file.stem)

    def _read(self, key: str) -> StoredRegions | None:
        if "/" in key:
            return None
        file = Path(self.path) / f"{key}.npz"
        return from_npz(read_bytes(file), file, key) if is_file(file) else None


def from_npz(data: bytes, path: Path | str, key: str) -> StoredRegions:
    """Parses the bytes of an npz.

    Raises:
        DataError: not an npz, a broken one, one with objects, or a missing array.
    """
    return StoredRegions.from_arrays(read_npz(data, path=path, row=key), path, key)


def to_npz(regions: ImageRegions, *, half: bool = True) -> bytes:
    """Returns regions as the bytes of an npz, by default with features in half precision."""
    arrays = {
        "features": regions.features.astype(np.float16 if half else np.float32),
        "boxes_xyxy": regions.boxes_xyxy.astype(np.float32),
        "size_hw": np.asarray(regions.size_hw, dtype=np.int64),
    }
    if regions.classes is not None:
        arrays["classes"] = regions.classes.astype(np.float16 if half else np.float32)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def write_npz(folder: Path, image_id: str, regions: ImageRegions, *, half: bool = True) -> Path:
    """Writes one image's regions into a folder for `NpzRegions`, completely or not at all."""
    file = npz_path(folder, image_id)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, to_npz(regions, half=half))
    return file


def npz_path(folder: Path, image_id: str) -> Path:
    """Returns the file of an image's regions in a folder.

    Examples:
        >>> npz_path(Path("regions"), "coco/9").as_posix()
        'regions/coco%2F9.npz'
    """
    return folder / f"{quote(image_id, safe='')}.npz"
