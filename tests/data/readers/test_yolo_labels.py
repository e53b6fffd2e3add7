import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import YoloLabels


@pytest.fixture
def read(tmp_path, image, write):
    def reader(text="1 0.5 0.5 0.5 0.5\n", **options):
        image(tmp_path / "images" / "000009.jpg")
        write(tmp_path / "labels" / "000009.txt", text)
        return YoloLabels(tmp_path / "images", tmp_path / "labels", **{"names": ("person", "car"), **options})

    return reader


def test_shares_become_pixels(read, tmp_path):
    reader = read("1 0.5 0.5 0.5 0.5\n\n0 0 0 0.5 0 0.5 1\n")
    boxes = reader[0].labels["boxes"]
    assert boxes.boxes_xyxy.tolist() == [[1.5, 1, 4.5, 3], [0, 0, 3, 4]]  # the second is an outline
    assert boxes.labels.tolist() == [1, 0]
    assert (reader[0].id, reader.keys(0)) == (f"{tmp_path.name}/images/000009", (f"{tmp_path.name}/images/000009.jpg",))
    assert read(image_prefix="coco").keys(0) == ("coco/9",)


def test_images_without_boxes_and_without_labels(read, image, tmp_path):
    image(tmp_path / "images" / "other.jpg")
    assert len(read("")) == 1
    assert len(read("")[0].labels["boxes"].labels) == 0
    assert len(read("", unlabelled=True)) == 2
    with pytest.raises(DataError, match="got no text file for any image"):
        read("", empty=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0.5 0.5 0.5\n", r"numbers: got 4; want 5 .*000009.txt, row 0\)"),
        ("1 0.5 0.5 0.5 0.5 0.9\n", "numbers: got 6"),
        ("\n2 0.5 0.5 0.5 0.5\n", r"class: got 2, a class without a name; want 0 to 1, .*row 1\)"),
        ("1.5 0.5 0.5 0.5 0.5\n", "class: got 1.5"),
        ("1 0.5 0.5 wide 0.5\n", "number: got 'wide'"),
        ("1 0.5 0.5 nan 0.5\n", "four finite numbers"),
        ("1 0.5 0.5 1.5 0.5\n", "want a box inside the image of 6 x 4 pixels"),
        ("1 0.5 0.5 0 0.5\n", "want left < right"),
        ("1 40 30 20 10\n", r"got '1 40 30 20 10'; want shares of the image's width and height .*not pixels .*row 0\)"),
        ("1 0.5 -1.5 0.5 0.5\n", "want shares"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(read, text, message):
    with pytest.raises(DataError, match=message):
        read(text)[0]


def test_boxes_past_the_border_are_cut_and_pixels_are_not(read):
    boxes = read("1 0.9 0.5 1.5 0.5\n", clip=True)[0].labels["boxes"]
    assert (len(boxes.labels), len(boxes.cut)) == (1, 1)
    with pytest.raises(DataError, match="not pixels"):
        read("1 40 30 20 10\n", clip=True)[0]


def test_keypoints_after_a_box_are_left_out(read):
    reader = read("1 0.5 0.5 0.5 0.5 0.4 0.4 2 7 7 0\n", keypoint_values=6)
    assert reader[0].labels["boxes"].boxes_xyxy.tolist() == [[1.5, 1, 4.5, 3]]
    with pytest.raises(DataError, match=r"numbers: got 5; want 11 \(class, centre x, .*and 6 of keypoints\)"):
        read("1 0.5 0.5 0.5 0.5\n", keypoint_values=6)[0]


def test_a_list_keeps_its_images(read, image, write, tmp_path):
    for name in ("000010", "000011"):
        image(tmp_path / "images" / f"{name}.jpg")
        write(tmp_path / "labels" / f"{name}.txt", "0 0.5 0.5 0.5 0.5\n")
    listed = write(tmp_path / "train.txt", "data/obj/000009.jpg\n/home/me/000011.jpg\n")
    reader = read(listed=listed)
    assert [reader[row].id for row in range(len(reader))] == [
        f"{tmp_path.name}/images/train/000009",
        f"{tmp_path.name}/images/train/000011",
    ]
    with pytest.raises(DataError, match=r"got no text file for any image.*none\.txt"):
        read(listed=write(tmp_path / "none.txt", "x.jpg\n"))


def test_texts_that_are_no_labels_are_no_rows(read, write, tmp_path):
    for name, content in (("classes.txt", "0\n1\n"), ("train.txt", "images/000009.jpg\n"), ("README.txt", "by hand\n")):
        write(tmp_path / "labels" / name, content)
    assert len(read()) == 1


def test_a_text_file_without_an_image_is_an_error_of_its_row(read, write, tmp_path):
    write(tmp_path / "labels" / "x.txt", "")
    reader = read()
    assert len(reader) == 2
    with pytest.raises(DataError, match="image: got none called x"):
        reader[1]


def test_names_from_yaml(read, write, tmp_path):
    path = write(tmp_path / "data.yaml", "names: {0: person, 1: traffic light}\n")
    assert read(names=(), names_file=path).names == ("person", "traffic light")


def test_names_from_lines_and_none_at_all(read, write, tmp_path):
    assert read(names=(), names_file=write(tmp_path / "coco.names", "person\ncar\n")).names == ("person", "car")
    with pytest.raises(ConfigError, match="got neither names nor names_file"):
        read(names=())


def test_a_label_is_of_the_only_image_that_is_spelled_alike(tmp_path, image):
    for name in ("IMG_1.png", "cafe\u0301.png", "both.png", "A.png", "a.png"):
        image(tmp_path / "images" / name)
    for name in ("img_1", "caf\u00e9", "both", "BOTH", "a"):
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / f"labels/{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    reader = YoloLabels(tmp_path / "images", tmp_path / "labels", names=("nut",))
    with pytest.raises(DataError, match="image: got none called BOTH"):
        reader[0]
    files = [reader[row].images[0].path.name for row in range(1, len(reader))]
    assert sorted(files) == ["IMG_1.png", "a.png", "both.png", "cafe\u0301.png"]
