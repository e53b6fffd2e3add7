"""Loads splits with Hugging Face `datasets`, which another process prepares: some files end the process."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, nearest
from motet.data.formats import hf_prepare
from motet.data.formats.archive_sizes import check_archives
from motet.data.formats.error_text import first_line
from motet.data.formats.linked_folders import walk_folder
from motet.data.formats.parquet_file import check_parquet
from motet.data.formats.size_limits import regular_size

_SAVED = ("dataset_info.json", "dataset_dict.json", "state.json")


def load_split(path: Path | str, split: str, config: str | None) -> Any:
    """Loads one split with `datasets`.

    Raises:
        DataError: nothing that `datasets` loads, or no such split.
        ConfigError: the extra motet[hf] is not installed.
    """
    try:
        import datasets
        import pyarrow
    except ImportError as error:
        raise ConfigError(
            f"HfDataset: got no package {error.name}; want the extra motet[hf] (pip install 'motet[hf]')"
        ) from error
    folder = Path(path)
    saved = any((folder / name).is_file() for name in _SAVED)
    if not saved and folder.is_dir():
        _check_sizes(folder, _stamp(folder))
    _prepare(str(path), config, saved, _stamp(folder))
    try:
        if saved:
            return _split(datasets.load_from_disk(str(folder)), split, folder)
        return datasets.load_dataset(str(path), config, split=split)
    # Of a broken description `datasets` finds out by whatever Python raises.
    except (
        ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, StopIteration,
        TypeError, ValueError, datasets.exceptions.DatasetsError, pyarrow.ArrowException,
    ) as error:  # fmt: skip
        if isinstance(error, DataError):
            raise
        raise DataError(f"data set: got {first_line(error)}; want one that `datasets` loads", path=path) from error


@lru_cache(maxsize=64)  # as `_prepare`
def _check_sizes(folder: Path, stamp: tuple[int, int, int]) -> None:
    """Checks what the files become before `datasets` unpacks them, which it does without a limit."""
    del stamp
    check_archives(folder)
    check_parquet(sorted(folder.rglob("*.parquet")))


@lru_cache(maxsize=64)  # each split of a data set asks; an error is not kept
def _prepare(path: str, config: str | None, saved: bool, stamp: tuple[int, int, int]) -> None:
    """Prepares a data set in another process, once for each state of its files. Raises DataError, see `load_split`."""
    del stamp  # part of the cache key
    # Of a name on the Hub the progress of the download is shown.
    errors = subprocess.DEVNULL if Path(path).exists() else None
    asked = json.dumps({"path": path, "config": config, "saved": saved})
    command = [sys.executable, hf_prepare.__file__]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, stderr=errors, text=True, check=False)
    try:
        got = str(json.loads(done.stdout.splitlines()[-1])["error"])
    except (ValueError, LookupError, TypeError):
        got = f"files on which `datasets` fails (exit code {done.returncode})"
    if got:
        raise DataError(f"data set: got {got}; want one that `datasets` loads", path=path)


def _stamp(folder: Path) -> tuple[int, int, int]:
    """Returns what changes with the files of a folder: their number, their bytes and the latest change.

    Raises:
        DataError: a pipe, socket or device among them, at whose other end `datasets` would wait.
    """
    count, size, latest = 0, 0, 0
    for above, names in walk_folder(folder):
        for name in names:
            path = above / name
            if path.exists():  # a link to nothing may lie beside the data
                count, size, latest = count + 1, size + regular_size(path), max(latest, path.stat().st_mtime_ns)
    return count, size, latest


def _split(saved: Any, split: str, path: Path) -> Any:
    """Returns one split of a result of `load_from_disk`: a dictionary of splits, or one split, named or not."""
    if isinstance(saved, dict):
        if split not in saved:
            raise DataError(f"split: got {split!r}; want a split that is saved ({nearest(split, saved)})", path=path)
        return saved[split]
    if saved.split is not None and str(saved.split) != split:
        raise DataError(f"split: got {split!r}; want {str(saved.split)!r}, the only split that is saved", path=path)
    return saved
