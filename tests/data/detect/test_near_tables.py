"""Tables that are not read: what each lacks, and the one thing to change."""

import json

import pytest
from user_folders import images, write

from motet.data.detect import inspect_folder
from motet.data.detect.near_tables import list_miss


def lines(folder):
    """Everything that is said about tables and lists in the folder."""
    contents = inspect_folder(folder)
    problems = [problem for one in contents.datasets for problem in one.problems]
    misses = [str(miss) for miss in contents.near_misses if not miss.path.is_dir()]
    return [line.removeprefix(f"{folder}/") for line in [*problems, *misses]]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (
            "l.tsv",
            "file,kind\np0.jpg,cat\n",
            "l.tsv: table: got commas between the cells ('file,kind'); want tabs between them",
        ),
        ("l.csv", "image,label\n", "l.csv: table: got a header without rows; want one row per image"),
        ("l.csv", "", "l.csv: table: got an empty file (header); want a line of column names"),
        (
            "l.csv",
            "image,label\np0.jpg,кошка\n".encode("cp1251"),
            "l.csv: table: got the byte 0xea (text); want UTF-8 (row 1)",
        ),
        (
            "l.csv",
            "Datei;Größe\np0.jpg;1,5\n".encode("cp1252"),
            "l.csv: table: got images in column 'Datei', and no column that is known for annotations ('Größe'); want a "
            "column called label, caption, or question and answer",
        ),
        (
            "l.csv",
            "image,width,height\np0.jpg,4,4\np1.jpg,4,4\n",
            "l.csv: table: got images in column 'image', and no column that is known for annotations ('width', "
            "'height'); "
            "want a column called label, caption, or question and answer",
        ),
        (
            "l.csv",
            "image,label\np0.jpg,cat\np1.jpg,cat\nnone,dog\n",
            "l.csv: table: got 'none' in row 2 of column 'image', which names images elsewhere; want the name of "
            "an image "
            "in every row",
        ),
        (
            "l.csv",
            "p0.jpg,0.25\np1.jpg,0.5\n",
            "l.csv: table: got no header ('p0.jpg', '0.25' in the first line); want the names of the columns in the "
            "first line",
        ),
        (
            "l.csv",
            f"url,caption\nhttps://a.b/{'x' * 300}.jpg,A dog.\n",
            f"l.csv: table: got addresses on the web in column 'url' (https://a.b/{'x' * 48}); want their files, and a "
            "column of names",
        ),
        (
            "l.csv",
            f"image,label\n{'x' * 300}.jpg,cat\n",
            f"l.csv: table: got no folder with the images of column 'image' ({'x' * 300}.jpg); want them in FOLDER, or "
            "a column with their paths",
        ),
        (
            "l.csv",
            "id,score\np0,0.25\np1,0.5\n",
            "l.csv: table: got images in column 'id' ('p0' is train/p0.jpg), and no column that is known for "
            "annotations ('score'); want a column called label, caption, or question and answer",
        ),
        (
            "l.csv",
            "id,breed\np0,pug\nq0,beagle\n",
            "l.csv: table: got names of images without their ending in column 'id' ('p0' is train/p0.jpg); want "
            "names of "
            "files in it, such as train/p0.jpg",
        ),
        (
            "l.csv",
            "image,label\ntrain/x.jpg,cat\nx.jpg,dog\n",
            "l.csv: table: got no folder with the images of column 'image' (train/x.jpg, x.jpg); want them in "
            "FOLDER, or a "
            "column with their paths",
        ),
        (
            "l.csv",
            "image,label\np0.jpg,cat\nx.jpg,dog\n",
            "l.csv: table: got 1 of 2 images of column 'image' missing (x.jpg); want them where the others are, in "
            "FOLDER/train",
        ),
        (
            "l.csv",
            "image,label\np0.jpg,cat\nq0.jpg,dog\n",
            "l.csv: table: got images in 2 folders (1 in FOLDER/train, 1 in FOLDER/test); want paths in column 'image' "
            "that start in one folder",
        ),
        (
            "l.csv",
            "image,label\n/kaggle/input/x/p0.jpg,cat\n/kaggle/input/x/p1.jpg,dog\n",
            "l.csv: table: got '/kaggle/input/x/p0.jpg' in column 'image', whose file is train/p0.jpg; want paths from "
            "this folder",
        ),
        (
            "l.csv",
            "image,label\nC:\\x\\p0.jpg,cat\nC:\\x\\p1.jpg,dog\n",
            "l.csv: table: got 'C:\\\\x\\\\p0.jpg' in column 'image', whose file is train/p0.jpg; want paths from this "
            "folder",
        ),
        (
            "log.csv",
            "step,loss\n0,1.5\n1,1.2\n",
            "log.csv: got a table without a column of images ('step', 'loss'); want a column of their names, if "
            "it is about "
            "images",
        ),
        (
            "box.csv",
            "24,310,61,310,TOTAL\n1,2,3,4,SUM\n",
            "box.csv: got numbers without a header; want the names of the columns in the first line",
        ),
        (
            "l.jsonl",
            json.dumps({"key": "p0", "score": 0.5}),
            "l.jsonl: table: got images in column 'key' ('p0' is train/p0.jpg), and no column that is known for "
            "annotations ('score'); want a column called label, caption, or question and answer",
        ),
        (
            "val.txt",
            "p0.jpg 65\np1.jpg 3\n",
            "val.txt: table: got a list of images and something about each, without a header ('p0.jpg 65'); want a CSV "
            "file with the header image,label or image,caption",
        ),
        (
            "val.txt",
            "p0.jpg\np1.jpg\n",
            "val.txt: got a list of images without annotations; want a column of annotations, if it is for them",
        ),
    ],
)
def test_each_table_has_a_line_of_what_it_lacks(tmp_path, name, content, line):
    images(tmp_path, *(f"train/p{index}.jpg" for index in range(4)), "test/q0.jpg")
    write(tmp_path / name, content)
    assert lines(tmp_path) == [line.replace("FOLDER", str(tmp_path))]


def test_numbers_are_no_names_of_images_unless_their_column_says_so(tmp_path):
    images(tmp_path, *(f"{index}.jpg" for index in range(4)))
    write(tmp_path / "log.csv", "epoch,loss\n0,.5\n1,.2\n")
    write(tmp_path / "labels.csv", "image_id,score\n0,.5\n1,.2\n")
    labels, log = lines(tmp_path)
    assert "images in column 'image_id' ('0' is 0.jpg), and no column that is known" in labels
    assert "log.csv: got a table without a column of images" in log


def test_a_text_is_no_list(tmp_path):
    write(tmp_path / "notes.txt", "p0.jpg is my favourite.\nThe others are not.\n")
    assert list_miss(tmp_path / "notes.txt") is None
    write(tmp_path / "empty.txt", "")
    assert list_miss(tmp_path / "empty.txt") is None
