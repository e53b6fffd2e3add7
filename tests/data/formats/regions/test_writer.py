"""Files of regions that are gone on with: nothing is written twice, and nothing of another detector is mixed in."""

import json

import h5py
import numpy as np
import pytest

from motet.core import ConfigError
from motet.data.formats.regions import region_writer

MADE_BY = {"detector": "embedded", "most": 36}


@pytest.mark.parametrize("name", ["folder", "one.lmdb", "one.h5", "deep/er/one.hdf5"])
@pytest.mark.parametrize("half", [True, False])
def test_what_was_written_is_known_after_a_stop_and_read_again(tmp_path, image, regions, name, half) -> None:
    place = tmp_path / name

    def stopped() -> None:
        with region_writer(place, MADE_BY, half=half) as writer:
            writer.write("coco/9", regions)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with region_writer(place, MADE_BY, half=half) as writer:
        assert writer.has("coco/9")
        assert not writer.has("coco/10")
        writer.write("coco/10", regions)
    reader = writer.reader()
    assert (reader.width, reader.num_classes) == (8, 4)
    for image_id in ("coco/9", "coco/10"):
        found = reader.regions(image, image_id)
        assert np.array_equal(found.features, regions.features)
        assert np.array_equal(found.boxes_xyxy, regions.boxes_xyxy)
        assert found.size_hw == (40, 60)


def test_a_half_written_group_of_a_killed_run_is_written_anew(tmp_path, image, regions) -> None:
    with region_writer(tmp_path / "one.h5", MADE_BY) as writer:
        writer.write("coco/8", regions)
    with h5py.File(tmp_path / "one.h5", "a") as file:
        file.create_group(".part").create_dataset("features", data=np.zeros(3))
    with region_writer(tmp_path / "one.h5", MADE_BY) as writer:
        writer.write("coco/9", regions)
    assert len(writer.reader().regions(image, "coco/9")) == 3


def test_another_detector_number_or_precision_is_refused(tmp_path, regions) -> None:
    with region_writer(tmp_path / "out", MADE_BY) as writer:
        writer.write("coco/9", regions)
    with pytest.raises(ConfigError, match=r"regions: detector: got 'grid'; want 'embedded', with which .*out was made"):
        region_writer(tmp_path / "out", {**MADE_BY, "detector": "grid"}).__enter__()
    with pytest.raises(ConfigError, match="regions: half: got False; want True"):
        region_writer(tmp_path / "out", MADE_BY, half=False).__enter__()


def test_a_place_that_holds_something_else_is_left_alone(tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"got .*out without out.json; want another place"):
        region_writer(tmp_path / "out", MADE_BY).__enter__()
    (tmp_path / "other.json").write_text("{")
    with pytest.raises(ConfigError, match="want the JSON that this command wrote"):
        region_writer(tmp_path / "other", MADE_BY).__enter__()
    with pytest.raises(ConfigError, match=r"got the ending '.tsv'; want none \(a folder\), .lmdb or .h5"):
        region_writer(tmp_path / "out.tsv", MADE_BY)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="want a place to write"):
        region_writer(tmp_path / "file" / "out", MADE_BY).__enter__()


def test_what_made_it_stands_beside_it(tmp_path) -> None:
    with region_writer(tmp_path / "out.lmdb", MADE_BY):
        pass
    assert json.loads((tmp_path / "out.lmdb.json").read_text()) == {**MADE_BY, "half": True}
