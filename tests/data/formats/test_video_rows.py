import io

import numpy as np
import published_videos as published
import pytest
from PIL import Image

from motet.core import ConfigError, rng_for
from motet.data.formats.video_rows import Frames, RandomFrames
from motet.data.readers import ImageFolder, VideoList


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
