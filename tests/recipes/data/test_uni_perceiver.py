"""Uni-Perceiver's real data: sentences about photographs of another split are left out, whatever their spaces."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_layouts import (
    PHOTOS,
    write_cifar10,
    write_fashion,
    write_fights,
    write_flickr8k,
    write_glue,
    write_multi30k,
)

from motet.core import Example
from motet.data.source import Source
from motet.recipes.data.uni_perceiver import REAL_RATES, assembled, fights, letters, without_texts


@pytest.fixture(scope="module")
def sources(data_folder: Path) -> tuple[Source, ...]:
    for write in (write_cifar10, write_fashion, write_flickr8k, write_glue, write_multi30k):
        write(data_folder)
    return assembled()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_letters_ignore_case_spaces_and_punctuation_and_nothing_else(text: str) -> None:
    kept = letters(text)
    assert letters(f"  {text} . ") == letters(f"({text})") == letters(kept) == kept
    assert letters(text + "a") == kept + "a"
    assert len(kept) >= sum(sign.isalnum() for sign in text)  # "ß" is "ss"


def test_rows_with_a_held_text_are_left_out_in_their_order() -> None:
    rows = [Example(id=str(n), text=text) for n, text in enumerate(("A dog.", "a  DOG", "A cat", "Dogs", "a dog!"))]

    class Lines:
        def __len__(self) -> int:
            return len(rows)

        def keys(self, index: int) -> tuple[str, ...]:
            return ()

        def __getitem__(self, index: int) -> Example:
            return rows[index]

    left = without_texts(Lines(), ["a dog"])
    assert [left[row].id for row in range(len(left))] == ["2", "3"]
    assert len(without_texts(Lines(), [])) == 5


def test_every_source_that_is_sampled_is_in_all_roles(sources: tuple[Source, ...]) -> None:
    assert [source.name for source in sources] == [
        f"{name}{role}" for name in REAL_RATES for role in ("", "/val", "/test")
    ]
    assert sum(REAL_RATES.values()) == pytest.approx(1)
    for source in sources:
        assert source.tasks[0].annotation_of(source.reader[0]) is not None


def test_no_sentence_of_a_test_photograph_is_trained_and_none_of_a_training_photograph_tested(
    sources: tuple[Source, ...], images_of
) -> None:
    """A sentence says its photograph's number; it is in Multi30k's captions with other spaces."""
    photographs = images_of(sources, "flickr8k")
    said = {
        source.role: {source.reader[row].text for row in range(len(source.reader))}
        for source in sources
        if source.tasks[0].name == "words"
    }
    about = {role: {f"flickr/{t.split()[3]}" for t in said[role] if "man at" in str(t)} for role in said}
    captioned = {f"flickr/{number}" for number in range(1000, 1000 + PHOTOS, 2)}  # others have no such caption
    assert about["test"] & captioned == photographs["test"] & captioned
    assert about["train"] & captioned <= photographs["train"] & captioned
    assert photographs["train"] & captioned <= about["train"] | about["val"]
    assert not about["train"] & about["test"] & captioned
    assert any("Nobody" in str(text) for text in said["train"])


def test_captions_and_retrieval_share_one_cut(sources: tuple[Source, ...], images_of) -> None:
    assert images_of(sources, "flickr8k_caption") == images_of(sources, "flickr8k")


def test_reviews_are_chosen_by_a_twentieth_of_train_and_tested_on_dev(sources: tuple[Source, ...]) -> None:
    assert [len(source.reader) for source in sources if source.tasks[0].name == "sst2"] == [95, 5, 10]


def test_the_last_third_of_either_kind_of_clip_is_the_test_set(data_folder: Path) -> None:
    write_fights(data_folder, count=9)
    train, val, test = fights()
    assert [len(source.reader) for source in (train, val, test)] == [12, 4, 6]
    places = [
        [part.reader.keys(row)[0].rpartition("/")[0].rpartition("surv_fight/")[2] for row in range(len(part.reader))]
        for part in (train, test)
    ]
    names = {kind: [f"{kind}/train{number}.mp4" for number in range(9)] for kind in ("fight", "noFight")}
    assert places[0] == names["fight"][:6] + names["noFight"][:6]
    assert places[1] == names["fight"][6:] + names["noFight"][6:]
    (task,) = train.tasks
    assert task.target.names == ("fight", "no fight")
    assert "crop" not in task.invariant
