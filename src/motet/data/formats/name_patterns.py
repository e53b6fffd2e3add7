"""Names of files that belong together: a pattern such as "{}_mask" around what they share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from motet.core import ConfigError
from motet.data.formats.paths import is_image

ANY = "{}"


def by_stem(names: Iterable[str], pattern: str) -> dict[str, str]:
    """Returns the file names that fit a pattern, by what stands in its place.

    A pattern with a file ending is one of whole names; any other is one of names without their ending.

    Raises:
        ConfigError: a pattern without exactly one place.

    Examples:
        >>> by_stem(["a_mask.png", "b.jpg"], "{}_mask"), by_stem(["a.png", "a.jpg"], "{}.jpg")
        ({'a': 'a_mask.png'}, {'a': 'a.jpg'})
    """
    start, place, end = pattern.partition(ANY)
    if not place or ANY in end:
        raise ConfigError(f"pattern: got {pattern!r}; want one place for the shared name, such as '{{}}_mask'")
    whole = is_image(f"a{end}")
    found: dict[str, str] = {}
    for name in names:
        stem = name if whole else PurePath(name).stem
        if len(stem) > len(start) + len(end) and stem.startswith(start) and stem.endswith(end):
            found[stem[len(start) : len(stem) - len(end)]] = name
    return found
