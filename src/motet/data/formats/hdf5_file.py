"""Reads arrays of HDF5 files that other people made: from this file alone, and no more than it holds.

HDF5 can point to other files (external links, external storage, virtual datasets), whose content would come out as the
data set's own; and a shape is only a declaration, of terabytes as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from motet.core import ConfigError, DataError
from motet.data.formats.error_text import first_line
from motet.data.formats.size_limits import MAX_BYTES, inflated_limit, regular_size

_NUMBERS = "biuf"
_MAX_ATTRIBUTE = 64  # numbers
_TEXTS, _MAX_TEXT, _MAX_CODES = 64, 4096, 4096
# Whatever the library finds in a broken file comes as one of these.
_BROKEN = (
    OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError,
    RecursionError,
)  # fmt: skip


class Hdf5File:
    """An HDF5 file that is open for reading, until the end of a `with` or of the process.

    Args:
        path: the file.
        what: the first word of errors about the whole file.

    Raises:
        DataError: no such file, or no HDF5.
        ConfigError: h5py is not installed.
    """

    def __init__(self, path: Path, *, what: str) -> None:
        try:
            import h5py
        except ImportError as error:
            raise ConfigError(f"{what}: got no h5py; want the extra motet[regions]") from error
        self.path, self.what, self._h5py = path, what, h5py
        self._size = regular_size(path)
        try:
            self._file: Any = h5py.File(path, "r")
        except _BROKEN as error:
            raise DataError(f"{what}: got {first_line(error)}; want an HDF5 file", path=path) from error

    def __enter__(self) -> Hdf5File:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @contextmanager
    def errors(self, name: str, row: int | str | None = None) -> Iterator[None]:
        """Turns every error of the library in the `with` block into a DataError about an object of the file."""
        try:
            yield
        except (DataError, ConfigError):
            raise
        except _BROKEN as error:
            got = f"{first_line(error)}; want a whole entry"
            raise DataError(f"{name}: got {got}", path=self.path, row=row) from error

    def names(self) -> list[str]:
        """Returns the names of the outermost groups and arrays, sorted."""
        with self.errors(self.what):
            return sorted(self._file)

    def has(self, name: str) -> bool:
        """Returns True where there is a group or an array of this name."""
        return self.find(name) is not None

    def find(self, name: str) -> Any:
        """Returns a group or an array by its path, None where there is none.

        Raises:
            DataError: a link on the way, to another file or within this one.
        """
        found: Any = self._file
        with self.errors(name):
            for part in name.split("/"):
                if not isinstance(found, self._h5py.Group):
                    return None
                link = found.get(part, getlink=True) if part else None
                if link is None:
                    return None
                if not isinstance(link, self._h5py.HardLink):
                    self._refuse(name, f"a link to {getattr(link, 'filename', '') or getattr(link, 'path', '?')}")
                found = found.get(part)
        return found

    def first_group_of_arrays(self) -> str | None:
        """Returns the path of the first group that contains arrays and no groups; links are not followed."""
        with self.errors(self.what):
            found: str | None = self._file.visit(lambda name: name if self.arrays_in(self.find(name)) else None)
            return found

    def arrays_in(self, found: Any) -> tuple[str, ...]:
        """Returns the names of a group's arrays; none for an array, and for a group that contains other groups."""
        if not isinstance(found, self._h5py.Group):
            return ()
        with self.errors(self.what):
            kinds = {name: found.get(name, getclass=True) for name in found}
        return tuple(kinds) if all(issubclass(kind or object, self._h5py.Dataset) for kind in kinds.values()) else ()

    def num_rows(self, name: str) -> int:
        """Returns the length of an array."""
        with self.errors(name):
            return int(self._checked(name).shape[0])

    def read(self, name: str, rows: slice | int | tuple[()] = ()) -> np.ndarray:
        """Returns an array of numbers, or some rows of it.

        Raises:
            DataError: there is none, it is stored in another file, or it declares more than this file holds.
        """
        with self.errors(name, rows if isinstance(rows, int) else None):
            dataset = self._checked(name)
            if dataset.dtype.kind not in _NUMBERS:
                self._refuse(name, f"an array of {dataset.dtype}; want numbers")
            self._check_amount(name, dataset, rows)
            return np.asarray(dataset[rows])

    def texts(self, name: str) -> tuple[str, ...]:
        """Returns an array of texts or whole numbers as texts."""
        with self.errors(name):
            dataset = self._checked(name)
            if dataset.dtype.kind not in "iuS" and self._h5py.check_string_dtype(dataset.dtype) is None:
                self._refuse(name, f"an array of {dataset.dtype}; want texts or whole numbers")
            self._check_amount(name, dataset, ())
            found: list[str] = []
            # One long text may be stored once and named by each row, so some rows at a time are counted.
            for start in range(0, len(dataset), _TEXTS):
                for value in np.asarray(dataset[start : start + _TEXTS]).ravel().tolist():
                    found.append(value.decode() if isinstance(value, bytes) else str(value))
                if max(map(len, found[-_TEXTS:])) > _MAX_TEXT:
                    self._refuse(name, f"a text of more than {_MAX_TEXT:,} characters; want the keys of images")
            return tuple(found)

    def texts_of_codes(self, name: str) -> tuple[str, ...]:
        """Returns a cell array of MATLAB: references to arrays of character codes."""
        with self.errors(name):
            dataset = self._checked(name)
            self._check_amount(name, dataset, ())
            if self._h5py.check_ref_dtype(dataset.dtype) is None:
                self._refuse(name, f"an array of {dataset.dtype}; want a cell array of texts")
            return tuple(self._text_of_codes(name, self._file[cell]) for cell in np.asarray(dataset[()]).ravel())

    def _text_of_codes(self, name: str, dataset: Any) -> str:
        self._check(name, dataset)
        if dataset.dtype.kind not in "iu":
            self._refuse(name, f"character codes of {dataset.dtype}")
        if dataset.size > _MAX_CODES:
            self._refuse(name, f"a text of {dataset.size:,} characters; want a name")
        return "".join(map(chr, np.ravel(dataset[()]).tolist()))

    def attributes(self, name: str, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Returns those attributes of a group that are among the wanted ones, as few numbers each."""
        found: dict[str, np.ndarray] = {}
        with self.errors(name):
            attributes = self.find(name).attrs
            for attribute in wanted:
                if attribute in attributes:
                    stored = attributes.get_id(attribute)
                    if stored.dtype.kind not in _NUMBERS or math.prod(stored.shape) > _MAX_ATTRIBUTE:
                        self._refuse(name, f"{attribute} as {stored.shape} of {stored.dtype}; want numbers")
                    found[attribute] = np.asarray(attributes[attribute])
        return found

    def _checked(self, name: str) -> Any:
        dataset = self.find(name)
        if dataset is None:
            raise DataError(f"{self.what}: got {self.names()}; want {name!r} among them", path=self.path)
        self._check(name, dataset)
        return dataset

    def _check(self, name: str, dataset: Any) -> None:
        if not isinstance(dataset, self._h5py.Dataset) or dataset.shape is None:
            self._refuse(name, "no array")
        if dataset.external or dataset.is_virtual:
            self._refuse(name, "an array that is stored in another file")
        # What is compressed may be larger than the file; what is not may only be larger if parts were never written.
        total = math.prod(dataset.shape) * dataset.dtype.itemsize
        limit = max(self._size, 100 * self._size + inflated_limit(0) if dataset.chunks else self._size)
        if total > limit or math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize > inflated_limit(self._size):
            self._refuse(name, f"the shape {dataset.shape} in a file of {self._size:,} bytes")

    def _check_amount(self, name: str, dataset: Any, rows: slice | int | tuple[()]) -> None:
        length = dataset.shape[0] if dataset.shape else 1
        match rows:
            case slice():
                count = len(range(*rows.indices(length)))
            case int():
                count = 1
            case _:
                count = length
        wanted = count * math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
        if wanted > min(MAX_BYTES, max(self._size, inflated_limit(self._size))):
            self._refuse(name, f"{wanted:,} bytes in a file of {self._size:,}")

    def _refuse(self, name: str, got: str) -> NoReturn:
        want = "" if "; want" in got else "; want arrays of numbers in this file itself"
        raise DataError(f"{name}: got {got}{want}", path=self.path)
