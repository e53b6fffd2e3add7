"""Counting rows, pairs and images without decoding one."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import Reader


@dataclass(frozen=True)
class Counts:
    """How much there is in one or several readers (LiT decoder, section 5.3, mixes by one of these numbers).

    Args:
        rows: Examples.
        images: images of each reader, each once a reader; added over readers.
        pairs: rows that have an image: one a question, or one an image where nothing is asked.
        unique_images: images over all readers, each once.
    """

    rows: int
    images: int
    pairs: int
    unique_images: int


def count(*readers: Reader) -> Counts:
    """The numbers over all readers, from their image ids alone: a million rows take a few seconds."""
    rows = images = pairs = 0
    everywhere: set[str] = set()
    for reader in readers:
        here: set[str] = set()
        for index in range(len(reader)):
            keys = reader.keys(index)
            pairs += bool(keys)
            here.update(keys)
        rows += len(reader)
        images += len(here)
        everywhere |= here
    return Counts(rows, images, pairs, len(everywhere))
