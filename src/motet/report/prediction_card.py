"""A prediction with its image, for people to look at."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True)
class PredictionCard:
    """One card of the gallery.

    Args:
        image: an encoded PNG or JPEG, small.
        task: the task's name.
        question: what was asked, "" for nothing.
        prediction: what the model said.
        truth: what is true, several answers one after the other.
        right: whether it is right; None where there is no right or wrong.
        score: of this row, such as "CIDEr 83"; "" for none.
        wide: the image is several side by side, or needs room.
        listed: texts that were found, one below the other, the best first, each with whether it is right.
    """

    image: bytes = field(repr=False)
    task: str
    prompt: str
    prediction: str
    ground_truth: str
    correct: bool | None = None
    score: str = ""
    wide: bool = False
    ranked_texts: tuple[tuple[str, bool], ...] = ()

    @property
    def media_type(self) -> str:
        """Of the image, by its first bytes."""
        return "image/png" if self.image.startswith(b"\x89PNG") else "image/jpeg"


def thumbnail(image: Image.Image, *, size: int = 176) -> bytes:
    """An image made small enough for a page, as JPEG (PNG where it is tiny already).

    Args:
        image: any mode.
        size: of its longer side in pixels, at most.

    Examples:
        >>> thumbnail(Image.new("RGB", (400, 200)))[:2] == bytes([255, 216])
        True
    """
    small = image.convert("RGB")
    tiny = max(small.size) <= 64
    small.thumbnail((size, size))
    file = io.BytesIO()
    if tiny:
        small.save(file, format="PNG", optimize=True)
    else:
        small.save(file, format="JPEG", quality=82)
    return file.getvalue()
