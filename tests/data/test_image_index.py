"""Rows grouped by image: order, pairs of images, text-only rows, and fingerprints that notice a change."""

from dataclasses import dataclass

import pytest

from motet.core import DataError, Example
from motet.data.image_index import fingerprint_of, first_readable, image_index


class Keys:
    def __init__(self, *keys: tuple[str, ...]) -> None:
        self.rows = keys

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.rows[index]


def groups(*keys: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[int]]]:
    index = image_index(Keys(*keys))
    return [(ids, index.rows_of(group).tolist()) for group, ids in enumerate(index.ids)]


def test_rows_of_an_image_are_one_group_in_order_of_appearance() -> None:
    assert groups(("b",), ("a",), ("b",), ("a",), ("b",)) == [(("b",), [0, 2, 4]), (("a",), [1, 3])]


def test_a_pair_of_images_is_another_group_than_each_and_than_the_reverse() -> None:
    assert [ids for ids, _ in groups(("a", "b"), ("a",), ("b", "a"), ("a", "b"))] == [("a", "b"), ("a",), ("b", "a")]


def test_every_row_without_images_is_a_group() -> None:
    assert groups((), ("a",), ()) == [((), [0]), (("a",), [1]), ((), [2])]


def test_an_empty_reader_has_no_groups() -> None:
    assert len(image_index(Keys())) == 0


@pytest.mark.parametrize(
    "other",
    [
        [("a",), ("b",)],
        [("b",), ("a",), ("a",)],
        [("a",), ("a",), ("b",)],
        [("ab",), ("",), ("a",)],
        [("a", "b"), ("c",), ("a", "b")],
    ],
)
def test_a_fingerprint_changes_with_ids_order_and_rows(other: list[tuple[str, ...]]) -> None:
    rows = [("a",), ("b",), ("a",)]
    fingerprint = fingerprint_of(image_index(Keys(*rows)))
    assert fingerprint == fingerprint_of(image_index(Keys(*rows)))
    assert fingerprint["images"] == 2
    assert fingerprint != fingerprint_of(image_index(Keys(*other)))


def test_names_that_are_not_utf_8_have_a_fingerprint_of_their_own() -> None:
    one, other = (image_index(Keys((f"cat/f{letter}r.jpg",))) for letter in ("\udcfc", "\udcfd"))
    assert fingerprint_of(one) == fingerprint_of(one) != fingerprint_of(other)


@dataclass(frozen=True)
class Broken:
    bad: frozenset[int]

    def __len__(self) -> int:
        return 3

    def keys(self, index: int) -> tuple[str, ...]:
        return (str(index),)

    def __getitem__(self, index: int) -> Example:
        if index in self.bad:
            raise DataError(f"got {index}")
        return Example(id=str(index))


def test_a_broken_row_says_nothing_about_the_next() -> None:
    assert first_readable(Broken(frozenset({0})), range(3)).id == "1"
    with pytest.raises(DataError, match="got 0"):
        first_readable(Broken(frozenset({0, 1, 2})), range(3))
