"""Writes a file completely or not at all, and never through a link that somebody else has put there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file under a new name that nobody can foresee, and renames it.

    A name such as ``x.json.part`` may exist already as a link to another file, which would be overwritten.

    Args:
        path: the file; one that is there is replaced, a link to a file too.
        data: its content.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        part.chmod(0o666 & ~_umask())  # `mkstemp` keeps a file from other users, which data are for
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found
