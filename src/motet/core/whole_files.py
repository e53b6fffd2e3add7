"""Files that are written whole or not at all: a stop, a kill or a full disk leaves the earlier one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from motet.core.printable import printable


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing under a temporary name beside `path`; it gets its name once it is on the disk.

    An error, a full disk (OSError) and a stop by a signal remove it again. The temporary name is one that nobody can
    foresee: one such as ``x.json.part`` may exist already as a link to another file, which would be overwritten.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())  # `mkstemp` keeps a file from other users, whom data are for too
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all. Raises OSError, with the earlier file untouched.

    Args:
        path: of the file.
        content: text is written as UTF-8; what UTF-8 or a page cannot hold stands as its escape.
    """
    with whole_file(path) as file:
        file.write(printable(content).encode() if isinstance(content, str) else content)


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found
