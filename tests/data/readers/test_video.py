"""Videos that the test encodes itself: which frames are read, in how many passes, and what a broken file says."""

import io
import pickle

import av
import numpy as np
import published_videos as published
import pytest
from PIL import Image

from motet.core import ConfigError, DataError, rng_for
from motet.data.formats import video_file
from motet.data.formats.video_file import num_frames
from motet.data.formats.video_rows import Frames, RandomFrames
from motet.data.readers import ImageFolder, Kinetics, Msvd, VideoFolder, VideoList


def shades(example):
    """Which frame of the video each image is, by its grey."""
    images = [np.asarray(Image.open(io.BytesIO(image.read()))) for image in example.images]
    return [round((float(image.mean()) - 20) / 20) for image in images]


@pytest.mark.parametrize(("count", "places"), [(1, [3]), (3, [1, 3, 5]), (6, [0, 1, 2, 3, 4, 5]), (2, [1, 4])])
def test_frames_lie_in_the_middle_of_equal_stretches(tmp_path, count, places):
    table, _ = published.write_list(tmp_path)
    assert shades(VideoList(table, frames=Frames(count))[0]) == places


def test_a_short_video_has_some_frames_twice(tmp_path):
    table, files = published.write_list(tmp_path)
    published.video(files[0], num_frames=2)
    assert shades(VideoList(table, frames=Frames(4))[0]) == [0, 0, 1, 1]


def test_all_frames_of_a_row_are_decoded_in_one_pass_that_ends_with_the_last(tmp_path, monkeypatch):
    table, _ = published.write_list(tmp_path)
    passes = []
    real = video_file._frames

    def counted(path):
        passes.append(0)
        for frame in real(path):
            passes[-1] += 1
            yield frame

    monkeypatch.setattr(video_file, "_frames", counted)
    example = VideoList(table, frames=Frames(2))[0]
    assert passes == []
    assert shades(example) == shades(pickle.loads(pickle.dumps(example))) == [1, 4]
    assert passes == [5]


def test_frames_are_made_smaller_and_keep_their_shape(tmp_path):
    table, _ = published.write_list(tmp_path)
    frame = VideoList(table, frames=Frames(1, short_side=16))[0].images[0]
    assert frame.read().startswith(b"P6\n24 16\n255\n")
    assert len(frame.read()) == len(b"P6\n24 16\n255\n") + 24 * 16 * 3
    assert VideoList(table, frames=Frames(1, short_side=99))[0].images[0].head().startswith(b"P6\n48 32\n")
    with pytest.raises(ConfigError, match="want one frame or more"):
        Frames(0)


def test_a_frame_is_known_by_the_content_of_its_file_and_its_place(tmp_path):
    first = VideoList(published.write_list(tmp_path / "a")[0], frames=Frames(2))[0].images
    second = VideoList(published.write_list(tmp_path / "b")[0], frames=Frames(2))[0].images
    assert [one.fingerprint() for one in first] == [one.fingerprint() for one in second]
    assert first[0].fingerprint() != first[1].fingerprint()
    assert first[0].stamp() != second[0].stamp()


def test_training_draws_frames_anew_one_of_each_stretch(tmp_path):
    table, _ = published.write_list(tmp_path)
    reader, compose = VideoList(table, frames=Frames(2)), RandomFrames()
    drawn = [tuple(shades(compose(reader, 0, rng_for("frames", seed)))) for seed in range(8)]
    assert len(set(drawn)) > 2
    assert all(0 <= first <= 2 < second <= 5 for first, second in drawn)
    assert drawn[0] == tuple(shades(compose(reader, 0, rng_for("frames", 0))))
    assert compose(reader, 0, rng_for("frames", 0)).labels == reader[0].labels
    Image.new("RGB", (2, 2)).save(published.text(tmp_path / "kinds" / "cat" / "1.png", ""))
    with pytest.raises(ConfigError, match="which is not a row of a video file"):
        compose(ImageFolder(tmp_path / "kinds"), 0, rng_for("frames", 0))


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
    with pytest.raises(DataError, match=r"class folder: got no videos; want at least one \(.*walk\)"):
        VideoFolder(tmp_path / "val")
    with pytest.raises(DataError, match="class folders: got no videos; want root/class"):
        VideoFolder(tmp_path / "val" / "swim")


def test_kinetics_by_class_folders_and_by_its_table(tmp_path):
    published.write_kinetics(tmp_path)
    reader = Kinetics(tmp_path)
    assert reader.names == ("abseiling", "air drumming")
    assert reader[0].id == "kinetics/train/abcdefghijk_000010_000020"
    table = published.text(
        tmp_path / "train.csv",
        "label,youtube_id,time_start,time_end,split\n"
        "air drumming,-_cdefghijk,0,10,train\nabseiling,notherehere,5,15,train\n",
    )
    listed = Kinetics(tmp_path, annotations=table, names=reader.names)
    assert [(row.id, row.labels["class"]) for row in (listed[0],)] == [("kinetics/train/-_cdefghijk_000000_000010", 1)]
    assert len(listed) == 1
    published.text(table, "label,video\n")
    with pytest.raises(DataError, match="want youtube_id in it"):
        Kinetics(tmp_path, annotations=table)


def test_msvd_has_all_captions_of_a_video(tmp_path):
    table, files = published.write_msvd(tmp_path)
    reader = Msvd(table, tmp_path / "YouTubeClips", frames=Frames(2))
    assert reader[0].labels["captions"] == ("a man runs", "a squirrel eats")
    assert shades(reader[0]) == [1, 4]
    assert reader.keys(0) == ("youtube/-4wsuPCjDBc_5_15/0", "youtube/-4wsuPCjDBc_5_15/1")
    listed = published.text(tmp_path / "val_list.txt", f"{files[1].name}\n")
    assert Msvd(table, tmp_path / "YouTubeClips", listed)[0].id == "msvd/val_list/vtT7uOUXOyI_1_9"


def silent(path):
    """A sound without images."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())


def frameless(path):
    """The header of a video, and nothing in it."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=6)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        out.start_encoding()


def cut(path):
    """A video whose second half did not arrive."""
    whole = published.video(path, num_frames=60, size_hw=(64, 96)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("text.mp4", lambda path: path.write_text("no video")),
        ("empty.mp4", lambda path: path.write_bytes(b"")),
        ("sound.wav", silent),
        ("frameless.avi", frameless),
        ("cut.mp4", cut),
        ("cut.avi", cut),
    ],
)
def test_a_broken_video_is_an_error_of_its_row_that_names_it(tmp_path, name, damage):
    path = tmp_path / "fight" / name
    path.parent.mkdir()
    damage(path)
    table = published.text(tmp_path / "train.csv", f"fight/{name},fight\nfight/whole.mp4,fight\n")
    published.video(tmp_path / "fight" / "whole.mp4")
    # A sound's name is no video's: the list would take its line for a header.
    reader = VideoList(published.text(table, "path,label\n" + table.read_text()), frames=Frames(2))
    assert shades(reader[1]) == [1, 4]
    with pytest.raises(DataError, match=r"video: got .*; want") as caught:
        reader[0].images[0].read()
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mpeg4"), ("a.avi", "mpeg4"), ("a.mkv", "mpeg2video")])
def test_frames_are_counted_without_decoding(tmp_path, name, codec):
    assert num_frames(published.video(tmp_path / name, num_frames=7, codec=codec)) == 7
