import io
import struct

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError
from motet.data.readers import Idx
from motet.data.readers.idx import FASHION


def files(folder, *, images=None, labels=None):
    grey = struct.pack(">4I", 0x803, 2, 2, 3) + bytes(range(12))
    paths = folder / "t10k-images-idx3-ubyte", folder / "t10k-labels-idx1-ubyte"
    paths[0].write_bytes(grey if images is None else images)
    paths[1].write_bytes(struct.pack(">2I", 0x801, 2) + bytes([3, 9]) if labels is None else labels)
    return paths


def pixels(example):
    with Image.open(io.BytesIO(example.images[0].read())) as image:
        return np.asarray(image)


def test_grey_pixels_are_those_of_the_file(tmp_path):
    reader = Idx(*files(tmp_path), names=FASHION, name="fashion")
    assert pixels(reader[1]).tolist() == [[6, 7, 8], [9, 10, 11]]
    assert [reader.names[reader[index].labels["class"]] for index in range(2)] == ["dress", "ankle boot"]
    assert reader.keys(1) == ("fashion/1",)


def test_a_fourth_axis_is_colour(tmp_path):
    colour = struct.pack(">5I", 0x804, 2, 1, 2, 3) + bytes(range(12))
    assert pixels(Idx(*files(tmp_path, images=colour))[0]).tolist() == [[[0, 1, 2], [3, 4, 5]]]


def test_the_part_is_in_the_name(tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    assert Idx(*files(folder))[0].id == "mnist/test/0"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"images": struct.pack(">4I", 0x803, 2, 2, 3) + bytes(11)}, "values: got 11 bytes; want 12"),
        ({"images": struct.pack(">4I", 0x803, 2, 2, 3) + bytes(13)}, "values: got 13 bytes; want 12"),
        ({"images": struct.pack(">2I", 0x803, 2)}, "header: got 8 bytes; want 16"),
        ({"images": struct.pack(">4I", 0xD03, 2, 2, 3)}, "magic number: got 0x00000d03; want 0x00000803"),
        ({"images": struct.pack(">4I", 0x803, 0, 2, 3)}, "labels: got 2; want 0"),
        ({"images": struct.pack(">4I", 0x803, 2, 0, 3)}, "sizes: got"),
        ({"images": struct.pack(">5I", 0x804, 2, 1, 1, 4) + bytes(8)}, "channels: got 4; want 3"),
        ({"labels": struct.pack(">2I", 0x801, 3) + bytes(3)}, "labels: got 3; want 2, one per image"),
        ({"labels": b""}, "magic number: got 0x; want 0x00000801"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path, damage, message):
    with pytest.raises(DataError, match=message):
        Idx(*files(tmp_path, **damage))


def test_a_class_without_a_name_is_an_error_of_its_row(tmp_path):
    reader = Idx(*files(tmp_path), names=("a", "b", "c", "d"))
    assert reader[0].labels["class"] == 3
    with pytest.raises(DataError, match=r"class: got 9; want less than 4 .*row 1\)"):
        reader[1]
