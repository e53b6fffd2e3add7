"""Reads whole files, and only files: reading a pipe, a socket or a device in the place of one may never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

from motet.core.plain_json import parse_json


def file_size(path: Path) -> int:
    """Returns the bytes of a file on disk, without opening it.

    Raises:
        OSError: no such file, or a folder, pipe, socket or device.

    Examples:
        >>> file_size(Path("/dev/null"))
        Traceback (most recent call last):
        OSError: [Errno 22] a pipe, socket or device
    """
    try:
        found = path.stat()
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.ENOENT, str(error)) from error
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "a pipe, socket or device")
    return found.st_size


def file_bytes(path: Path) -> bytes:
    """Returns the content of a file. Raises OSError, see `file_size`."""
    file_size(path)
    return path.read_bytes()


def read_json(path: Path) -> Any:
    """Returns the value of a JSON file that motet itself has written, or that somebody has changed since.

    Raises:
        OSError: see `file_size`.
        ValueError: see `parse_json`.
    """
    return parse_json(file_bytes(path), halves=True)
