"""Files of a report, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from motet.core import DataError
from motet.core.printable import printable


def to_bytes(text: str) -> bytes:
    """Returns a page as UTF-8; what UTF-8 or a page cannot hold stands as its escape."""
    return printable(text).encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Writes files into a folder, which is made if it does not exist.

    A file of the same name is replaced only once the new one is complete, so a full disk never leaves half a page.

    Args:
        folder: gets the files.
        files: contents by file name.

    Returns:
        The paths, in the same order.

    Raises:
        DataError: a folder or file that cannot be written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path, part = folder / name, folder / f"{name}.part"
            part.write_bytes(data)
            part.replace(path)
            paths.append(path)
    except OSError as error:
        raise DataError(
            f"report files {', '.join(files)}: got {error.strerror or error}; want a folder that can be written",
            path=folder,
        ) from error
    return tuple(paths)
