"""The folder of what can be made again: stored features, rows of data frames."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Returns ``$MOTET_CACHE``, else ``~/.cache/motet``; all runs of a user share it."""
    return Path(os.environ.get("MOTET_CACHE", Path.home() / ".cache" / "motet"))
