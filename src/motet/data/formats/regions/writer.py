"""Files of regions that are written image by image and can be continued after an interruption."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from motet.core import ConfigError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.formats.regions.hdf5 import Hdf5Regions, write_group
from motet.data.formats.regions.lmdb import LmdbRegions, open_to_write
from motet.data.formats.regions.npz import NpzRegions, npz_path, to_npz, write_npz
from motet.data.formats.regions.region_file import RegionFiles
from motet.preprocess.regions import ImageRegions

_HDF5 = (".h5", ".hdf5")


class RegionWriter(ABC):
    """A file or folder of regions that is open for writing; `has` tells which images it already contains.

    The settings of the detector are stored in a small JSON beside it, so that two detectors never share one file.

    Args:
        path: the file or folder.
        settings: detector and its options, as plain values.
        half: store features in half precision.

    Raises:
        ConfigError: a file that was made with other settings, or a place that is not writable.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, half: bool = True) -> None:
        self.path, self.half = path, half
        self.settings = {**settings, "half": half}

    @abstractmethod
    def has(self, image_id: str) -> bool:
        """Returns True if it contains the regions of this image."""

    @abstractmethod
    def write(self, image_id: str, regions: ImageRegions) -> None:
        """Writes the regions of one image, completely or not at all."""

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def reader(self) -> RegionFiles:
        """Returns the reader of this file. Raises DataError while it is empty."""

    def __enter__(self) -> Self:
        beside = self.path.with_name(f"{self.path.name}.json")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            known = read_json(beside) if beside.exists() else None
            if known is None and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise ConfigError(f"regions: got {self.path} without {beside.name}; want another place (--out)")
            if known is not None and known != self.settings:
                differs = [name for name in self.settings if known.get(name) != self.settings[name]]
                name = next(iter(differs), "made by")
                raise ConfigError(
                    f"regions: {name}: got {self.settings.get(name)!r}; want {known.get(name)!r}, with which "
                    f"{self.path} was made, or another place (--out)"
                )
            self._open()
            write_whole(beside, json.dumps(self.settings, indent=1).encode())
        except OSError as error:
            raise ConfigError(f"regions: got {error.strerror or error}; want a place to write ({self.path})") from error
        except ValueError as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"regions: got {error}; want the JSON that this command wrote ({beside})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def region_writer(path: Path, settings: Mapping[str, Any], *, half: bool = True) -> RegionWriter:
    """Returns the writer for an ending: ``.lmdb`` LMDB, ``.h5`` or ``.hdf5`` HDF5, no ending a folder of npz files.

    Raises:
        ConfigError: another ending.
    """
    match path.suffix.lower():
        case "":
            return _NpzWriter(path, settings, half=half)
        case ".lmdb":
            return _LmdbWriter(path, settings, half=half)
        case ending if ending in _HDF5:
            return _Hdf5Writer(path, settings, half=half)
        case ending:
            raise ConfigError(f"regions: got the ending {ending!r}; want none (a folder), .lmdb or .h5 ({path})")


class _NpzWriter(RegionWriter):
    def _open(self) -> None:
        self.path.mkdir(exist_ok=True)

    def _close(self) -> None:
        pass

    def has(self, image_id: str) -> bool:
        return npz_path(self.path, image_id).exists()

    def write(self, image_id: str, regions: ImageRegions) -> None:
        write_npz(self.path, image_id, regions, half=self.half)

    def reader(self) -> RegionFiles:
        return NpzRegions(path=self.path)


class _LmdbWriter(RegionWriter):
    def _open(self) -> None:
        self.path.mkdir(exist_ok=True)
        self.database = open_to_write(self.path)

    def _close(self) -> None:
        self.database.close()

    def has(self, image_id: str) -> bool:
        with self.database.begin() as transaction:
            return transaction.get(image_id.encode()) is not None

    def write(self, image_id: str, regions: ImageRegions) -> None:
        with self.database.begin(write=True) as transaction:
            transaction.put(image_id.encode(), to_npz(regions, half=self.half))

    def reader(self) -> RegionFiles:
        return LmdbRegions(path=self.path)


class _Hdf5Writer(RegionWriter):
    def _open(self) -> None:
        try:
            import h5py
        except ImportError as error:
            raise ConfigError("regions: got no h5py; want it installed (motet[regions])") from error
        self.file: Any = h5py.File(self.path, "a")

    def _close(self) -> None:
        self.file.close()

    def has(self, image_id: str) -> bool:
        return image_id in self.file

    def write(self, image_id: str, regions: ImageRegions) -> None:
        write_group(self.file, image_id, regions, half=self.half)

    def reader(self) -> RegionFiles:
        return Hdf5Regions(path=self.path)
