"""Prepares a data set of Hugging Face `datasets`, named on stdin as JSON; run as a program of its own.

A JSON file of four bytes ("null") ends the process in which `datasets` reads it with pyarrow, so no process with a
training run in it may. What it writes into its cache is read without parsing anything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def prepare(path: str, config: str | None, saved: bool) -> None:
    """Checks a data set that `save_to_disk` wrote, or prepares another one in the cache of `datasets`."""
    if saved:
        for file in sorted(Path(path).rglob("*.arrow")):
            _check(file)
    else:
        import datasets

        datasets.load_dataset(path, config)


def _check(file: Path) -> None:
    """Compares every value of an Arrow file with its ends: one beyond them would end the process that reads it."""
    import pyarrow

    with pyarrow.memory_map(str(file)) as mapped:
        pyarrow.ipc.open_stream(mapped).read_all().validate(full=True)


if __name__ == "__main__":
    error_text = ""
    try:
        prepare(**json.load(sys.stdin))
    except Exception as error:  # whatever it is, the line tells it
        error_text = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
    sys.stdout.write(json.dumps({"error": error_text}) + "\n")
