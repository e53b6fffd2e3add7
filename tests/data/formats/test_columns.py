from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.core import ConfigError, DataError
from motet.data.formats.columns import add_answer, class_index, collect_class_names, make_columns, merge_labels

HERE = Path("t.csv")
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)


def read(cells, *, text=(), separator="", names=(), row=0, **labels):
    columns = make_columns(image=(), text=text, labels=labels, separator=separator, names=names)
    return columns.annotations(cells, path=HERE, row=row)


def test_texts_are_tuples_whatever_holds_them():
    assert read({"a": "x"}, answers="a") == {"answers": ("x",)}
    assert read({"a": ["x", "y"]}, answers="a") == {"answers": ("x", "y")}
    assert read({"a": "x", "b": "y"}, captions_de=("a", "b")) == {"captions_de": ("x", "y")}
    assert read({"a": "x | y"}, captions="a", separator="|") == {"captions": ("x", "y")}
    assert read({"a": 3}, answers="a") == {"answers": ("3",)}


@pytest.mark.parametrize("cell", ["", "  ", None, 1.5, True, [""], [], [None], {"x": 1}])
def test_a_cell_without_a_text_is_an_error_of_its_row(cell):
    with pytest.raises(DataError, match=r"a: got .*; want .*\(t.csv, row 4\)"):
        read({"a": cell}, answers="a", row=4)


def test_other_labels_stay_as_they_are():
    assert read({"a": 1.5, "b": None}, score="a", pair=("a", "b")) == {"score": 1.5, "pair": (1.5, None)}


def test_one_text_or_a_tuple_of_them():
    cells = {"a": "x", "b": "y"}
    texts = [
        make_columns(image=(), text=text, labels={}).texts(cells, path=HERE, row=0) for text in ((), "a", ("a", "b"))
    ]
    assert texts == ["", "x", ("x", "y")]


@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_every_cell_finds_its_class_again(cells):
    names = collect_class_names(cells)
    assert len(set(names)) == len(names)
    assert [names[class_index(cell, names, path=HERE, row=0)] for cell in cells] == cells


@given(st.lists(st.integers(0, 200), min_size=1, max_size=20))
def test_numbers_are_sorted_as_numbers(cells):
    assert collect_class_names(cells) == collect_class_names(map(str, cells)) == tuple(map(str, sorted(set(cells))))


def test_a_number_is_an_index_where_the_names_are_words():
    assert class_index(1, ("cat", "dog"), path=HERE, row=0) == class_index("1", ("cat", "dog"), path=HERE, row=0) == 1
    assert class_index("1", ("1", "0"), path=HERE, row=0) == 0


@pytest.mark.parametrize("cell", [2, "2", "bird", "", None, -1, 0.0])
def test_a_class_without_a_name_is_an_error(cell):
    with pytest.raises(DataError, match="want one of the 2 names"):
        class_index(cell, ("cat", "dog"), path=HERE, row=0)


def test_the_nearest_name_is_given():
    with pytest.raises(DataError, match="did you mean 'dog'"):
        class_index("dgo", ("cat", "dog"), path=HERE, row=0)


def test_rows_of_one_image_come_together():
    rows = [{"captions": ("a", "b"), "class": 1}, {"captions": ("c",), "class": 1}]
    assert merge_labels(rows, path=HERE, row=0) == {"captions": ("a", "b", "c"), "class": 1}
    with pytest.raises(DataError, match="class: got 1 and 2 for one image"):
        merge_labels([{"class": 1}, {"class": 2}], path=HERE, row=0)


def test_the_answer_given_most_often_comes_with_the_answers():
    assert add_answer({"answers": ("no", "yes", "yes")})["answer"] == "yes"
    assert add_answer({"answers": ("no", "yes")})["answer"] == "no"
    assert add_answer({"answers": ("no", "yes"), "answer": "yes"})["answer"] == "yes"
    assert add_answer({"class": 1}) == {"class": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": {"answer": ("a", "b")}}, "want one column"),
        ({"labels": {"class": ("a", "b")}, "names": ("a", "c")}, "want the columns of .class."),
        ({"labels": {"captions": ()}}, "at least one column"),
        ({"labels": {}, "names": ("cat",)}, "without a 'class'"),
        ({"labels": {"class": "a"}, "names": ("cat", "cat")}, "every name once"),
        ({"labels": {}, "image": ("a", "b"), "image_id": "coco/{a}"}, "want one image column"),
        ({"labels": {}, "image_id": "coco/"}, "want a column in it"),
        ({"labels": {}, "image_id": "coco/{a"}, "want a format"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        make_columns(**{"image": (), "text": (), **arguments})


def test_every_column_is_wanted_once():
    columns = make_columns(
        image="file", text="question", labels={"answers": "answer", "more": "file"}, image_id="coco/{id}"
    )
    assert columns.all_columns == ("file", "question", "answer", "id")


def test_an_image_id_is_made_of_its_columns():
    columns = make_columns(image="file", text=(), labels={}, image_id="coco/{id:d}")
    assert columns.formatted_id({"id": 9}) == "coco/9"
    assert columns.formatted_id({"id": None}) == ""
    with pytest.raises(ConfigError, match="want a format that fits"):
        columns.formatted_id({"id": "9"})
