"""A little of a data set: the share that is asked for, of every class, and never too little of one."""

from collections import Counter

import pytest

from motet.core import ConfigError, DataError, Example
from motet.data.few_shot import few_shot
from motet.tasks import captioning, classification, question_answering

NAMES = ("cat", "dog", "cow")


class Uneven:
    """Three hundred cats, thirty dogs, six cows."""

    def __len__(self) -> int:
        return 336

    def keys(self, index: int) -> tuple[str, ...]:
        return (str(index),)

    def __getitem__(self, index: int) -> Example:
        kind = 0 if index < 300 else 1 if index < 330 else 2
        answers = (NAMES[kind],) * 6 + ("fish",) * 4
        return Example(id=str(index), labels={"class": kind, "answers": answers, "captions": (NAMES[kind],)})


def test_every_class_has_its_share_and_five_rows_at_least() -> None:
    few = few_shot(Uneven(), classification("pets", NAMES), 0.1)
    assert Counter(few[row].labels["class"] for row in range(len(few))) == {0: 30, 1: 5, 2: 5}
    assert list(few.indices) == sorted(set(few.indices))


def test_the_choice_goes_by_the_seed_alone() -> None:
    task = classification("pets", NAMES)
    assert few_shot(Uneven(), task).indices == few_shot(Uneven(), task).indices
    assert few_shot(Uneven(), task).indices != few_shot(Uneven(), task, seed=1).indices


def test_answers_are_classes_by_the_commonest_and_captions_are_none() -> None:
    answers = few_shot(Uneven(), question_answering("what", answers=(*NAMES, "fish")), 0.1)
    assert Counter(answers[row].labels["class"] for row in range(len(answers))) == {0: 30, 1: 5, 2: 5}
    assert len(few_shot(Uneven(), captioning(), 0.1)) == 34


def test_a_class_that_has_too_few_is_named() -> None:
    with pytest.raises(ConfigError, match="few_shot: task 'pets': 'cow': got 6 rows; want at least 7"):
        few_shot(Uneven(), classification("pets", NAMES), min_per_class=7)
    with pytest.raises(ConfigError, match="'owl': got 0 rows; want at least 5"):
        few_shot(Uneven(), classification("pets", (*NAMES, "owl")))
    with pytest.raises(ConfigError, match="got fraction 0"):
        few_shot(Uneven(), classification("pets", NAMES), 0.0)


class Broken(Uneven):
    """The same, of which every third row cannot be read."""

    def __getitem__(self, index: int) -> Example:
        if index % 3 == 0:
            raise DataError("image: got nothing; want an image", path="a.jpg", row=index)
        return super().__getitem__(index)


def test_rows_that_cannot_be_read_stop_the_draw_or_are_left_out_of_it() -> None:
    task = classification("pets", NAMES)
    with pytest.raises(DataError, match="image: got nothing"):
        few_shot(Broken(), task, 0.1, min_per_class=4)
    few = few_shot(Broken(), task, 0.1, min_per_class=4, on_bad_row="skip")
    assert all(index % 3 for index in few.indices)
    assert Counter(few[place].labels["class"] for place in range(len(few))) == {0: 20, 1: 4, 2: 4}
