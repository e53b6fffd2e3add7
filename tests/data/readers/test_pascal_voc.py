import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import PascalVoc
from motet.data.readers.pascal_voc import VOC_NAMES
from motet.tasks import TASKS


def thing(name="car", box=(1, 2, 6, 4), difficult=0):
    corners = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{corners}</bndbox></object>"


def annotation(*things, size=(6, 4)):
    width, height = size
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{''.join(things)}</annotation>"


@pytest.fixture
def root(tmp_path, image, write):
    def made(**annotations):
        for key, content in annotations.items():
            image(tmp_path / "VOC" / "JPEGImages" / f"{key}.jpg")
            write(tmp_path / "VOC" / "Annotations" / f"{key}.xml", content)
        write(tmp_path / "VOC" / "ImageSets" / "Main" / "train.txt", "".join(f"{key}\n" for key in annotations))
        return tmp_path / "VOC"

    return made


def test_pixels_count_from_one_and_the_last_belongs_to_the_thing(root):
    reader = PascalVoc(root(a=annotation(thing(), thing("bus", (3, 3, 3, 3)))), "train")
    boxes = reader[0].labels["boxes"]
    assert boxes.boxes_xyxy.tolist() == [[0, 1, 6, 4], [2, 2, 3, 3]]
    assert (reader.names, boxes.labels.tolist()) == (("bus", "car"), [1, 0])
    assert (reader[0].id, reader.keys(0)) == ("VOC/train/a", ("VOC/a",))


def test_boxes_that_count_from_zero_are_cut_at_the_border(root):
    boxes = PascalVoc(root(a=annotation(thing(box=(0, 0, 3, 3)))))[0].labels["boxes"]
    assert boxes.boxes_xyxy.tolist() == [[0, 0, 3, 3]]


@pytest.mark.parametrize(("way", "crowd", "count"), [("crowd", [True], 1), ("keep", [], 1), ("leave out", [], 0)])
def test_what_becomes_of_difficult_objects(root, way, crowd, count):
    boxes = PascalVoc(root(a=annotation(thing(difficult=1))), difficult=way)[0].labels["boxes"]
    assert (boxes.crowd.tolist(), len(boxes.labels)) == (crowd, count)


def test_another_word_for_difficult_is_refused(root):
    with pytest.raises(ConfigError, match="got 'hard'; want 'crowd', 'keep' or 'leave out'"):
        PascalVoc(root(a=annotation(thing())), difficult="hard")


def test_images_without_boxes_are_rows_unless_left_out(root):
    folder = root(a=annotation(), b=annotation(thing()))
    assert len(PascalVoc(folder)[0].labels["boxes"].labels) == 0
    assert PascalVoc(folder, empty=False)[0].id == "VOC/train/b"


def test_a_split_may_be_a_path_and_name_absent_images(root, write, tmp_path):
    folder = root(a=annotation(thing()), b=annotation(thing("bus")))
    reader = PascalVoc(folder, write(tmp_path / "mine.txt", "b 1\na -1\n"))
    assert [reader[index].id for index in range(len(reader))] == ["VOC/mine/b"]
    assert len(PascalVoc(folder, None)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<annotation><object>", "XML: got .*line 1, column 20; want a whole document"),
        ("<picture/>", "got the element <picture>; want <annotation>"),
        (annotation(thing(box=(1, 1, "six", 4))), r"<bndbox/xmax>: got 'six'; want a number .*row 0\)"),
        (annotation(thing(box=(1, 1, "nan", 4))), r"want four finite numbers .*row 0\)"),
        (annotation(thing(box=(1, 1, 9, 4))), r"want a box inside the image of 6 x 4 pixels .*row 0\)"),
        (annotation(thing(box=(5, 1, 2, 4))), r"want left < right .*row 0\)"),
        (annotation(thing().replace("<ymax>4</ymax>", "")), "element <bndbox/ymax>: got none"),
        (annotation(thing(), size=(12, 8)), "size: got 12 x 8; want 6 x 4"),
        (annotation(thing("tram")), r"got 'tram', a class that names lacks; .*row 0\)"),
        (f'<!DOCTYPE a [<!ENTITY b "c">]>{annotation(thing())}', r"got a document type \(a\); want plain elements"),
        (f'<!DOCTYPE a SYSTEM "file:///etc/passwd">{annotation(thing())}', "got a document type"),
    ],
)
def test_a_broken_annotation_is_an_error_of_its_row_only(root, content, message):
    reader = PascalVoc(root(a=annotation(thing()), b=content), names=("bus", "car"))
    assert len(reader[0].labels["boxes"].labels) == 1
    with pytest.raises(DataError, match=message) as caught:
        reader[1]
    assert str(caught.value.path).endswith("b.xml")


def test_the_published_classes_are_those_of_the_task():
    assert TASKS["voc_boxes"].target.names == VOC_NAMES
