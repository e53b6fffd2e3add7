import published_videos as published
import pytest

from motet.core import DataError
from motet.data.formats.video_rows import Frames
from motet.data.readers import VideoFolder


def test_class_folders_are_the_classes_and_other_parts_share_them(tmp_path):
    published.write_classes(tmp_path / "train", ("jump", "run", "swim"))
    published.write_classes(tmp_path / "val", ("swim",), count=2)
    train = VideoFolder(tmp_path / "train", frames=Frames(2))
    assert (train.names, train[1].labels, train[1].id) == (
        ("jump", "run", "swim"),
        {"class": 1},
        f"{tmp_path.name}/train/run/0.mp4",
    )
    assert train.keys(2) == (f"{tmp_path.name}/train/swim/0.mp4/0", f"{tmp_path.name}/train/swim/0.mp4/1")
    val = VideoFolder(tmp_path / "val", names=train.names, name="mine")
    assert [(row.id, row.labels["class"]) for row in (val[0], val[1])] == [
        ("mine/swim/0.mp4", 2),
        ("mine/swim/1.mp4", 2),
    ]
    with pytest.raises(DataError, match=r"class: got 'jump'; want one of the given names"):
        VideoFolder(tmp_path / "train", names=("run", "swim"))
    (tmp_path / "val" / "walk").mkdir()
    assert VideoFolder(tmp_path / "val").names == ("swim",)
    with pytest.raises(DataError, match="class folders: got no videos; want root/class"):
        VideoFolder(tmp_path / "val" / "swim")
