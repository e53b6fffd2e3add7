"""CVAT's XML for images."""

import pytest

from motet.core import DataError
from motet.data.readers import Cvat

BOX = '<box label="cat" source="manual" occluded="0" xtl="0.5" ytl="1" xbr="3" ybr="4" z_order="0"></box>'


@pytest.fixture
def read(tmp_path, image, write):
    def reader(shapes=BOX, *, second="", **options):
        for name in ("a.jpg", "b.jpg"):
            image(tmp_path / "job" / "images" / "Train" / name)
        content = (
            '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta></meta>'
            f'<image id="0" name="Train/a.jpg" width="6" height="4" subset="Train">{shapes}</image>'
            f'<image id="1" name="Train/b.jpg" width="6" height="4" subset="Validation">{second}</image></annotations>'
        )
        return Cvat(write(tmp_path / "job" / "annotations.xml", content), tmp_path / "job" / "images", **options)

    return reader


def boxes(reader, row=0):
    found = reader[row].labels["boxes"]
    return found.boxes_xyxy.round(3).tolist(), [reader.names[label] for label in found.labels]


def test_boxes_ids_and_images(read):
    reader = read()
    assert (len(reader), reader[0].id, reader.keys(0)) == (2, "job/annotations/0", ("job/images/Train/a.jpg",))
    assert (boxes(reader), boxes(reader, 1)) == (([[0.5, 1, 3, 4]], ["cat"]), ([], []))
    assert len(read(empty=False)) == 1


@pytest.mark.parametrize(
    ("element", "box"),
    [
        ('<polygon label="dog" points="1.00,1.00;4.00,2.00;2.00,3.00"/>', [1, 1, 4, 3]),
        ('<ellipse label="dog" cx="3" cy="2" rx="2" ry="1"/>', [1, 1, 5, 3]),
        ('<mask label="dog" rle="1" left="1" top="0" width="3" height="2"/>', [1, 0, 4, 2]),
        ('<box label="dog" xtl="2" ytl="1" xbr="4" ybr="2" rotation="90.0"/>', [2.5, 0.5, 3.5, 2.5]),
    ],
)
def test_the_box_around_a_shape(read, element, box):
    assert boxes(read(element + BOX)) == ([box, [0.5, 1, 3, 4]], ["dog", "cat"])


def test_what_has_no_area_is_left_out(read):
    without = '<points label="eye" points="1,1"/><polyline label="tail" points="1,1;2,2"/><tag label="night"/>'
    assert boxes(read(without + BOX)) == ([[0.5, 1, 3, 4]], ["cat"])


def test_a_subset_has_the_classes_of_all(read):
    reader = read(second=BOX.replace("cat", "dog"), subset="Validation")
    assert (len(reader), reader[0].id, reader.names) == (1, "job/annotations/Validation/1", ("cat", "dog"))
    with pytest.raises(DataError, match="images: got none; want at least one of 'Test'"):
        read(subset="Test")


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (BOX.replace("3", "9"), r"want a box inside the image of 6 x 4 pixels .*row Train/a.jpg, shape 0\)"),
        (BOX.replace('"1"', '"one"'), r"ytl: got 'one'; want a number .*shape 0\)"),
        (BOX.replace("cat", ""), r"label: got none; .*shape 0\)"),
        ('<polygon label="cat" points="1,1;2"/>', r"points: got '2'; want x,y;x,y;... .*shape 0\)"),
        ('<star label="cat"/>', r"shape: got <star>; want a box, polygon, .*shape 0\)"),
    ],
)
def test_a_wrong_shape_is_an_error_of_its_row(read, element, message):
    reader = read(element, second=BOX)
    with pytest.raises(DataError, match=message):
        reader[0]
    assert boxes(reader, 1)[1] == ["cat"]


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ('<image id="0" name="../a.jpg" width="6" height="4"/>', "want a file inside"),
        ('<image id="0" name="c.jpg" width="6" height="4"/>', "image: got no file"),
        ('<image id="0" name="Train/a.jpg" width="9" height="4"/>', "size: got 9 x 4; want 6 x 4"),
        ('<image id="0" name="Train/a.jpg" height="4"/>', "width: got ''; want a number"),
    ],
)
def test_a_wrong_image_is_an_error_of_its_row(read, write, tmp_path, element, message):
    read()
    path = write(tmp_path / "job" / "annotations.xml", f"<annotations>{element}</annotations>")
    with pytest.raises(DataError, match=message):
        Cvat(path, tmp_path / "job" / "images", names=("cat",))[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "<annotations><track id='0'/></annotations>",
            "got tracks in a video; want an export as 'CVAT for images",
        ),
        ("<annotations/>", "images: got none"),
        ("<annotation/>", "got the element <annotation>; want <annotations>"),
        ("<annotations><image id='0' name='a.jpg' width='6' height='4'/></annotations>", "boxes: got none"),
    ],
)
def test_another_file_is_an_error(tmp_path, write, content, message):
    with pytest.raises(DataError, match=message):
        Cvat(write(tmp_path / "a.xml", content), tmp_path)
