"""Parts of readers share no image and depend on ids alone; answers and texts come out of rows without a picture."""

from dataclasses import dataclass

import numpy as np
import pytest
from toys import ToyReader, label_task

from motet.core import Answer, ConfigError, DataError, Example, Label, Reader, Task, Text
from motet.data.source import Source
from motet.data.splits import ConcatRows, OnlyImages, Subset, WithoutImages, answers_from, split_by_image, texts_of
from motet.metrics.vqa_words import vocabulary_answer
from motet.tasks import masked_words, retrieval

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


@dataclass(frozen=True)
class Pairs:
    """Rows of one or two images, or of none."""

    ids: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.ids)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.ids[index]

    def __getitem__(self, index: int) -> Example:
        return Example(id=f"row/{index}", labels={"answers": ("x",)})


def images(reader: Reader) -> set[str]:
    return {key for index in range(len(reader)) for key in reader.keys(index)}


def test_no_image_stands_in_two_parts_and_every_row_in_one() -> None:
    reader = ToyReader("a", 600, rows_per_image=3)
    parts = split_by_image(reader, SHARES, seed=1)
    assert sorted(row for part in parts.values() for row in part.indices) == list(range(600))
    assert not images(parts["train"]) & images(parts["test"])
    assert not images(parts["val"]) & images(parts["test"])
    assert len(images(parts["train"])) == pytest.approx(160, abs=3 * (200 * 0.16) ** 0.5)


def test_two_readers_over_the_same_images_agree() -> None:
    many = split_by_image(ToyReader("questions", 900, rows_per_image=3, images="coco"), SHARES, seed=1)
    few = split_by_image(ToyReader("captions", 150, images="coco"), SHARES, seed=1)
    for name in SHARES:
        assert images(few[name]) == {key for key in images(many[name]) if int(key.split("/")[1]) < 150}
    other = split_by_image(ToyReader("captions", 150, images="coco"), SHARES, seed=2)
    assert images(other["test"]) != images(few["test"])


def test_rows_that_hang_together_by_images_stay_together() -> None:
    chain = tuple((f"{i}", f"{i + 1}") for i in range(0, 40, 2))
    reader = Pairs((*chain, *((f"{i}", f"{i + 1}") for i in range(1, 39, 2)), *((f"x{i}",) for i in range(200))))
    parts = split_by_image(reader, SHARES)
    assert sum(bool(set(part.indices) & set(range(39))) for part in parts.values()) == 1
    assert all(len(part) for part in parts.values())


def test_rows_without_images_go_by_their_own_id() -> None:
    parts = split_by_image(Pairs(((),) * 200), SHARES)
    assert all(part.indices for part in parts.values())


def test_shares_add_to_one() -> None:
    with pytest.raises(ConfigError, match="want shares of 0 or more that add to 1"):
        split_by_image(ToyReader("a", 5), {"train": 0.8, "test": 0.3})


def test_subset_and_concat_are_readers() -> None:
    a, b = ToyReader("a", 4), ToyReader("b", 3)
    both = ConcatRows((a, Subset(b, (2, 0))))
    assert [both[index].id for index in range(len(both))] == ["a/0", "a/1", "a/2", "a/3", "b/2", "b/0"]
    assert both.keys(4) == ("b/2",)
    with pytest.raises(IndexError):
        both[6]
    with pytest.raises(ConfigError, match="got none"):
        ConcatRows(())
    assert both == ConcatRows((a, Subset(b, (2, 0))))


@dataclass(frozen=True)
class Asked(Pairs):
    """Rows with annotators' answers, and some with a majority answer."""

    def __getitem__(self, index: int) -> Example:
        answers = (("yes", "yes", "no"), ("two", "no"), ("red",), ("red",))[index]
        labels = {"answers": answers} | ({"answer": "yes"} if index == 0 else {})
        return Example(id=f"row/{index}", text=f"is {index} so?", labels=labels)


def test_answers_are_counted_and_the_rare_left_out() -> None:
    reader = Asked(((),) * 4)
    assert answers_from(reader) == ("red", "no", "two", "yes")
    assert answers_from(reader, 2) == ("red",)
    with pytest.raises(ConfigError, match="got 5; want at most 2"):
        answers_from(reader, 5)


def test_texts_are_questions_answers_captions_and_names() -> None:
    metrics = label_task("x").metrics
    asked = Task(
        name="qa", inputs=frozenset({"text"}), label="answers", target=Answer(), metrics=metrics, prompt="Q: {text}"
    )
    rows = list(texts_of(Source(name="s", reader=Asked(((),) * 2), tasks=(asked,))))
    assert rows == ["Q: is 0 so?", "yes", "yes", "no", "Q: is 1 so?", "two", "no"]
    named = Task(
        name="n", inputs=frozenset({"image"}), label="class", target=Label(("red", "blue green")), metrics=metrics
    )
    told = Task(name="t", inputs=frozenset({"image"}), label="captions", target=Text(5), metrics=metrics)
    rows = list(texts_of(Source(name="s", reader=ToyReader("a", 2), tasks=(named, told))))
    assert rows == ["red", "blue green", "row 0", "row 1"]


class Silent:
    """A row with captions and no text of its own."""

    def __len__(self) -> int:
        return 1

    def keys(self, index: int) -> tuple[str, ...]:
        return ("a",)

    def __getitem__(self, index: int) -> Example:
        return Example(id="a", image_ids=("a",), labels={"captions": ("one", "two")})


def test_texts_whose_words_are_hidden_and_texts_of_pairs_are_texts_too() -> None:
    for task in (masked_words(), retrieval()):
        assert list(texts_of(Source(name="s", reader=Silent(), tasks=(task,)))) == ["one", "two"]
    # Words of a row's own text are hidden where it has one.
    assert list(texts_of(Source(name="s", reader=Asked(((),)), tasks=(masked_words(),)))) == ["is 0 so?"]


def compose(reader: Reader, index: int, rng: np.random.Generator) -> Example:
    return Example(id=f"made/{index}", text="made", labels={"answers": (f"drawn {int(rng.integers(2))}",)})


def test_texts_of_composed_rows_are_those_that_are_composed() -> None:
    asked = Task(
        name="qa", inputs=frozenset({"text"}), label="answers", target=Answer(), metrics=label_task("x").metrics
    )
    source = Source(name="s", reader=ToyReader("a", 20), tasks=(asked,), compose=compose)
    assert set(texts_of(source)) == {"made", "drawn 0", "drawn 1"}
    assert list(texts_of(source)) == list(texts_of(source))


def test_a_row_that_cannot_be_read_has_no_texts_and_no_answers() -> None:
    reader = ToyReader("a", 3, bad=frozenset({0}))
    task = Task(
        name="t", inputs=frozenset({"image"}), label="captions", target=Text(5), metrics=label_task("x").metrics
    )
    source = Source(name="s", reader=reader, tasks=(task,))
    assert list(texts_of(source, "skip")) == ["row 1", "row 2"]
    with pytest.raises(DataError, match=r"a.csv, row 0"):
        list(texts_of(source))
    assert answers_from(reader) == ("blue", "red")


class Images:
    """Rows of these images."""

    def __init__(self, *keys: tuple[str, ...]) -> None:
        self.all = keys

    def __len__(self) -> int:
        return len(self.all)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.all[index]

    def __getitem__(self, index: int) -> Example:
        return Example(id=str(index))


def test_rows_with_and_without_some_images_are_all_rows() -> None:
    reader, ids = Images(("a",), ("b",), ("a", "c"), ()), frozenset({"a"})
    kept, rest = OnlyImages(reader, ids), WithoutImages(reader, ids)
    assert [kept[row].id for row in range(len(kept))] == ["0", "2"]
    assert [rest[row].id for row in range(len(rest))] == ["1", "3"]
    assert (kept.left_out, rest.left_out) == (2, 2)
    assert kept.keys(1) == ("a", "c")


def test_answers_are_counted_as_they_are_prepared() -> None:
    class Answers(Images):
        def __getitem__(self, index: int) -> Example:
            return Example(id=str(index), labels={"answer": ("Two", "2", "red")[index]})

    reader = Answers(("a",), ("b",), ("c",))
    assert answers_from(reader, 2, prepare=vocabulary_answer) == ("2",)
    assert answers_from(reader) == ("2", "Two", "red")
