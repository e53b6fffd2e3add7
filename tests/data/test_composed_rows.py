"""Rows that are made of others: the same at every reading."""

import json
from dataclasses import dataclass

from motet.core import Example, MemoryImage
from motet.core.codec import from_json, to_json
from motet.data.composed_rows import ComposedRows
from motet.data.negatives import FourWay, RandomCaptions
from motet.data.splits import Subset
from motet.training.saved_names import saved_names


@dataclass(frozen=True)
class Captions:
    count: int = 8

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{index}",)

    def __getitem__(self, index: int) -> Example:
        captions = (f"a {index}", f"one {index}")
        image = MemoryImage(f"{index}", b"")
        return Example(id=f"{index}", images=(image,), image_ids=self.keys(index), labels={"captions": captions})


def test_a_row_is_the_same_at_every_reading_and_rows_differ() -> None:
    rows = ComposedRows(Captions(), FourWay())
    assert len(rows) == 8
    assert [rows[index] for index in range(8)] == [rows[index] for index in range(8)]
    assert len({rows[index].candidates[1] for index in range(8)}) > 1
    assert rows[3].candidates[0].text in ("a 3", "one 3")
    assert rows.keys(3) == ("image3",) == rows[3].image_ids[:1]
    assert [ComposedRows(Captions(), FourWay(), seed=1)[i] for i in range(8)] != [rows[i] for i in range(8)]


def test_it_is_part_of_a_saved_run() -> None:
    rows = ComposedRows(Subset(Captions(), (0, 1)), RandomCaptions(2))
    known = saved_names()
    plain = json.loads(json.dumps(to_json(ComposedRows(Subset(Subset, ()), RandomCaptions(2)).compose)))
    assert from_json(plain, known) == rows.compose
    assert f"{ComposedRows.__module__}:ComposedRows" in known.known
