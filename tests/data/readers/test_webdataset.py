import io
import json
import tarfile

import pytest

from motet.core import ConfigError, DataError, DiskImage
from motet.data.readers import WebDataset


@pytest.fixture
def shard(tmp_path, jpeg):
    def write(name, *rows):
        path = tmp_path / "shards" / name
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for key, members in rows:
                for ending, data in members.items():
                    data = data if isinstance(data, bytes) else json.dumps(data).encode()
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        return path

    return write


@pytest.fixture
def two(shard, jpeg):
    shard("01.tar", ("5", {"jpg": jpeg, "txt": b"A cat.\n", "cls": b"10", "json": {"q": "What?", "a": ["x", "y"]}}))
    return shard(
        "00.tar", ("9", {"txt": b"A dog.\n", "cls": b"2", "json": {"q": "Who?", "a": "z"}, "jpg": jpeg})
    ).parent


def test_a_folder_of_tars_is_read_in_the_order_of_names(two, jpeg):
    reader = WebDataset(two, labels={"captions": "txt"})
    assert [reader[index].id for index in range(2)] == ["shards/00/9", "shards/01/5"]
    assert [reader[index].labels["captions"] for index in range(2)] == [("A dog.",), ("A cat.",)]
    image = reader[1].images[0]
    assert isinstance(image, DiskImage)
    assert image.read() == jpeg


def test_keys_of_the_json_are_columns(two):
    reader = WebDataset(two, text="json.q", labels={"answers": "json.a"})
    assert (reader[1].text, reader[1].labels) == ("What?", {"answers": ("x", "y"), "answer": "x"})


def test_classes_are_those_of_all_shards(two):
    reader = WebDataset(two, labels={"class": "cls"})
    assert reader.names == ("2", "10")
    assert [reader[index].labels["class"] for index in range(2)] == [0, 1]
    assert WebDataset(two, labels={"class": "cls"}, names=tuple("abcdefghijk"))[1].labels == {"class": 10}


def test_images_can_have_their_id_in_other_data_sets(two):
    assert WebDataset(two, image_id="coco/{key}").keys(1) == ("coco/5",)
    with pytest.raises(ConfigError, match="want a format over the key"):
        WebDataset(two, image_id="coco/{txt}")


def test_a_given_ending_is_the_image_and_rows_may_have_none(shard, jpeg):
    path = shard("x.tar", ("0", {"seg.png": b"map", "jpg": jpeg}), ("1", {"txt": b"words"}))
    assert WebDataset(path, image="jpg")[0].images[0].read() == jpeg
    reader = WebDataset(path)
    assert (reader[1].images, reader.keys(1)) == ((), ())
    with pytest.raises(DataError, match=r"image: got \['txt'\]; want a member .jpg .*row 1\)"):
        WebDataset(path, image="jpg")[1]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"txt": b"x"}, r"json: got \['txt'\]; want a member .json"),
        ({"json": b'{"q": '}, "JSON: got .*; want a whole JSON value"),
        ({"json": [1]}, r"json: got \[1\]; want an object"),
        ({"json": {"a": "x"}}, "json.q: got None; want a text"),
        ({"json": b"\xff"}, "json: got bytes that are not UTF-8"),
    ],
)
def test_a_damaged_row_names_its_tar_and_key(shard, members, message):
    path = shard("x.tar", ("k/7", members))
    with pytest.raises(DataError, match=message) as caught:
        WebDataset(path, text="json.q")[0]
    assert (caught.value.path, caught.value.row) == (path, "k/7")


def test_what_cannot_be_is_refused(two, tmp_path, shard):
    with pytest.raises(ConfigError, match="got none"):
        WebDataset(())
    with pytest.raises(ConfigError, match="two tars of one name"):
        WebDataset((two / "00.tar", two / "00.tar"))
    with pytest.raises(ConfigError, match="want the classes, in order"):
        WebDataset(two, labels={"class": "json.q"})
    with pytest.raises(DataError, match=r"a folder without \.tar files"):
        WebDataset(tmp_path)
    with pytest.raises(DataError, match="tar: got no rows"):
        WebDataset(shard("empty.tar"))
