"""Walks folders through links to other folders, each of them once, so that no loop of links is endless."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from motet.data.formats.paths import is_hidden


def walk_folder(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields a folder and all below it, without hidden ones, with the names of the files in each.

    A link to a folder is followed, unless what it leads to was walked already or contains what was.
    """
    seen: set[str] = set()
    for at, folders, files in os.walk(folder, followlinks=True):
        above = Path(at)
        names = sorted(name for name in folders if not is_hidden(name))
        links = [name for name in names if (above / name).is_symlink()]
        folders[:] = [name for name in names if name not in links]
        # Links last, so that a folder has its images at its own place where a link beside it leads to it too.
        seen.update(os.path.realpath(above / name) for name in (os.curdir, *folders))
        for name in links:
            if not _is_walked(target := os.path.realpath(above / name), seen):
                seen.add(target)
                folders.append(name)
        yield above, [name for name in files if not is_hidden(name)]


def leads_back(folder: Path, root: Path) -> bool:
    """Returns True for a link, below a root, to a folder that contains the link: to follow it would be a loop.

    Examples:
        >>> leads_back(Path("a/b"), Path("a"))
        False
    """
    if not folder.is_symlink():
        return False
    above = folder.parents[: len(folder.parts) - len(root.parts)]
    return _is_walked(os.path.realpath(folder), {os.path.realpath(one) for one in above})


def _is_walked(target: str, seen: set[str]) -> bool:
    return target in seen or any(one.startswith(f"{target.rstrip(os.sep)}{os.sep}") for one in seen)
