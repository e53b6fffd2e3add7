"""Rows that cannot be read are left out of an evaluation, and named."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from toys import ToyProcessor, ToyReader, label_task

from motet.core import DataError, Example, ImageFile, MemoryImage
from motet.data.source import Source
from motet.evaluation import left_out_notes, without_bad_rows


@dataclass(frozen=True)
class BrokenImages:
    """The rows of a toy reader, some with an image that cannot be decoded."""

    reader: ToyReader
    broken: frozenset[int]

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        return replace(example, images=(MemoryImage(f"{index}.raw", b"x"),)) if index in self.broken else example


@dataclass(frozen=True)
class Strict(ToyProcessor):
    """Refuses images that cannot be decoded, as an image decoder does."""

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        if len(image.read()) < 4:
            raise DataError("image: got a byte; want a complete image file", path=image.name)
        return super().view(image, index)


def source(bad: frozenset[int], broken: frozenset[int]) -> Source:
    reader = BrokenImages(ToyReader("v", 6, bad=bad), broken)
    return Source(name="v", reader=reader, tasks=(label_task("t"),), role="val")


@pytest.mark.parametrize("workers", [0, 1])
def test_rows_with_a_broken_annotation_or_image_are_left_out_and_named(workers: int) -> None:
    kept, lines = without_bad_rows(source(frozenset({0}), frozenset({4})), Strict(), workers=workers)
    assert [kept.reader[row].id for row in range(len(kept.reader))] == ["v/1", "v/2", "v/3", "v/5"]
    assert lines == (
        "v: x: got nothing; want numbers (v.csv, row 0)",
        "v: row 4: image: got a byte; want a complete image file (4.raw)",
    )


def test_a_source_without_bad_rows_is_returned_itself() -> None:
    whole = source(frozenset(), frozenset())
    assert without_bad_rows(whole, Strict()) == (whole, ())


def test_a_source_of_bad_rows_only_is_refused() -> None:
    with pytest.raises(DataError, match=r"source 'v': got no row that can be read.*v.csv, row 0"):
        without_bad_rows(source(frozenset(range(6)), frozenset()), Strict())


def test_a_note_counts_the_rows_of_each_source() -> None:
    assert left_out_notes({"a": (), "b": ("b: one", "b: two")}) == (
        "2 bad rows of b skipped, left out of its evaluation, such as b: one",
    )
