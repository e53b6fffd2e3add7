"""Regions in an LMDB: the layout published for ViLBERT, and one of npz values without pickles."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError
from motet.core.plain_pickle import read_plain
from motet.data.formats.regions.lmdb_file import LmdbFile
from motet.data.formats.regions.npz import from_npz, to_npz
from motet.data.formats.regions.region_file import RegionFiles, StoredRegions
from motet.preprocess.regions import ImageRegions

_KEYS = b"keys"  # the key under which published files store the list of all keys
_NPZ = b"PK"  # the first bytes of an npz
_MAP_BYTES = 2**40  # address space, not disk


@dataclass(frozen=True, kw_only=True)
class LmdbRegions(RegionFiles):
    """An LMDB with one value per image id; it is read without the library (see `LmdbFile`).

    A value is an npz (what `write_lmdb` writes), or a pickled dict as the authors of ViLBERT publish: "image_h",
    "image_w", "num_boxes", "boxes" and "features" (and "cls_prob") as base64 of 32-bit numbers, or as arrays. Pickles
    are read as plain data and arrays of numbers; a pickle that needs anything else is refused and not run.

    Raises:
        DataError: no such database, an empty one, a broken or malicious value.
    """

    _open: list[LmdbFile] = field(default_factory=list, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": []}

    def _file(self) -> LmdbFile:
        if not self._open:
            self._open.append(LmdbFile(Path(self.path)))
        return self._open[0]

    def _first(self) -> tuple[str, StoredRegions]:
        for key, value in self._file().items():
            if key != _KEYS:
                name = key.decode("utf-8", "replace")
                return name, self._parse(value, name)
        raise DataError("regions: got an LMDB without an image; want one value per image", path=self.path)

    def _read(self, key: str) -> StoredRegions | None:
        value = None if key.encode() == _KEYS else self._file().get(key.encode())
        return None if value is None else self._parse(value, key)

    def _parse(self, value: bytes, key: str) -> StoredRegions:
        if value.startswith(_NPZ):
            return from_npz(value, self.path, key)
        found = read_plain(value, path=self.path, row=key, arrays=True)
        if not isinstance(found, dict):
            raise DataError(f"regions: got a {type(found).__name__}; want a dict of arrays", path=self.path, row=key)
        named = {_text(name): value for name, value in found.items()}
        count = named.get("num_boxes", 0)
        arrays = {name: self._array(part, count, name, key) for name, part in named.items() if name in _ARRAYS}
        return StoredRegions.from_arrays({**named, **arrays}, self.path, key)

    def _array(self, value: object, count: object, name: str, key: str) -> np.ndarray:
        if isinstance(value, np.ndarray):
            return value
        if not isinstance(value, str | bytes):
            got = f"a {type(value).__name__}"
            raise DataError(f"{name}: got {got}; want base64 of 32-bit numbers, or an array", path=self.path, row=key)
        try:
            data = value if isinstance(value, bytes) else value.encode("ascii")
            flat = np.frombuffer(base64.b64decode(data, validate=True), dtype="<f4")
        except (binascii.Error, ValueError) as error:
            got = " ".join(str(error).split())
            raise DataError(f"{name}: got {got}; want base64 of 32-bit numbers", path=self.path, row=key) from error
        if not isinstance(count, int | np.integer) or count < 1 or not len(flat) or len(flat) % int(count):
            raise DataError(
                f"{name}: got {len(flat)} numbers for {count!r} boxes; want some for each", path=self.path, row=key
            )
        return flat.reshape(int(count), -1)


_ARRAYS = ("features", "boxes", "cls_prob")


def write_lmdb(
    path: Path, regions: Iterable[tuple[str, ImageRegions]] | Mapping[str, ImageRegions], *, half: bool = True
) -> int:
    """Writes regions as npz values into an LMDB folder for `LmdbRegions`; returns their number.

    Args:
        path: the folder; images that it already contains are overwritten.
        regions: (image id, regions).
        half: store features in half precision.

    Raises:
        ConfigError: lmdb is not installed, or the folder cannot be written.
    """
    pairs = regions.items() if isinstance(regions, Mapping) else regions
    module = _lmdb()
    count = 0
    try:
        path.mkdir(parents=True, exist_ok=True)
        with open_to_write(path) as database:
            for image_id, found in pairs:
                with database.begin(write=True) as transaction:
                    transaction.put(image_id.encode(), to_npz(found, half=half))
                count += 1
    except (module.Error, OSError) as error:
        raise ConfigError(f"regions: got {error}; want a folder that can be written ({path})") from error
    return count


def open_to_write(path: Path) -> Any:
    """Opens an existing LMDB folder for writing.

    Raises:
        ConfigError: lmdb is not installed, or the folder holds no database that can be written.
    """
    module = _lmdb()
    try:
        return module.open(str(path), map_size=_MAP_BYTES)
    except module.Error as error:
        raise ConfigError(f"regions: got {error}; want a folder that can be written ({path})") from error


def _lmdb() -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise ConfigError("regions: got no lmdb; want it installed (motet[regions])") from error
    return lmdb


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
