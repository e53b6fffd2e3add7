"""Sources of a folder of data, as `motet init` recognises it."""

from __future__ import annotations

import logging
from pathlib import Path

from motet.data.source import Source
from motet.scaffold.init import read_folder

log = logging.getLogger("motet.data")


def from_folder(folder: str | Path) -> tuple[Source, ...]:
    """Returns the sources of a folder of data, with a task for each kind of annotation in it.

    Class folders, COCO, VQA, CSV and some thirty other layouts are recognised as `motet init` does (docs/DATA.md); what
    is not read is logged. Splits are those of the files, and the missing ones are split off by image.

    Args:
        folder: of the data.

    Raises:
        DataError: no such folder, or nothing in it to train on, with what keeps each file from being read.
    """
    found = read_folder(Path(folder))
    for line in found.lines:
        log.warning("%s: %s", folder, line)
    return found.sources
