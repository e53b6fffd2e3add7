import pytest

from motet.core import DataError
from motet.data.readers import CocoCaptions


@pytest.fixture
def data():
    return {
        "images": [{"id": 25, "file_name": "25.jpg"}, {"id": 9, "file_name": "9.jpg"}, {"id": 4, "file_name": "4.jpg"}],
        "annotations": [
            {"image_id": 9, "caption": "First."},
            {"image_id": 25, "caption": "Other."},
            {"image_id": 9, "caption": "Second."},
        ],
    }


@pytest.fixture
def read(tmp_path, image, write, data):
    for number in (4, 9, 25):
        image(tmp_path / "val2014" / f"{number}.jpg")

    def reader(name="captions_val2014.json", **options):
        return CocoCaptions(write(tmp_path / name, data), tmp_path / "val2014", **options)

    return reader


def test_an_example_an_image_with_its_captions_in_order(read):
    reader = read()
    assert [reader[index].id for index in range(len(reader))] == ["coco2014/val/25", "coco2014/val/9"]
    assert reader[1].labels == {"captions": ("First.", "Second.")}
    assert reader.keys(1) == ("coco/9",)


def test_files_of_ones_own_have_their_own_ids(read, tmp_path):
    reader = read("mine.json", image_prefix="birds")
    assert reader[0].id == f"{tmp_path.name}/mine/25"
    assert reader.keys(0) == ("birds/25.jpg",)


def test_an_empty_caption_is_an_error_of_its_row_only(read, data):
    data["annotations"][0]["caption"] = "  "
    reader = read()
    assert reader[0].labels["captions"] == ("Other.",)
    with pytest.raises(DataError, match=r"caption: got an empty text; want words \(.*captions_val2014.json, row 0\)"):
        reader[1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.pop("images"), "key 'images'"),
        (lambda d: d["annotations"][2].pop("caption"), r"key 'caption': .*row 2\)"),
        (lambda d: d["annotations"][1].update(caption=7), r"caption: got 7; want a text .*row 1\)"),
        (lambda d: d["images"][1].update(id=25), r"got the id 25 twice.*row 1\)"),
        (lambda d: d["images"][1].update(id=["9"]), r"id: got \['9'\]; want a text .*row 1\)"),
        (lambda d: d["images"][0].update(file_name="../x.jpg"), r"want a file inside .*row 0\)"),
        (lambda d: d.update(annotations={}), "annotations: got {}; want a list"),
        (lambda d: d.update(annotations=[]), "got no caption"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(read, data, damage, message):
    damage(data)
    with pytest.raises(DataError, match=message):
        read()


def test_a_caption_of_no_image_is_a_row_that_cannot_be_read_beside_the_others(read, data):
    data["annotations"].append({"image_id": 8, "caption": "Lost."})
    reader = read()
    assert [reader[index].id for index in range(2)] == ["coco2014/val/25", "coco2014/val/9"]
    assert len(reader) == 3
    with pytest.raises(DataError, match=r"image_id: got 8; want the id .*row 3\)"):
        reader[2]
