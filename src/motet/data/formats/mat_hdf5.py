"""MATLAB files of version 7.3, which are HDF5; opened per access, since readers keep no open file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError
from motet.data.formats.error_text import first_line

_BROKEN = (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError)


class MatFile:
    """A MATLAB file that is open within a `with`; its axes are those of MATLAB in reverse order.

    Args:
        path: the file.

    Raises:
        DataError: on entering, if the file does not exist or is not HDF5.
        ConfigError: h5py is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> MatFile:
        try:
            import h5py
        except ImportError as error:
            raise ConfigError("MATLAB 7.3: got no h5py; want the extra motet[regions]") from error
        try:
            self._file: Any = h5py.File(self.path, "r")
        except OSError as error:
            got = "no such file" if not self.path.is_file() else "a file that is not a whole HDF5 file"
            raise DataError(f"MATLAB 7.3: got {got}; want one of version 7.3", path=self.path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def num_rows(self, name: str) -> int:
        """Returns the number of rows of a variable."""
        return int(self._variable(name).shape[0])

    def row(self, name: str, row: int) -> np.ndarray:
        """Returns one row of a variable.

        Raises:
            DataError: the file lacks it, or its bytes are broken.
        """
        try:
            return np.asarray(self._variable(name)[row])
        except _BROKEN as error:
            raise DataError(f"{name}: got {first_line(error)}; want a whole row", path=self.path, row=row) from error

    def texts(self, name: str) -> tuple[str, ...]:
        """Returns a cell array of texts, which are references to arrays of character codes.

        Raises:
            DataError: the variable is not a cell array of texts.
        """
        try:
            cells = np.asarray(self._variable(name)).ravel()
            return tuple("".join(chr(int(code)) for code in np.ravel(self._file[cell])) for cell in cells)
        except _BROKEN as error:
            raise DataError(f"{name}: got {first_line(error)}; want a cell array of texts", path=self.path) from error

    def _variable(self, name: str) -> Any:
        if name not in self._file or not getattr(self._file[name], "shape", ()):
            raise DataError(f"{name}: got a file without it; want it as an array", path=self.path)
        return self._file[name]
