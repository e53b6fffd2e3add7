"""The JSON files of a run folder; rank 0 writes them, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.core import CheckpointError
from motet.core.ranks import rank
from motet.core.whole_files import write_whole

RUN, REPORT, VAL_REPORT, PREDICTIONS = "run.json", "report.json", "report-val.json", "predictions.jsonl"


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes a JSON file on rank 0.

    Raises:
        CheckpointError: a full disk, or a folder that cannot be written; an earlier file is untouched.
    """
    if rank() != 0:
        return
    try:
        write_whole(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise CheckpointError(
            f"{path}: got {error.strerror or error}; want a folder with room that can be written"
        ) from error
