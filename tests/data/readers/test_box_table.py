"""Tables with a box per row."""

import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import BoxTable

TENSORFLOW = """filename,width,height,class,xmin,ymin,xmax,ymax
a.jpg,6,4,cat,0,1,3,4
b.jpg,6,4,dog,1,1,2,2
a.jpg,6,4,dog,2,0,6,4
"""


@pytest.fixture
def read(tmp_path, image, write):
    for name in ("a.jpg", "b.jpg"):
        image(tmp_path / "pets" / name)

    def reader(content=TENSORFLOW, *, name="boxes.csv", **options):
        return BoxTable(write(tmp_path / "pets" / name, content), **options)

    return reader


def boxes(reader, row=0):
    found = reader[row].labels["boxes"]
    return found.boxes_xyxy.tolist(), [reader.names[label] for label in found.labels]


def test_the_rows_of_an_image_are_one_example(read):
    reader = read(size=("width", "height"))
    assert (len(reader), reader.names) == (2, ("cat", "dog"))
    assert (reader[0].id, reader.keys(0), reader.keys(1)) == ("pets/boxes/0", ("pets/a.jpg",), ("pets/b.jpg",))
    assert boxes(reader) == ([[0, 1, 3, 4], [2, 0, 6, 4]], ["cat", "dog"])
    assert boxes(reader, 1) == ([[1, 1, 2, 2]], ["dog"])


def test_a_table_without_a_header_and_an_image_without_boxes(read):
    content = "a.jpg,0,1,3,4,cat\nb.jpg,,,,,\n"
    reader = read(content, header=("f", "l", "t", "r", "b", "c"), image="f", box=("l", "t", "r", "b"), label="c")
    assert (boxes(reader), boxes(reader, 1)) == (([[0, 1, 3, 4]], ["cat"]), ([], []))
    assert reader.names == ("cat",)


def test_names_without_endings_four_numbers_in_one_cell_and_one_class(read):
    reader = read('image_id,bbox\nb,"[1.0, 1.0, 2.0, 3.0]"\n', image="image_id", box=("bbox",), form="xywh", label="")
    assert reader.keys(0) == ("pets/b.jpg",)
    assert boxes(reader) == ([[1, 1, 3, 4]], ["object"])
    reader = read('image_id,bbox\nb,"[1, 1, 2, 3]"\n', image="image_id", box=("bbox",), label="", names=("wheat",))
    assert boxes(reader) == ([[1, 1, 2, 3]], ["wheat"])


def test_open_images(read, write, tmp_path):
    content = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na,/m/1,0,0.5,0.25,1,0\na,/m/2,0.5,1,0,0.5,1\n"
    names = write(tmp_path / "class-descriptions-boxable.csv", "/m/1,Cat\n/m/2,Dog\n/m/3,Cow\n")
    columns = {"image": "ImageID", "box": ("XMin", "YMin", "XMax", "YMax"), "label": "LabelName", "crowd": "IsGroupOf"}
    reader = read(content, **columns, normalized=True, names_file=names)
    assert boxes(reader) == ([[0, 1, 3, 4], [3, 0, 6, 2]], ["Cat", "Dog"])
    assert reader[0].labels["boxes"].crowd.tolist() == [False, True]


def test_rows_of_one_split_have_the_classes_of_all(read):
    content = "file,part,kind,x,y,w,h\na.jpg,train,10,0,0,2,2\nb.jpg,val,9,0,0,2,2\n"
    columns = {"image": "file", "box": ("x", "y", "w", "h"), "form": "xywh", "label": "kind"}
    reader = read(content, **columns, only=("part", "val"))
    assert (len(reader), reader[0].id, reader.names) == (1, "pets/boxes/val/1", ("9", "10"))
    with pytest.raises(DataError, match="table: got no rows"):
        read(content, **columns, only=("part", "test"))


def test_json_lines_are_read_too(read):
    line = '{"img": "a.jpg", "box": [0, 1, 3, 4], "c": "cat"}\n'
    reader = read(line, name="b.jsonl", image="img", box=("box",), label="c")
    assert boxes(reader) == ([[0, 1, 3, 4]], ["cat"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg,6,4,cat,0,x,3,4", r"xmin, ymin, xmax, ymax: got .*'x'.*; want 4 numbers \(.*boxes.csv, row 0\)"),
        ("a.jpg,6,4,cat,0,1,9,4", r"want a box inside the image .*row 0\)"),
        ("a.jpg,6,4,,0,1,3,4", r"class: got an empty cell; want the class of the box .*row 0\)"),
        ("a.jpg,9,4,cat,0,1,3,4", r"size: got 9 x 4; want 6 x 4 .*row 0\)"),
        ("a.jpg,nine,4,cat,0,1,3,4", r"size: got \['nine', '4'\]; want 2 numbers .*row 0\)"),
        ("../a.jpg,6,4,cat,0,1,3,4", r"want a file inside .*row 0\)"),
        ("c.jpg,6,4,cat,0,1,3,4", r"image: got no file .*row 0\)"),
    ],
)
def test_a_wrong_cell_is_an_error_of_its_image_only(read, line, message):
    header, _, second, _, _ = TENSORFLOW.split("\n")
    reader = read(f"{header}\n{line}\n{second}\n", size=("width", "height"))
    with pytest.raises(DataError, match=message):
        reader[0]
    assert boxes(reader, 1) == ([[1, 1, 2, 2]], ["dog"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"form": "x"}, ConfigError, "form: got 'x'; want 'xyxy', 'xywh', 'cxcywh'"),
        ({"box": ("xmin", "ymin")}, ConfigError, "want four columns, or one"),
        ({"only": ("part",)}, ConfigError, "a column and its value"),
        ({"header": ("a", "b")}, ConfigError, "want the column 'filename' in it"),
        ({"label": "kind"}, DataError, "column 'kind': got a table without it"),
    ],
)
def test_what_cannot_be_is_an_error_at_once(read, options, error, message):
    with pytest.raises(error, match=message):
        read(**options)


@pytest.mark.parametrize(
    ("content", "header", "message"),
    [
        ("a.jpg,0,1,3,4\n", ("f", "l", "t", "r", "b", "c"), r"columns: got 5; want 6: f, l, .*row 0\)"),
        ("a.jpg,,,,,\n", ("f", "l", "t", "r", "b", "c"), "boxes: got none; want at least one, or the names"),
    ],
)
def test_a_wrong_table_is_an_error(read, content, header, message):
    with pytest.raises(DataError, match=message):
        read(content, header=header, image="f", box=("l", "t", "r", "b"), label="c")


def test_a_wrong_list_of_names_is_an_error(read, write, tmp_path):
    with pytest.raises(DataError, match=r"columns: got 3; want 2: a class and its name \(.*n.csv, row 0\)"):
        read(names_file=write(tmp_path / "n.csv", "a,b,c\n"))
