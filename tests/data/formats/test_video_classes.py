import pytest

from motet.core import DataError
from motet.data.formats.video_classes import (
    VideoClass,
    sorted_class_names,
    videos_in_class_folders,
    with_class_indices,
)

VIDEOS = [VideoClass("run/1.mp4", "run"), VideoClass("fly/2.avi", "fly"), VideoClass("run/3.mp4", "run")]


def test_class_folders_give_their_videos_and_nothing_else(tmp_path, write):
    for name in ("run/2.mp4", "run/1.MP4", "run/notes.txt", "fly_high/3.avi", "4.mp4"):
        write(tmp_path / name, "")
    assert videos_in_class_folders(tmp_path) == [
        VideoClass("fly_high/3.avi", "fly_high"),
        VideoClass("run/1.MP4", "run"),
        VideoClass("run/2.mp4", "run"),
    ]


def test_indices_follow_the_names(tmp_path):
    assert sorted_class_names(VIDEOS) == ("fly", "run")
    assert with_class_indices(VIDEOS, ("run", "swim", "fly"), tmp_path) == (
        ("run/1.mp4", 0),
        ("fly/2.avi", 2),
        ("run/3.mp4", 0),
    )


def test_a_class_without_a_name_is_an_error_of_its_row(tmp_path):
    with pytest.raises(DataError, match=r"class: got 'fly'; want one of the given names \(.*row 1\)"):
        with_class_indices(VIDEOS, ("run",), tmp_path)
