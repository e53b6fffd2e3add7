"""Videos with captions: the form of the lines, split lists, and lines that are something else."""

from pathlib import Path

import published_videos as published
import pytest
from user_folders import write

from motet.data.detect import detect
from motet.data.detect.survey import survey_folder
from motet.data.detect.video_captions import find_captioned_videos

NAMES = ("aaaaaaaaaaa_0_5", "bbbbbbbbbbb_3_9")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        published.video(tmp_path / "videos" / f"{name}.mp4")
    write(tmp_path / "captions.txt", "# a comment\n" + "".join(f"{name} a dog runs\n" for name in NAMES))
    return tmp_path


def test_captions_are_for_captioning_and_retrieval(folder: Path) -> None:
    assert [(one.reader, one.kind, one.rows) for one in detect(folder)] == [
        ("Msvd", "video captioning", 2),
        ("Msvd", "video retrieval", 2),
    ]


def test_lists_of_names_are_splits(folder: Path) -> None:
    write(folder / "train_list.txt", f"{NAMES[0]}.mp4\n")
    write(folder / "test_list.txt", f"{NAMES[1]}\n")
    captioning = [one for one in detect(folder) if one.kind == "video captioning"]
    assert [(one.split, one.rows) for one in captioning] == [("test", 1), ("train", 1)]


def test_without_the_videos_one_entry_has_the_problem(tmp_path: Path) -> None:
    write(tmp_path / "captions.txt", f"{NAMES[0]} a dog runs\n")
    (found,) = find_captioned_videos(survey_folder(tmp_path))
    assert f"got no folder with the video {NAMES[0]}" in found.problems[0]


@pytest.mark.parametrize("lines", ["{0} 3\n", "{0}.mp4 a dog runs\n", "some words of a text\n"])
def test_other_lines_are_no_captions(folder: Path, lines: str) -> None:
    write(folder / "captions.txt", lines.format(NAMES[0]))
    assert list(find_captioned_videos(survey_folder(folder))) == []
