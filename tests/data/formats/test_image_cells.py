from pathlib import Path

import pytest

from motet.core import DataError, DiskImage, MemoryImage
from motet.data.formats.image_cells import CellContext, cell_ids, cell_images


@pytest.fixture
def where(tmp_path, image):
    image(tmp_path / "images" / "a.jpg")
    return CellContext(tmp_path / "t.parquet", tmp_path / "images", "t", "images")


def test_a_cell_is_a_path_or_bytes_or_both(where, jpeg):
    on_disk, in_memory = DiskImage(where.root / "a.jpg"), MemoryImage(f"{where.path}, row 3", jpeg)
    assert cell_images(["a.jpg"], where, 3) == (on_disk,)
    assert cell_images([{"bytes": None, "path": "a.jpg"}], where, 3) == (on_disk,)
    assert cell_images([jpeg], where, 3) == (in_memory,)
    assert cell_images([{"bytes": jpeg, "path": "a.jpg"}], where, 3) == (in_memory,)
    assert cell_images([["a.jpg", jpeg], "a.jpg"], where, 3) == (on_disk, in_memory, on_disk)


def test_ids_are_paths_or_rows(where, jpeg):
    assert cell_ids(["a.jpg"], where, 3) == ("images/a.jpg",)
    assert cell_ids([jpeg], where, 3) == ("t/3",)
    assert cell_ids([["a.jpg", jpeg]], where, 3) == ("images/a.jpg", "t/3.1")
    assert cell_ids([], where, 3) == ()


@pytest.mark.parametrize("cell", ["", None, b"", 7, {"bytes": None, "path": None}, {"bytes": b"", "path": "a.jpg"}, {}])
def test_a_cell_without_an_image_is_an_error_of_its_row_and_has_an_id(where, cell):
    with pytest.raises(DataError, match=r"image: got .*; want a path or encoded bytes .*row 3\)"):
        cell_images([cell], where, 3)
    assert cell_ids([cell], where, 3) in (("t/3",), ("images/a.jpg",))


def test_nothing_outside_the_root_is_read(where):
    for cell in ("../t.parquet", str(Path("/etc/hostname"))):
        with pytest.raises(DataError, match="want a file inside"):
            cell_images([cell], where, 0)
        assert cell_ids([cell], where, 0) == ("t/0",)
