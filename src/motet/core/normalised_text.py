"""The one form in which texts are tokenised and compared."""

from __future__ import annotations

import unicodedata


def normalise(text: str) -> str:
    """Normalises a text: NFC, runs of white space as one space, none at the ends.

    Tokenisers read texts in this form and metrics compare them in it: a name that a file system stores with a separate
    accent, as macOS does, or with two spaces, is the same name. Lone surrogates, which UTF-8 cannot encode, become
    question marks.

    Examples:
        >>> normalise("  two\\n dogs ")
        'two dogs'
        >>> normalise("cafe\\u0301") == "caf\\u00e9"
        True
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFC", text).split())
