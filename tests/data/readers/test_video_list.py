import published_videos as published
import pytest

from motet.core import DataError
from motet.data.readers import VideoList


def test_a_list_may_have_a_header_or_spaces(tmp_path):
    table, _ = published.write_list(tmp_path)
    plain = VideoList(table)
    assert (plain.names, plain[1].labels) == (("fight", "noFight"), {"class": 1})
    headed = published.text(tmp_path / "val.csv", "path,label\n" + table.read_text())
    spaced = published.text(tmp_path / "val.txt", table.read_text().replace(",", " "))
    assert [len(VideoList(one)) for one in (headed, spaced)] == [2, 2]
    assert plain[0].id.endswith("/train/fight/001.mp4")
    assert plain.keys(0)[0].endswith("/fight/001.mp4/0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("fight/001.mp4\n", "want a path and a class"),
        ("../001.mp4,fight\n", "want a file inside"),
        ("path,label\n", "videos: got none"),
    ],
)
def test_a_broken_list_is_an_error(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        VideoList(published.text(tmp_path / "train.csv", content))


def test_another_class_than_those_given_is_an_error(tmp_path):
    table, _ = published.write_list(tmp_path)
    with pytest.raises(DataError, match=r"class: got 'noFight'; want one of the given names.*row 1"):
        VideoList(table, names=("fight",))
