"""Prepares a data set of Hugging Face `datasets`, named on stdin as JSON; run as a program of its own.

A JSON file of four bytes ("null") ends the process in which `datasets` reads it with pyarrow, so no process with a
training run in it may. What it writes into its cache is read without parsing anything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from motet.data.formats.parquet_file import check_decoded
from motet.data.formats.size_limits import inflated_limit

_SPARE_BYTES = 256 * 1024**2


def prepare(path: str, config: str | None, saved: bool) -> None:
    """Checks a data set that `save_to_disk` wrote, or prepares another one in the cache of `datasets`."""
    if saved:
        for file in sorted(Path(path).rglob("*.arrow")):
            _check(file)
        return
    import datasets

    # What is in the cache already was checked when it was written there.
    if Path(path).is_dir() and not Path(datasets.load_dataset_builder(path, config).cache_dir).exists():
        for file in sorted(Path(path).rglob("*.parquet")):
            check_decoded(file)
    datasets.load_dataset(path, config)


def _check(file: Path) -> None:
    """Compares every value of an Arrow file with its ends: one beyond them would end the process that reads it.

    Raises:
        ValueError: compressed buffers that become far more than the file; `datasets` writes none.
    """
    import pyarrow

    size = file.stat().st_size
    _limit_memory(inflated_limit(size))
    with pyarrow.memory_map(str(file)) as mapped:
        table = pyarrow.ipc.open_stream(mapped).read_all()
        table.validate(full=True)


def _limit_memory(more: int) -> None:
    """Allows the process so many bytes more than it has, where the system can; files that are mapped are not counted.

    A compressed buffer declares its own size, and pyarrow allocates whatever it declares.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
        limit = pages * resource.getpagesize() + more + _SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    except (ImportError, OSError):  # only Linux has both
        return


if __name__ == "__main__":
    error_text = ""
    try:
        prepare(**json.load(sys.stdin))
    except Exception as error:  # whatever it is, the line tells it
        error_text = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
    sys.stdout.write(json.dumps({"error": error_text}) + "\n")
