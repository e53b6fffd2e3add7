"""Shards that lie elsewhere (http, s3, the Hub): fetched whole when they are read, and kept while there is room."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from motet.core import ConfigError, DataError
from motet.core.whole_files import whole_file
from motet.data.formats.error_text import first_line

_TRIES = 4
_CHUNK = 4 * 2**20
_TOUCH_SECONDS = 30.0
_NO_SHARDS = (".lock", ".part", ".npz")


@dataclass(frozen=True)
class ShardCache:
    """A folder with the shards that were read last, which all processes of a machine share.

    Args:
        folder: of the files.
        max_bytes: of all files; the one that was not read for the longest time goes first. At least one is kept.
    """

    folder: Path
    max_bytes: int

    def path(self, url: str) -> Path:
        """Returns the file of a shard: itself where it is a path, else a copy, which is fetched if it is not here.

        Raises:
            DataError: a shard that cannot be fetched.
            ConfigError: a protocol that fsspec does not know, or whose package is not installed.
        """
        if not is_remote(url):
            return Path(url.removeprefix("file://"))
        path = self.folder / self.name_of(url)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):  # one of the workers fetches it, the others wait
                if not path.exists():
                    _fetch(url, path)
                    self._make_room(path)
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_SECONDS:
                os.utime(path)
        return path

    @staticmethod
    def name_of(url: str) -> str:
        """Returns the name of a shard's file."""
        return f"{hashlib.blake2b(url.encode(), digest_size=8).hexdigest()}-{Path(url).name[-80:]}"

    def _make_room(self, newest: Path) -> None:
        """Removes old shards; whoever has one open reads on."""
        files = [file for file in self.folder.iterdir() if file.is_file() and file.suffix not in _NO_SHARDS]
        by_age = sorted(
            ((file.stat().st_mtime_ns, file.stat().st_size, file) for file in files), key=lambda one: one[0]
        )
        left = sum(size for _, size, _ in by_age)
        for _, size, file in by_age:
            if left <= self.max_bytes:
                return
            if file != newest:
                file.unlink(missing_ok=True)
                file.with_name(f"{file.name}.index.npz").unlink(missing_ok=True)
                left -= size


def is_remote(url: str) -> bool:
    """Returns whether a shard lies elsewhere: an address with a protocol other than that of files."""
    return "://" in url and not url.startswith("file://")


def _fetch(url: str, path: Path) -> None:
    import fsspec

    for attempt in range(_TRIES):
        try:
            with fsspec.open(url, "rb") as source, whole_file(path) as file:
                shutil.copyfileobj(source, file, _CHUNK)
            return
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"{url}: got {first_line(error)}; want a protocol that fsspec knows, with its package "
                "(pip install 'motet[streams]' for http and s3)"
            ) from error
        except FileNotFoundError as error:
            raise DataError("shard: got no such file; want one", path=url) from error
        except Exception as error:  # each protocol has errors of its own
            if attempt == _TRIES - 1:
                raise DataError(f"shard: got {first_line(error)}; want it readable", path=url) from error
            time.sleep(2**attempt / 4)
