"""The columns that tasks are made of: given, inferred where there is no doubt, asked for in one line where there is."""

from __future__ import annotations

from typing import Any

import pytest

from motet.core import ConfigError
from motet.data.detect.target_columns import target_columns

ROWS = 12
CELLS: dict[str, Any] = {
    "file": lambda n: f"{n}.jpg",
    "breed": lambda n: ("cat", "dog")[n % 2],
    "mood": lambda n: ("calm", "wild", "shy")[n % 3],
    "note": lambda n: f"a very small animal number {n}",
    "question": lambda n: f"is it number {n} ?",
    "answer": lambda n: ("yes", "no")[n % 2],
    "code": lambda n: f"word{chr(97 + n)}",
    "weight": lambda n: n / 7,
    "label": lambda n: n % 3,
    "review": lambda n: f"a fine and long film {n}",
    "premise": lambda n: f"it rains {n}",
    "hypothesis": lambda n: f"it is wet {n}",
    "author": lambda n: f"me{n % 2}",
    "id": lambda n: n,
    "split": lambda n: ("train", "test")[n % 2],
    "captions": lambda n: [f"a cat {n}", f"an animal {n}"],
    "other": lambda n: f"other/{n}.png",
}


def found(*columns: str, **given: Any) -> list[tuple[Any, ...]]:
    rows = [{column: CELLS[column](n) for column in columns} for n in range(ROWS)]
    return [
        (one.kind, one.image, one.text, dict(one.labels), one.split) for one in target_columns(columns, rows, **given)
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("file", "breed"), ("classification", "file", "", {"class": "breed"}, "")),
        (("id", "file", "note", "split"), ("captioning", "file", "", {"captions": "note"}, "split")),
        (("file", "captions"), ("captioning", "file", "", {"captions": "captions"}, "")),
        (("file", "question", "answer"), ("question answering", "file", "question", {"answers": "answer"}, "")),
        (("review", "label", "id"), ("sentences", "", "review", {"class": "label"}, "")),
        (("premise", "hypothesis", "label"), ("sentences", "", ("premise", "hypothesis"), {"class": "label"}, "")),
        (("file", "label", "weight"), ("classification", "file", "", {"class": "label"}, "")),
    ],
    ids=str,
)
def test_what_is_beyond_doubt_is_inferred(columns: Any, expected: tuple[Any, ...]) -> None:
    assert found(*columns) == [expected]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("file", "breed", "mood"), r"'breed' \(classification\), 'mood' \(class.*targets=\('breed', 'mood'\)"),
        (("file", "breed", "note"), r"'breed' \(classification\), 'note' \(captioning\); want the column, or"),
        (("file", "weight"), r"the columns file, weight, none of which is known for a target; want the column"),
        (("weight", "id"), r"none of images or texts \(image=COLUMN or text=COLUMN\)"),
    ],
    ids=str,
)
def test_a_doubt_names_the_columns_and_the_choices(columns: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^targets: got .*{message}"):
        found(*columns)


def test_each_target_that_is_given_is_a_task_of_the_kind_that_its_cells_show() -> None:
    columns = ("file", "breed", "note", "label", "split", "weight")
    assert [one[0] for one in found(*columns, targets=("note", "breed", "label"))] == [
        "captioning", "classification", "classification",
    ]  # fmt: skip
    assert {one[4] for one in found(*columns, targets=("note", "breed"))} == {"split"}
    assert found("file", "split", "breed", targets="split")[0][3:] == ({"class": "split"}, "")


def test_a_kind_that_is_given_counts_more_than_the_cells() -> None:
    assert found("file", "code", targets={"code": "text reading"})[0][3] == {"text": "code"}
    assert found("file", "note", "breed", targets={"breed": "captioning"})[0][:1] == ("captioning",)
    ((kind, image, text, labels, _),) = found("file", "note", "breed", image="file", text="note", targets="breed")
    assert (kind, image, text, labels) == ("question answering", "file", "note", {"answers": "breed"})
    entailment = found(
        "file", "hypothesis", "label", text="hypothesis", image="file", targets={"label": "visual entailment"}
    )
    assert entailment[0][:4] == ("visual entailment", "file", "hypothesis", {"class": "label"})


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (("file", "weight"), {"targets": "weight"}, "got 12 different values in 12 rows, such as '0.0'; want its kind"),
        (("file", "breed"), {"targets": {"breed": "boxes"}}, "'breed': got the kind 'boxes'; want one of 'class"),
        (("file", "breed"), {"targets": "bread"}, "column 'bread': got rows without it; did you mean 'breed'"),
        (("file", "breed"), {"image": "fil"}, "column 'fil': got rows without it; did you mean 'file'"),
        (("breed", "id"), {"targets": "breed"}, "image: got the columns breed, id, none with images or a name for"),
        (("file", "other", "breed"), {"image": ("file", "other")}, "want one .several: the reader Table"),
        (("file", "breed"), {"targets": {"breed": "question answering"}}, "text: got no column for the text"),
        (("review", "breed"), {"targets": {"breed": "classification"}}, "image: got no column for the image"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(columns: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        found(*columns, **given)
