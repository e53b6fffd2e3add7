import pytest

from motet.core import DataError
from motet.data.readers import VisualGenomeObjects


def thing(number, names, **more):
    return {"object_id": number, "x": 1, "y": 1, "w": 2, "h": 2, "names": names, **more}


@pytest.fixture
def read(tmp_path, image, write):
    def reader(*things, attributes=(), **options):
        for number in (4, 5):
            image(tmp_path / f"{number}.jpg")
        given = things or (thing(1, ["Dog"]), thing(2, ["cat"]), thing(3, ["dog"], x=3, w=99))
        objects = write(
            tmp_path / "objects.json", [{"image_id": 4, "objects": list(given)}, {"image_id": 5, "objects": []}]
        )
        described = [{"image_id": 4, "attributes": [thing(n, [], attributes=words) for n, words in attributes]}]
        return VisualGenomeObjects(
            objects, tmp_path, write(tmp_path / "attributes.json", described) if attributes else None, **options
        )

    return reader


def test_the_most_frequent_names_first(read):
    reader = read()
    assert reader.names == ("dog", "cat")
    boxes = reader[0].labels["boxes"]
    assert boxes.labels.tolist() == [0, 1, 0]
    assert boxes.boxes_xyxy.tolist() == [[1, 1, 3, 3], [1, 1, 3, 3], [3, 1, 6, 3]]  # cut at the border by default
    assert read(num_names=1)[0].labels["boxes"].labels.tolist() == [0, 0]
    assert (reader[0].id, reader.keys(0)) == ("vg/objects/4", ("vg/4",))


def test_vocabularies_with_words_that_mean_the_same(read, write, tmp_path):
    names = write(tmp_path / "objects_vocab.txt", "bus\nkitty,cat\n")
    words = write(tmp_path / "attributes_vocab.txt", "white\nbrown,tan\n")
    reader = read(attributes=[(2, ["tan", "Brown", "odd", "white"])], objects_vocab=names, attributes_vocab=words)
    boxes = reader[0].labels["boxes"]
    assert (reader.names, reader.attribute_names) == (("bus", "kitty"), ("white", "brown"))
    assert (boxes.labels.tolist(), boxes.attributes) == ([1], ((1, 0),))


def test_at_most_sixteen_attributes_a_box(read):
    reader = read(attributes=[(1, [f"a{n:02}" for n in range(20)])])
    boxes = reader[0].labels["boxes"]
    assert [len(found) for found in boxes.attributes] == [16, 0, 0]
    assert reader.attribute_names[0] == "a00"


def test_images_of_a_split_and_without_boxes(read, write, tmp_path):
    assert len(read()[1].labels["boxes"].labels) == 0
    assert len(read(empty=False)) == 1
    assert read(split=write(tmp_path / "val.txt", "VG_100K/5.jpg xml/5.xml\n"))[0].id == "vg/objects/5"
    with pytest.raises(DataError, match=r"image: got '9'; .*val.txt, row 0\)"):
        read(split=write(tmp_path / "val.txt", "9\n"))


def test_coco_images_have_their_coco_ids(read, write, tmp_path):
    data = write(tmp_path / "image_data.json", [{"image_id": 4, "coco_id": 77}, {"image_id": 5, "coco_id": None}])
    reader = read(image_data=data)
    assert (reader.keys(0), reader.keys(1)) == (("coco/77",), ("vg/5",))


def test_what_is_broken_says_where(read, write, tmp_path):
    with pytest.raises(DataError, match=r"want a box inside the image of 6 x 4 pixels .*row 0.objects.2\)"):
        read(clip=False)[0]
    with pytest.raises(DataError, match=r"w: got 'wide'; want a number .*row 0.objects.0\)"):
        read(thing(1, ["dog"], w="wide"))[0]
    with pytest.raises(DataError, match=r"names: got 'dog'; want a list .*row 0.objects.0\)"):
        read(thing(1, "dog"))
    with pytest.raises(DataError, match="got 'cat' in two lines"):
        read(objects_vocab=write(tmp_path / "v.txt", "cat\ncat\n"))
    with pytest.raises(DataError, match="want at least one of each"):
        read(thing(1, []))
