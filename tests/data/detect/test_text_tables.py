"""Tables of sentences and their classes, without images."""

import pytest
from user_folders import read, write

from motet.core import DataError
from motet.data.detect import detect
from motet.scaffold.init import sources_in


def reviews(header, count=40, delimiter=","):
    lines = (
        f'"A film of {number} hours, and {number % 7} cups of tea."{delimiter}{("bad", "good")[number % 2]}'
        for number in range(count)
    )
    return "\n".join([header, *lines]) + "\n"  # fmt: skip


@pytest.mark.parametrize(
    ("name", "header", "delimiter"),
    [("t.csv", "text,label", ","), ("IMDB Dataset.csv", "review,sentiment", ","), ("t.csv", "Bewertung;Stimmung", ";")],
)
def test_sentences_with_their_classes(tmp_path, name, header, delimiter):
    write(tmp_path / name, reviews(header, delimiter=delimiter))
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.rows, found.problems) == ("Table", "sentences", 40, ())
    reader = read(found)
    assert (reader.names, reader[1].text, reader[1].images) == (
        ("bad", "good"), "A film of 1 hours, and 1 cups of tea.", (),
    )  # fmt: skip
    assert reader[1].labels == {"class": 1}


def test_pairs_and_jsonl_and_splits(tmp_path):
    rows = [f'{{"premise": "It rains {n}.", "hypothesis": "It is wet.", "label": {n % 3}}}' for n in range(12)]
    for split in ("train", "test"):
        write(tmp_path / f"{split}.jsonl", "\n".join(rows) + "\n")
    found = {one.split: one for one in detect(tmp_path)}
    assert set(found) == {"train", "test"}
    assert read(found["train"])[2].text == ("It rains 2.", "It is wet.")


@pytest.mark.parametrize(
    "content",
    [
        "text,label\n" + "".join(f"A film of {n} hours.,{n}\n" for n in range(12)),  # a class per row
        "text,label\n" + "cat,0\ndog,1\n" * 6,  # a list of words
        "question,answer\nWhat?,dog\nWhat?,dog\n",
        "name,label\n" + "Anna,1\nOtto,0\n" * 6,
    ],
)
def test_other_tables_are_none_of_sentences(tmp_path, content):
    write(tmp_path / "t.csv", content)
    assert detect(tmp_path) == ()


@pytest.mark.parametrize("pair", [False, True])
def test_the_recipe_has_the_task_with_the_classes(tmp_path, pair):
    root = tmp_path / "reviews"
    text = "sentence1,sentence2,label\n" + "".join(f"It rains {n}.,It is wet.,{n % 2}\n" for n in range(40))
    write(root / "t.csv", text if pair else reviews("text,label"))
    (task, *_) = sources_in(root)[0].tasks
    assert (task.category, task.target.names) == (
        ("sentence pair", ("0", "1")) if pair else ("sentence", ("bad", "good"))
    )


def test_a_sentence_without_a_class_is_a_row_that_cannot_be_read(tmp_path):
    write(tmp_path / "t.csv", reviews("text,label") + '"A film without a word on it.",\n')
    (found,) = detect(tmp_path)
    assert (found.kind, found.rows, found.problems) == ("sentences", 41, ())
    reader = read(found)
    assert reader.names == ("bad", "good")
    with pytest.raises(DataError, match=r"t.csv"):
        reader[40]
