"""Missing splits are cut from few images without an empty one."""

from __future__ import annotations

from PIL import Image

from motet.core import Example
from motet.data.readers import ImageFolder
from motet.scaffold.choose_split import choose_split


def pictures(folder, count):
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (8, 8), (20 * index, 0, 99)).save(folder / f"{index}.png")


def test_a_cut_of_a_few_images_has_no_empty_part_and_of_two_has_fewer_parts(tmp_path):
    pictures(tmp_path / "few" / "cat", 4)
    pictures(tmp_path / "few" / "dog", 4)
    one = ImageFolder(tmp_path / "few")
    shares, _ = choose_split(one, ["val", "test"])
    assert list(shares) == ["train", "val", "test"]
    pictures(tmp_path / "two" / "cat", 1)
    pictures(tmp_path / "two" / "dog", 1)
    shares, _ = choose_split(ImageFolder(tmp_path / "two"), ["val", "test"])
    assert list(shares) == ["train", "val"]


def test_a_part_of_many_rows_has_about_a_thousand():
    class Many:
        def keys(self, index):
            return (str(index),)

        def __len__(self):
            return 20_000

        def __getitem__(self, index):
            return Example(id=str(index))

    shares, _ = choose_split(Many(), ["val"])
    assert shares == {"train": 0.95, "val": 0.05}
