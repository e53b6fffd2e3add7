"""Tables by their columns: kinds, languages, splits, and tables that cannot be read."""

import pytest
from user_folders import images, jpeg, read, write

from motet.data.detect import detect, inspect_folder


@pytest.mark.parametrize(
    ("name", "content", "kind", "label"),
    [
        ("qa.csv", "file,question,answer\na.jpg,What?,dog\nb.jpg,What?,cat\n", "question answering", "answers"),
        ("qa.tsv", "q\ta\timg\nWhat?\tdog\ta.jpg\nWhat?\tcat\tb.jpg\n", "question answering", "answers"),
        (
            "qa.jsonl",
            '{"image": "a.jpg", "question": "What?", "answers": ["dog", "a dog"]}\n',
            "question answering",
            "answers",
        ),
        ("c.json", [{"path": "a.jpg", "description": "A dog."}], "captioning", "captions"),
        ("c.csv", "image,caption_0,caption_1\na.jpg,A dog.,One dog.\n", "captioning", "captions"),
        ("l.csv", "image,label\na.jpg,cat\nb.jpg,dog\n", "classification", "class"),
        ("l.csv", "image,what\na.jpg,cat\nb.jpg,cat\n", "classification", "class"),
        ("l.csv", "image,what\na.jpg,A cat that sleeps on a sofa.\nb.jpg,A dog.\n", "captioning", "captions"),
        ("o.csv", "image,transcription\na.jpg,TOTAL\nb.jpg,3\n", "text reading", "text"),
    ],
)
def test_tables_by_their_columns(tmp_path, name, content, kind, label):
    images(tmp_path, "photos/a.jpg", "photos/b.jpg")
    write(tmp_path / name, content)
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.problems) == ("Table", kind, label, ())
    assert len(read(found)) == found.rows
    assert label in read(found)[0].labels


def test_captions_in_several_languages_are_an_entry_each(tmp_path):
    images(tmp_path, "a.jpg")
    write(tmp_path / "c.csv", "image,caption_en,caption_de\na.jpg,A dog.,Ein Hund.\n")
    assert [(found.label, found.language) for found in detect(tmp_path)] == [
        ("captions_en", "en"),
        ("captions_de", "de"),
    ]


def test_a_column_of_splits_makes_splits(tmp_path):
    images(tmp_path, "images/a.jpg", "images/b.jpg")
    write(tmp_path / "l.csv", "image,label,split\na.jpg,cat,train\nb.jpg,dog,test\na.jpg,cat,train\n")
    assert [(found.split, found.rows) for found in detect(tmp_path)] == [("test", 1), ("train", 2)]


def test_tables_without_images_are_ignored(tmp_path):
    write(tmp_path / "box.csv", "1,2,3,3,TOTAL\n4,5,6,6,SUM\n")
    write(tmp_path / "pairs.csv", "question,answer\nWhat?,dog\n")
    write(tmp_path / "settings.json", {"a": 1})
    write(tmp_path / "list.json", [1, 2])
    assert detect(tmp_path) == ()


def test_a_table_that_cannot_be_read_is_a_problem(tmp_path):
    images(tmp_path, "a.jpg")
    write(tmp_path / "l.csv", 'image,label\na.jpg,"cat\n')
    write(tmp_path / "m.csv", "image,label\nnone.jpg,cat\n")
    contents = inspect_folder(tmp_path)
    assert [problem for one in contents.datasets for problem in one.problems] == [
        f"{tmp_path}/m.csv: table: got no folder with the images of column 'image' (none.jpg); want them in "
        f"{tmp_path}, or a column with their paths"
    ]
    (miss,) = contents.near_misses
    assert (miss.path.name, miss.format) == ("l.csv", "table")
    assert miss.got == "unexpected end of data (CSV)"


def test_parquet_with_images_in_it(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = {"image": [{"bytes": jpeg(), "path": None}], "question": ["What?"], "answer": ["dog"]}
    parquet.write_table(pyarrow.table(cells), tmp_path / "train-00000.parquet")
    write(tmp_path / "test-00000.parquet", b"PAR1 no")
    (found,) = detect(tmp_path)
    assert (found.split, found.kind, found.rows) == ("train", "question answering", 1)
    (miss,) = inspect_folder(tmp_path).near_misses
    assert (miss.path.name, miss.format) == ("test-00000.parquet", "table")
    assert "a whole Parquet file" in miss.want


def test_a_table_in_the_folder_of_another_data_sets_images_is_read(tmp_path):
    caption = {"image_id": 1, "id": 1, "caption": "A dog."}
    data = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [caption]}
    for root in (tmp_path, tmp_path / "mine"):
        images(root, "a.jpg")
        write(root / "captions.json", data)
        write(root / "labels.csv", "image,label\na.jpg,dog\n")
    assert sorted((one.reader, one.problems) for one in detect(tmp_path)) == [
        ("CocoCaptions", ()),
        ("CocoCaptions", ()),
        ("Table", ()),
        ("Table", ()),
    ]


def test_a_table_of_a_split_is_read_with_the_images_of_that_split(tmp_path):
    images(tmp_path, *(f"{split}/{number}.jpg" for split in ("test", "train") for number in range(2)))
    write(tmp_path / "train.csv", "image,label\n0.jpg,cat\n1.jpg,dog\n")
    (found,) = detect(tmp_path)
    assert (found.arguments["image_root"], found.split) == (tmp_path / "train", "train")


def test_a_table_whose_images_are_in_two_splits_is_left_out(tmp_path):
    images(tmp_path, *(f"{split}/{number}.jpg" for split in ("test", "train") for number in range(2)))
    write(tmp_path / "labels.csv", "image,label\n0.jpg,cat\n1.jpg,dog\n")
    (found,) = detect(tmp_path)
    assert "labels.csv: got the image 0.jpg in" in found.problems[0]


@pytest.mark.parametrize("name", ["sample_submission.csv", "SampleSubmission.csv", "gender_submission.csv"])
def test_what_a_competition_wants_back_is_no_data(tmp_path, name):
    images(tmp_path, "test/0.jpg", "test/1.jpg")
    write(tmp_path / name, "image,label\n0.jpg,cat\n1.jpg,cat\n")
    contents = inspect_folder(tmp_path)
    assert contents.datasets == ()
    (told,) = [miss for miss in contents.near_misses if miss.path.name == name]
    assert (told.format, "whose labels are placeholders" in told.got) == ("", True)


def test_images_of_two_data_sets_that_are_called_alike_have_different_ids(tmp_path):
    for name in ("x", "y"):
        images(tmp_path, f"{name}/pics/0.jpg")
        write(tmp_path / name / "labels.csv", "image,label\n0.jpg,cat\n")
    assert {read(found).keys(0)[0] for found in detect(tmp_path)} == {
        f"{tmp_path.name}/x/pics/0.jpg", f"{tmp_path.name}/y/pics/0.jpg",
    }  # fmt: skip


@pytest.mark.parametrize(("several", "is_read"), [(1, True), (6, False)])
def test_a_table_with_several_classes_for_many_images_is_left_out(tmp_path, several, is_read):
    images(tmp_path, *(f"{number}.jpg" for number in range(30)))
    rows = [f"{number}.jpg,cat" for number in range(30)] + [f"{number}.jpg,dog" for number in range(several)]
    write(tmp_path / "labels.csv", "\n".join(["image,class", *rows, *rows[:1]]) + "\n")
    (found,) = detect(tmp_path)
    assert (found.problems == ()) is is_read
    if not is_read:
        got = "table: got 6 of 30 images with several classes (0.jpg: cat, dog); want one class per image"
        assert found.problems[0].endswith(got)


def test_a_broken_row_far_down_is_a_problem_of_its_table_alone(tmp_path):
    images(tmp_path, *(f"{number}.jpg" for number in range(3)))
    rows = [f"{number % 3}.jpg,cat" for number in range(400)]
    write(tmp_path / "labels.csv", "\n".join(["image,class", *rows, "1.jpg,cat,more"]) + "\n")
    (found,) = detect(tmp_path)
    assert "labels.csv, row 400" in found.problems[0]
