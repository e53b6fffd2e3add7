"""Tables as people bring them, found and read: spreadsheets, Kaggle, JSON under a key, one column per class."""

import pytest
from user_folders import images, read, write

from motet.core import DataError
from motet.data.detect import detect, inspect_folder

PHOTOS = tuple(f"fotos/p{number}.jpg" for number in range(8))


def found_in(root, name, content, photos=PHOTOS):
    images(root, *photos)
    write(root / name, content)
    (found,) = detect(root)
    assert found.problems == ()
    return found


def lines(header, cells, delimiter=","):
    return "\n".join([header, *(f"p{number}.jpg{delimiter}{cells(number)}" for number in range(8))]) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("header", "kind"), [("Dateiname;Beschriftung", "captioning"), ("Bild;Klasse", "classification")]
)
def test_a_spreadsheet_with_semicolons_and_a_german_header(tmp_path, encoding, header, kind):
    text = lines(header, lambda number: f'"ein Käfer, Nr. {number}"', ";").replace("\n", "\r\n")
    found = found_in(tmp_path, "etiketten.csv", text.encode(encoding))
    assert (found.kind, found.rows, found.arguments.get("encoding")) == (
        kind, 8, "cp1252" if encoding == "cp1252" else None,
    )  # fmt: skip
    reader = read(found)
    words = reader[3].labels["captions"][0] if kind == "captioning" else reader.names[reader[3].labels["class"]]
    assert words == "ein Käfer, Nr. 3"


def test_an_encoding_that_no_one_can_tell_is_a_problem(tmp_path):
    images(tmp_path, *PHOTOS)
    write(tmp_path / "t.csv", lines("image,caption", lambda _: "кошка на окне").encode("cp1251"))
    contents = inspect_folder(tmp_path)
    assert contents.datasets == ()
    assert next((miss.format, miss.want) for miss in contents.near_misses) == ("table", "UTF-8 (row 1)")


@pytest.mark.parametrize(
    "header", ["файл,описание", "文件名,描述", "archivo,descripción", "fichier,légende", "ファイル名,説明"]
)
def test_headers_of_other_languages(tmp_path, header):
    assert found_in(tmp_path, "t.csv", lines(header, lambda number: f"p{number}")).kind == "captioning"


@pytest.mark.parametrize(
    ("photos", "ids", "pattern"),
    [
        ("train/{:04x}.jpg", "{:04x}", "{}.jpg"),
        ("images/ISIC_{}.png", "ISIC_{}", "{}.png"),
        ("train/{:06}.jpg", "{}", "{:0>6}.jpg"),  # a spreadsheet took the zeros off
    ],
)
def test_ids_without_endings_name_the_images(tmp_path, photos, ids, pattern):
    breeds = [f"{ids.format(number)},{('pug', 'beagle')[number % 2]}" for number in range(8)]
    names = [photos.format(number) for number in range(8)]
    found = found_in(tmp_path, "labels.csv", "id,breed\n" + "\n".join(breeds) + "\n", names)
    assert (found.kind, found.rows, found.arguments["pattern"]) == ("classification", 8, pattern)
    reader = read(found)
    assert [reader.names[reader[row].labels["class"]] for row in range(2)] == ["pug", "beagle"]
    assert reader[5].images[0].path.name == names[5].rpartition("/")[2]


def test_a_column_per_class(tmp_path):
    header = "image,MEL,NV,BCC"
    rows = [
        f"p{number},{int(number % 3 == 0)}.0,{int(number % 3 == 1)}.0,{int(number % 3 == 2)}.0" for number in range(8)
    ]
    found = found_in(tmp_path, "gt.csv", "\n".join([header, *rows]) + "\n")
    assert (found.kind, found.arguments["labels"]) == ("classification", {"class": ("MEL", "NV", "BCC")})
    reader = read(found)
    assert (reader.names, reader[5].labels) == (("MEL", "NV", "BCC"), {"class": 2})
    write(tmp_path / "gt.csv", "\n".join([header, *rows, "p1,1,1,0", "p2,0,x,1"]) + "\n")
    with pytest.raises(DataError, match=r"class: got 2 columns with 1 .*'MEL', 'NV'.*; want one .*row 8"):
        read(found)[8]
    with pytest.raises(DataError, match="NV: got 'x'; want 0 or 1"):
        read(found)[9]


@pytest.mark.parametrize("key", ["data", "annotations"])
def test_json_rows_under_a_key(tmp_path, key):
    rows = [{"image": f"p{number}.jpg", "caption": "a dog"} for number in range(8)]
    assert found_in(tmp_path, "t.json", {"info": {"year": 2020}, key: rows}).rows == 8


def test_lists_of_splits_in_one_json(tmp_path):
    images(tmp_path, *PHOTOS)
    rows = [{"image": f"p{number}.jpg", "caption": "a dog"} for number in range(8)]
    write(tmp_path / "all.json", {"train": rows[:5], "test": rows[5:]})
    assert [(one.split, one.rows, one.arguments["key"]) for one in detect(tmp_path)] == [
        ("train", 5, "train"), ("test", 3, "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt"])
def test_rows_without_a_header(tmp_path, name):
    text = lines("", lambda number: ("cat", "dog")[number % 2], "\t" if name == "t.tsv" else ",").lstrip("\n")
    found = found_in(tmp_path, name, text)
    assert (found.kind, found.rows, found.arguments["header"]) == ("classification", 8, ("image", "column 2"))
    assert "without a header" in found.evidence
    assert read(found).names == ("cat", "dog")


@pytest.mark.parametrize(
    ("header", "cell", "kind"),
    [
        ("image,label", "B-MW {}", "text reading"),
        ("image,value", "SN-00{}", "text reading"),
        ("image,text", "word{}", "text reading"),
        ("image,label", "a small dog on grass number {}", "captioning"),
        ("image,class", "B-MW {}", "classification"),
        ("image,caption", "B-MW {}", "captioning"),
        ("image,plate", "BMW", "text reading"),
    ],
)
def test_names_that_leave_it_open_are_decided_by_the_cells(tmp_path, header, cell, kind):
    found = found_in(tmp_path, "t.csv", lines(header, cell.format))
    assert found.kind == kind
    assert ("call the column" in found.evidence) == (header.split(",")[1] not in ("class", "caption", "plate"))


def test_lists_of_a_format_are_no_tables(tmp_path):
    images(tmp_path, *PHOTOS)
    rows = [{"id": number, "file_name": f"p{number}.jpg", "date_captured": f"2013-11-1{number}"} for number in range(8)]
    write(tmp_path / "panoptic.json", {"images": rows, "annotations": [{"id": 1}], "categories": [{"id": 1}]})
    write(tmp_path / "info.json", {"images": rows})
    assert {one.reader for one in detect(tmp_path)} <= {"CocoInstances"}
    assert all("want a bbox or a caption" in one.problems[0] for one in detect(tmp_path))


def test_a_sample_of_a_submission_is_left_out(tmp_path):
    images(tmp_path, *PHOTOS)
    write(tmp_path / "train.csv", lines("id,label", lambda number: "ab"[number % 2]))
    write(tmp_path / "sample_submission.csv", lines("id,label", lambda _: "a"))
    (found,) = detect(tmp_path)
    assert (found.arguments["path"].name, found.problems) == ("train.csv", ())


def test_measurements_are_no_captions(tmp_path):
    images(tmp_path, *PHOTOS)
    write(tmp_path / "t.csv", lines("image,price", lambda number: str(10.5 * number)))
    assert detect(tmp_path) == ()


def test_an_id_is_never_a_caption(tmp_path):
    images(tmp_path, *PHOTOS)
    write(tmp_path / "t.json", [{"id": f"row-{number}", "image": f"p{number}.jpg"} for number in range(8)])
    assert detect(tmp_path) == ()
