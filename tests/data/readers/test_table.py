import dataclasses

import pytest

from motet.core import ConfigError, DataError, MemoryImage
from motet.core.codec import from_json, to_json
from motet.data.counts import Counts, count
from motet.data.readers import Table
from motet.training.saved_names import saved_names

QUESTIONS = 'file,question,answer\na.jpg,What?,dog\na.jpg,"Where, then?",there\nb.jpg,What?,cat\n'


@pytest.fixture
def root(tmp_path, image, write):
    for name in ("a.jpg", "b.jpg"):
        image(tmp_path / "pets" / "images" / name)
    write(tmp_path / "pets" / "qa.csv", QUESTIONS)
    return tmp_path / "pets"


def read(root, name="qa.csv", **options):
    return Table(root / name, **{"image": "file", "image_root": root / "images", **options})


def test_questions_and_answers(root):
    reader = read(root, text="question", labels={"answers": "answer"})
    assert [reader[index].text for index in range(3)] == ["What?", "Where, then?", "What?"]
    assert reader[1].labels == {"answers": ("there",), "answer": "there"}
    assert (reader[1].id, reader[1].image_ids) == ("pets/qa/1", ("pets/images/a.jpg",))
    assert count(reader) == Counts(rows=3, images=2, pairs=3, unique_images=2)


def test_a_column_of_words_is_a_class(root):
    reader = read(root, labels={"class": "answer"})
    assert reader.names == ("cat", "dog", "there")
    assert [reader[index].labels["class"] for index in range(3)] == [1, 2, 0]
    assert dataclasses.replace(reader, name="again").names == reader.names


def test_given_names_keep_their_order(root):
    reader = read(root, labels={"class": "answer"}, names=("dog", "cat"))
    assert reader[0].labels == {"class": 0}
    with pytest.raises(DataError, match=r"class: got 'there'; want one of the 2 names .*row 1\)"):
        reader[1]


def test_rows_of_one_image_can_be_gathered(root, write):
    write(root / "c.csv", "file,caption\na.jpg,One.\nb.jpg,Two.\na.jpg,Three.\n")
    reader = read(root, "c.csv", labels={"captions": "caption"}, gather=True)
    assert [reader[index].labels["captions"] for index in range(2)] == [("One.", "Three."), ("Two.",)]
    assert [reader[index].id for index in range(2)] == ["pets/c/0", "pets/c/1"]
    assert count(reader).rows == 2


def test_only_the_rows_that_are_wanted(root, write):
    write(root / "s.csv", "file,label,split\na.jpg,x,train\nb.jpg,y,val\na.jpg,z,train\n")
    reader = read(root, "s.csv", labels={"class": "label"}, only={"split": "val"})
    assert (len(reader), reader[0].id, reader[0].labels) == (1, "pets/s/1", {"class": 1})
    assert reader.names == ("x", "y", "z")  # of the whole table: the same in every part
    with pytest.raises(DataError, match="got no rows"):
        read(root, "s.csv", labels={"class": "label"}, only={"split": "test"})
    with pytest.raises(DataError, match="column 'part'"):
        read(root, "s.csv", labels={"class": "label"}, only={"part": "test"})


def test_images_can_have_their_id_in_other_data_sets(root, write):
    write(root / "i.csv", "file,id\na.jpg,9\nb.jpg,\n")
    reader = read(root, "i.csv", image_id="coco/{id}")
    assert [reader.keys(index) for index in range(2)] == [("coco/9",), ("pets/images/b.jpg",)]
    with pytest.raises(ConfigError, match="want a format that fits the cells"):
        read(root, "i.csv", image_id="coco/{id:d}")


def test_text_tables_give_numbers_where_no_text_is_wanted(root, write):
    write(root / "n.csv", "file,score,answer\na.jpg,2.5,10\nb.jpg,high,x\n")
    reader = read(root, "n.csv", labels={"score": "score", "answers": "answer"})
    assert reader[0].labels == {"score": 2.5, "answers": ("10",), "answer": "10"}
    assert reader[1].labels["score"] == "high"


def test_tables_without_images_are_text_only(root, write):
    write(root / "pairs.tsv", "one\ttwo\tlabel\nA dog.\tA cat.\tno\nA dog.\tAn animal.\tyes\n")
    reader = Table(root / "pairs.tsv", text=("one", "two"), labels={"class": "label"})
    assert (reader[0].text, reader[0].images, reader.keys(0)) == (("A dog.", "A cat."), (), ())
    assert reader.names == ("no", "yes")


def test_parquet_with_the_images_in_it(root, jpeg):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = {
        "file": [{"bytes": jpeg, "path": "x.jpg"}, {"bytes": None, "path": "a.jpg"}],
        "said": [["One.", "Two."], ["Three."]],
    }
    parquet.write_table(pyarrow.table(cells), root / "p.parquet")
    reader = read(root, "p.parquet", labels={"captions": "said"})
    assert reader[0].images == (MemoryImage(f"{root / 'p.parquet'}, row 0", jpeg),)
    assert [reader.keys(index) for index in range(2)] == [("pets/p/0",), ("pets/images/a.jpg",)]
    assert reader[0].labels == {"captions": ("One.", "Two.")}


def test_several_image_columns_make_one_row(root, write):
    write(root / "two.csv", "left,right\na.jpg,b.jpg\n")
    reader = Table(root / "two.csv", image=("left", "right"), image_root=root / "images")
    assert reader.keys(0) == ("pets/images/a.jpg", "pets/images/b.jpg")
    assert len(reader[0].images) == 2


def test_images_lie_beside_the_table_when_nothing_else_is_said(root, write):
    write(root / "images" / "t.csv", "file\na.jpg\n")
    assert Table(root / "images" / "t.csv", image="file")[0].images[0].path == root / "images" / "a.jpg"


def test_nothing_outside_the_image_root_is_read(root, write):
    write(root / "bad.csv", "file\n../qa.csv\n")
    with pytest.raises(DataError, match=r"want a file inside .*row 0\)"):
        read(root, "bad.csv")[0]


def test_an_empty_cell_is_an_error_of_its_row_only(root, write):
    write(root / "e.csv", "file,question,answer\na.jpg,What?,dog\nb.jpg,,cat\n,What?,cat\n")
    reader = read(root, "e.csv", text="question", labels={"answers": "answer"})
    assert reader[0].text == "What?"
    for row, message in ((1, "question: got ''; want a text"), (2, "image: got ''; want a path")):
        with pytest.raises(DataError, match=rf"{message}.*row {row}\)"):
            reader[row]
        assert len(reader.keys(row)) == 1


def test_a_table_that_cannot_be_read_says_why(root, write):
    with pytest.raises(DataError, match=r"column 'questoin': .*did you mean 'question'"):
        read(root, text="questoin")
    with pytest.raises(DataError, match="got no rows"):
        read(root, write(root / "none.csv", "file\n").name)
    with pytest.raises(DataError, match="at least one column mapped"):
        Table(root / "qa.csv")


def test_a_recipe_with_a_table_is_saved_and_read_again(root):
    reader = read(root, labels={"class": "answer"})
    again = from_json(to_json(reader), saved_names())
    assert [again[index].labels for index in range(3)] == [reader[index].labels for index in range(3)]
