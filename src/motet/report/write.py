"""Files of a report, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from motet.core import DataError
from motet.core.whole_files import write_whole


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> tuple[Path, ...]:
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
            write_whole(folder / name, data)
            paths.append(folder / name)
    except OSError as error:
        raise DataError(
            f"report files {', '.join(files)}: got {error.strerror or error}; "
            "want a folder with room that can be written",
            path=folder,
        ) from error
    return tuple(paths)
