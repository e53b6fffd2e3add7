from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.map_files import EdgeMap
from motet.data.formats.map_rows import MapRow, image_names, map_example


def test_names_are_sorted_images_with_the_ending(tmp_path, image, write):
    for name in ("b_rgb.png", "a_rgb.png", "a_depth.png", ".c_rgb.png"):
        image(tmp_path / name)
    write(tmp_path / "list_rgb.txt", "")
    assert image_names(tmp_path, "_rgb.png") == ["a_rgb.png", "b_rgb.png"]
    with pytest.raises(DataError, match=r"images: got none called \*_left.png; want at least one"):
        image_names(tmp_path, "_left.png")


def test_a_missing_map_is_an_error_of_the_row_before_anything_is_decoded(tmp_path, image, write):
    file = image(tmp_path / "a.png")
    broken = write(tmp_path / "edges.png", "no image")
    row = MapRow("set/a", "a", file, (("edges", EdgeMap(broken)),))
    example = map_example(row, path=tmp_path, index=4)
    assert (example.id, example.image_ids, list(example.labels)) == ("set/a", ("a",), ["edges"])
    lost = row._replace(maps=(("edges", EdgeMap(Path("lost.png"))),))
    with pytest.raises(DataError, match=r"image: got no file lost.png; want .*row 4\)"):
        map_example(lost, path=tmp_path, index=4)
