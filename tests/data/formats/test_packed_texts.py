"""Packed texts: the same texts as were given, in few bytes."""

import pickle

import pytest

from motet.data.formats.packed_texts import PackedTexts


def test_texts_come_back_by_place_and_in_order() -> None:
    given = ["a", "", "één\n", "odd\udcff"]
    texts = PackedTexts.of(given)
    assert [texts[place] for place in range(4)] == given
    assert list(pickle.loads(pickle.dumps(texts))) == given
    assert texts[-1] == given[-1]
    with pytest.raises(IndexError):
        texts[4]


def test_a_text_takes_its_bytes_and_eight_more() -> None:
    texts = PackedTexts.of(f"{number:020d}" for number in range(1000))
    assert len(texts.data) + texts.ends.nbytes == 28 * 1000
