"""A run folder and its JSON files; rank 0 writes them, whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.core import CheckpointError
from motet.core.ranks import broadcast, rank
from motet.core.whole_files import write_whole

RUN, REPORT, VAL_REPORT, PREDICTIONS = "run.json", "report.json", "report-val.json", "predictions.jsonl"
BOOTSTRAPS = "bootstraps.jsonl"

_NUMBERS = re.compile(r"\[\n\s*-?\d+(?:,\n\s*-?\d+)*\n\s*\]")  # no text of JSON has a line break in it


def make_run_folder(folder: Path) -> None:
    """Makes a run folder on rank 0; all ranks fail with it. Raises CheckpointError."""
    failure: str | None = None
    if rank() == 0:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            failure = f"run folder {folder}: got {error.strerror or error}; want a folder with room that can be written"
    failure = broadcast(failure)
    if failure is not None:
        raise CheckpointError(failure)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes a JSON file on rank 0.

    Raises:
        CheckpointError: a full disk, or a folder that cannot be written; an earlier file is untouched.
    """
    if rank() != 0:
        return
    try:
        text = json.dumps(data, indent=1, ensure_ascii=False)
        # The rows of a subset are many: one line for all of them, not one for each.
        write_whole(path, _NUMBERS.sub(lambda found: re.sub(r"\n\s*", " ", found[0]), text) + "\n")
    except OSError as error:
        raise CheckpointError(
            f"{path}: got {error.strerror or error}; want a folder with room that can be written"
        ) from error
