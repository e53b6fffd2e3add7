"""Finds files whose names are spelled in another way than the folder has them: backslashes, Unicode's forms, case."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path


def find_file(file: Path) -> Path | None:
    """Returns a file, or else the only one whose name is spelled alike; None for none or several.

    Spelled alike are names that differ in Windows' backslashes between folders, in the composed or decomposed form of
    letters (NFC, NFD: macOS and zip archives change it), in the encoding of an old archive (Latin-1), or in upper and
    lower case. Of those that fit, names that differ in case too count only where no other fits.

    Args:
        file: the file as an annotation names it, under the folder of its data set.

    Examples:
        >>> here = Path(__file__)
        >>> find_file(here.with_name("FIND_FILE.py")).name, find_file(here.with_name("no.py"))
        ('find_file.py', None)
    """
    if _is_file(file):
        return file
    found = files_alike(file)
    return found[0] if len(found) == 1 else None


def files_alike(file: Path) -> list[Path]:
    """Returns the files whose names are spelled alike, see `find_file`; none of them where the name leads upwards."""
    return [place for place in _places(file) if _is_file(place)]


def spelled_alike(names: Collection[str], others: Collection[str]) -> dict[str, str]:
    """Returns per name the one of the others that is spelled alike; names for which it is not certain are left out.

    Examples:
        >>> spelled_alike(["img_1", "a"], ["IMG_1", "B"]), spelled_alike(["a"], ["A", "a "]), spelled_alike("aA", "A")
        ({'img_1': 'IMG_1'}, {'a': 'A'}, {})
    """
    by_key: dict[str, list[str]] = {}
    for other in others:
        by_key.setdefault(fold_name(other), []).append(other)
    count = Counter(map(fold_name, names))
    found = {name: by_key.get(fold_name(name), []) for name in names if count[fold_name(name)] == 1}
    return {name: alike[0] for name, alike in found.items() if len(alike) == 1}


def _places(path: Path) -> list[Path]:
    if _exists(path) or path == path.parent:
        return [path]
    places = _places(path.parent)
    for name in path.name.split("\\"):
        if name == os.pardir:
            return []
        if name not in ("", os.curdir):
            places = [place / match for place in places for match in _matches(place, name)]
    return places


def _matches(folder: Path, name: str) -> list[str]:
    try:
        names = _names(folder, folder.stat().st_mtime_ns).get(fold_name(name), ())
    except OSError:
        return []
    same_case = [one for one in names if _compose(one) == _compose(name)]
    return [name] if name in names else same_case or list(names)


@lru_cache(maxsize=256)
def _names(folder: Path, modified_ns: int) -> Mapping[str, tuple[str, ...]]:
    del modified_ns  # part of the cache key: the names change with it
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(entry.name for entry in folder.iterdir()):
        key = fold_name(name)
        found[key] = (*found.get(key, ()), name)
    return found


def fold_name(name: str) -> str:
    """Returns a key that names have in common which are spelled alike, also in upper and lower case.

    Examples:
        >>> fold_name("CAFE\u0301.JPG") == fold_name("caf\u00e9.jpg")
        True
    """
    return unicodedata.normalize("NFC", _compose(name).casefold())


def _compose(name: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in name):  # bytes that are not UTF-8
        name = os.fsencode(name).decode("latin-1")
    return unicodedata.normalize("NFC", name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
