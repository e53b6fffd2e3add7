"""Names of classes that look the same: the same but for case, spaces or the form of Unicode."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def alike_names(names: Iterable[str]) -> str:
    """Returns the first names that are probably one class that was written in several ways; "" where there are none.

    Examples:
        >>> alike_names(("Neg", "Pos", "Pos "))
        "classes 'Pos' and 'Pos ' differ only in case or spaces"
        >>> alike_names(("cat", "dog"))
        ''
    """
    seen: dict[str, str] = {}
    for name in names:
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        if plain in seen:
            return f"classes {seen[plain]!r} and {name!r} differ only in case or spaces"
        seen[plain] = name
    return ""
