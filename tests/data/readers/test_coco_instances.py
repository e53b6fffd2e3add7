import pytest

from motet.core import DataError
from motet.data.readers import CocoInstances


@pytest.fixture
def data():
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 6, "height": 4} for n in (25, 9)],
        "annotations": [
            {"image_id": 25, "category_id": 3, "bbox": [1, 1, 2, 3], "iscrowd": 0, "area": 4},
            {"image_id": 25, "category_id": 1, "bbox": [0, 0, 6, 4], "iscrowd": 1, "area": 20},
        ],
        "categories": [{"id": 3, "name": "car"}, {"id": 1, "name": "person"}],
    }


@pytest.fixture
def read(tmp_path, image, write, data):
    for number in (9, 25):
        image(tmp_path / "val2017" / f"{number}.jpg")

    def reader(name="instances_val2017.json", **options):
        return CocoInstances(write(tmp_path / name, data), tmp_path / "val2017", **options)

    return reader


def test_boxes_in_pixels_with_names_in_the_order_of_ids(read):
    reader = read()
    assert (reader.names, reader.category_ids) == (("person", "car"), (1, 3))
    assert [reader[index].id for index in range(2)] == ["coco2017/val/instances/25", "coco2017/val/instances/9"]
    assert reader.keys(0) == ("coco/25",)
    boxes = reader[0].labels["boxes"]
    assert boxes.boxes_xyxy.tolist() == [[1, 1, 3, 4], [0, 0, 6, 4]]
    assert boxes.labels.tolist() == [1, 0]
    assert (boxes.crowd.tolist(), boxes.areas.tolist()) == ([False, True], [4, 20])


def test_images_of_ones_own_are_called_by_their_files(read):
    assert read(image_prefix="birds/val").keys(1) == ("birds/val/9.jpg",)


def test_an_image_without_boxes_is_a_row_unless_it_is_left_out(read):
    assert len(read()[1].labels["boxes"].labels) == 0
    assert [read(empty=False)[0].id] == ["coco2017/val/instances/25"]
    assert len(read(empty=False)) == 1


def test_names_may_be_those_of_another_part(read):
    reader = read(names=("car", "bus", "person"))
    assert reader[0].labels["boxes"].labels.tolist() == [0, 2]
    assert reader.category_ids == (3, -1, 1)
    with pytest.raises(DataError, match=r"category_id: got 1, a class that is not among the given names; .*row 1\)"):
        read(names=("car",))[0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d["annotations"][1].update(category_id=7), r"got 7, a class without a name; .*row 1\)"),
        (lambda d: d["annotations"][1].update(bbox=[0, 0, 7.5, 4]), r"inside the image of 6 x 4 pixels .*row 1\)"),
        (lambda d: d["annotations"][1].update(bbox=[0, 0, 0, 4]), r"want left < right .*row 1\)"),
        (
            lambda d: d["annotations"][1].update(bbox=[0, 0, float("nan"), 4]),
            r"bbox: got nan; want a finite number .*row 1\)",
        ),
        (
            lambda d: d["annotations"][1].update(bbox=[0, 0, 4]),
            r"bbox: got .*; want left, top, width, height .*row 1\)",
        ),
        (lambda d: d["annotations"][1].update(bbox="0 0 1 1"), r"bbox: got '0 0 1 1'; want a list .*row 1\)"),
        (lambda d: d["images"][0].update(width=12), r"size: got 12 x 4; want 6 x 4 pixels .*row 0\)"),
    ],
)
def test_a_wrong_box_is_an_error_of_its_row_only(read, data, damage, message):
    damage(data)
    reader = read()
    assert len(reader[1].labels["boxes"].labels) == 0
    with pytest.raises(DataError, match=message):
        reader[0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.pop("categories"), "key 'categories'"),
        (lambda d: d["categories"][1].update(id=3), r"got 3 'person' after 3 'car'; want every id once .*row 1\)"),
        (lambda d: d.update(categories=[]), "categories: got none"),
        (lambda d: d["annotations"][1].update(image_id=8), r"image_id: got 8; want the id .*row 1\)"),
        (lambda d: d["images"][1].update(id=25), r"got the id 25 twice.*row 1\)"),
        (lambda d: d["images"][0].update(file_name="../x.jpg"), r"want a file inside .*row 0\)"),
        (lambda d: d.update(images=[], annotations=[]), "images: got none"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(read, data, damage, message):
    damage(data)
    with pytest.raises(DataError, match=message):
        read()


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"iscrowd": False, "area": None}, ([], [])),
        ({"iscrowd": None, "area": 3}, ([], [3, 20])),
        ({"iscrowd": True}, ([True, True], [])),
    ],
)
def test_values_that_tools_write_are_read(read, data, odd, expected):
    data["annotations"][0] = {"image_id": 25, "category_id": 3, "bbox": [1, 1, 2, 3], **odd}
    if not odd["iscrowd"]:
        data["annotations"][1]["iscrowd"] = 0
    boxes = read()[0].labels["boxes"]
    assert len(boxes.labels) == 2
    assert (boxes.crowd.tolist(), boxes.areas.tolist()) == expected


def test_ids_may_be_texts_or_numbers_with_a_point(read, data):
    data["images"][0]["id"] = "5f0e-uuid"
    data["annotations"][0].update(image_id="5f0e-uuid", category_id=3.0)
    data["annotations"][1].update(image_id="5f0e-uuid", category_id="1")
    reader = read()
    assert (reader[0].id, reader.keys(0)) == ("coco2017/val/instances/5f0e-uuid", ("coco/25.jpg",))
    assert reader[0].labels["boxes"].labels.tolist() == [1, 0]
    data["categories"] = [{"id": "c-1", "name": "car"}, {"id": "c-0", "name": "person"}]
    data["annotations"] = [{"image_id": "5f0e-uuid", "category_id": "c-1", "bbox": [1, 1, 2, 3]}]
    assert (read().names, read().category_ids) == (("person", "car"), (1, 2))


@pytest.mark.parametrize(
    "size", [{"width": None, "height": None}, {"width": 0, "height": 0}, {"width": 6.0, "height": 4.0}]
)
def test_a_size_may_be_unknown(read, data, size):
    data["images"][0].update(size)
    assert len(read()[0].labels["boxes"].labels) == 2


def test_an_image_may_be_listed_twice_but_no_id_for_two_images(read, data):
    data["images"].append(dict(data["images"][0]))
    assert len(read()) == 2


def test_a_broken_image_is_named(read, tmp_path):
    reader = read()
    (tmp_path / "val2017" / "25.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"image: got a file that starts with .*; want a file in .*\(.*25.jpg\)"):
        reader[0]
