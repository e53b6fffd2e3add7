import gc
import io
import pickle
import struct
from pathlib import Path

import av
import numpy as np
import published_videos as published
import pytest
from PIL import Image

from motet.core import ConfigError, DataError
from motet.data.formats import video_file
from motet.data.formats.video_file import num_frames
from motet.data.formats.video_rows import Frames
from motet.data.readers import VideoList


def shades(example):
    """Which frame of the video each image is, by its grey."""
    images = [np.asarray(Image.open(io.BytesIO(image.read()))) for image in example.images]
    return [round((float(image.mean()) - 20) / 20) for image in images]


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


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux lists them")
def test_a_decoded_frame_leaves_no_threads_for_which_a_forked_worker_would_wait(tmp_path):
    published.write_list(tmp_path)
    gc.collect()  # of the encoder
    before = len(list(Path("/proc/self/task").iterdir()))
    frames = list(video_file._frames(next(tmp_path.rglob("*.mp4"))))
    pixels = [video_file._ppm(frame, 16) for frame in frames]
    assert len(pixels) == 6
    assert len(list(Path("/proc/self/task").iterdir())) == before


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


def test_a_playlist_opens_nothing(tmp_path):
    published.video(tmp_path / "other.mp4")
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n"
    for content in (playlist, "ffconcat version 1.0\nfile other.mp4\n"):
        (tmp_path / "a.mp4").write_text(content)
        with pytest.raises(DataError, match=r"video: got .*; want a video \(.*a.mp4\)"):
            num_frames(tmp_path / "a.mp4")


def test_frames_that_are_too_large_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(video_file, "MAX_PIXELS", 1000)
    path = published.video(tmp_path / "a.mp4", size_hw=(32, 48))
    with pytest.raises(DataError, match=r"video: got 48 x 32 pixels; want at most 1,000 pixels a frame \(.*a.mp4\)"):
        num_frames(path)


QUARTERS = {  # a, b, c, d of the matrix in a file's header -> the corners as shown, from those as stored (1 2 / 3 4)
    (1, 0, 0, 1): [[1, 2], [3, 4]],
    (0, 1, -1, 0): [[3, 1], [4, 2]],  # an upright phone
    (-1, 0, 0, -1): [[4, 3], [2, 1]],
    (0, -1, 1, 0): [[2, 4], [1, 3]],
    (-1, 0, 0, 1): [[2, 1], [4, 3]],  # mirrored, as some phones store the camera of the front
    (0, 1, 1, 0): [[1, 3], [2, 4]],
}


def turned(path, matrix):
    """A video of a grey in each corner (60, 120, 180, 240), with a matrix in its track's header."""
    corners = np.kron(np.array([[60, 120], [180, 240]], np.uint8), np.ones((32, 48), np.uint8))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=6)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.dstack([corners] * 3), format="rgb24")))
        out.mux(stream.encode())
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    a, b, c, d = (value * 0x10000 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("matrix", QUARTERS, ids=str)
def test_frames_come_as_a_player_shows_them(tmp_path, matrix):
    clip = video_file.Clip(turned(tmp_path / "a.mp4", matrix), (0.5,))
    image = np.asarray(Image.open(io.BytesIO(video_file.VideoFrame(clip, 0).read())).convert("L")).astype(float)
    sideways = matrix[0] == 0
    assert image.shape == ((96, 64) if sideways else (64, 96))
    height, width = (side // 2 for side in image.shape)
    shown = [[image[y : y + height, x : x + width].mean() / 60 for x in (0, width)] for y in (0, height)]
    assert np.round(shown).tolist() == QUARTERS[matrix]


def test_a_turned_video_is_made_smaller_by_the_side_that_is_shown(tmp_path):
    path = turned(tmp_path / "a.mp4", (0, 1, -1, 0))
    frame = video_file.VideoFrame(video_file.Clip(path, (0.5,), short_side=32), 0)
    assert frame.head().startswith(b"P6\n32 48\n")
    assert len(frame.read()) == len(b"P6\n32 48\n255\n") + 32 * 48 * 3


def test_a_clip_with_a_stride_is_in_the_middle_or_anywhere_and_begins_again_at_the_end() -> None:
    frames = Frames(4, stride=30)
    middle = video_file.Clip(Path("x"), frames.positions(), stride=frames.stride)
    # At 10 frames per second a stride of 30 at 30 is one of 10.
    assert video_file.frame_places(middle, 101, 10.0) == [35, 45, 55, 65]
    starts = {
        video_file.frame_places(
            video_file.Clip(Path("x"), frames.positions(np.random.default_rng(seed)), stride=30), 101, 10.0
        )[0]
        for seed in range(300)
    }
    assert min(starts) < 5
    assert max(starts) == 69
    assert video_file.frame_places(middle, 15, 10.0) == [0, 10, 5, 0]


def test_frames_of_one_clip_have_names_of_their_own(tmp_path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"video")
    clip = video_file.Clip(path, (0.5,) * 3, stride=8)
    frames = [video_file.VideoFrame(clip, place) for place in range(3)]
    assert len({frame.stamp() for frame in frames}) == len({frame.fingerprint() for frame in frames}) == 3
