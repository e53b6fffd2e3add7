"""Files that are written whole or not at all: a stop, a kill or a full disk leaves the earlier one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from motet.core.printable import printable


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing under a temporary name beside `path`; it gets its name once it is on the disk.

    An error, a full disk (OSError) and a stop by a signal remove it again.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
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
