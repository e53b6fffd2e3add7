"""One row per caption, its negatives and its pool those of images."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from motet.core import DataError, Example, MemoryImage
from motet.data.caption_rows import CaptionRows
from motet.data.negatives import FourWay, HardNegativePool


@dataclass(frozen=True)
class Captions:
    counts: tuple[int, ...] = (2, 1, 3)

    def __len__(self) -> int:
        return len(self.counts)

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{index}",)

    def __getitem__(self, index: int) -> Example:
        captions = tuple(f"{index} {k}" for k in range(self.counts[index]))
        image = MemoryImage(f"{index}", b"")
        return Example(id=f"{index}", images=(image,), image_ids=self.keys(index), labels={"captions": captions})


def test_every_caption_is_a_row_of_its_own() -> None:
    rows = CaptionRows(Captions())
    assert len(rows) == 6
    assert [rows[index].text for index in range(6)] == ["0 0", "0 1", "1 0", "2 0", "2 1", "2 2"]
    assert [rows[index].id for index in range(6)] == ["0#0", "0#1", "1#0", "2#0", "2#1", "2#2"]
    assert [rows.keys(index) for index in (1, 2, 5)] == [("image0",), ("image1",), ("image2",)]
    assert rows[4].labels["captions"] == ("2 0", "2 1", "2 2")
    with pytest.raises(IndexError, match="row 6: want 0 to 5"):
        rows.keys(6)


def test_the_positive_pair_is_the_rows_own_caption_and_the_pool_is_of_images() -> None:
    images = Captions((3, 3, 3, 3))
    pool = HardNegativePool(images, global_feature=lambda image: np.array([1.0, float(image.name)]), nearest=1)
    compose, rows = FourWay(pool), CaptionRows(images)
    for index in range(len(rows)):
        row = compose(rows, index, np.random.default_rng(index))
        assert row.candidates[0].text == rows[index].text
        (hard,) = pool.rows[rows.image_row(index)]
        assert row.candidates[3].text.startswith(f"{hard} ")


def test_fewer_images_have_a_pool_of_their_own() -> None:
    images = Captions((3, 3, 3, 3))
    pool = HardNegativePool(images, global_feature=lambda image: np.array([1.0, float(image.name)]), nearest=1)
    fewer = CaptionRows(replace(images, counts=(3, 3)))
    assert FourWay(pool).for_reader(fewer).hard.rows.tolist() == [[1], [0]]
    assert FourWay().for_reader(fewer) == FourWay()


def test_no_caption_is_one_line() -> None:
    with pytest.raises(DataError, match="annotation 'captions': got no caption in 2 rows; want at least one"):
        CaptionRows(Captions((0, 0)))
