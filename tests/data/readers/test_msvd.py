import io

import numpy as np
import published_videos as published
from PIL import Image

from motet.data.formats.video_rows import Frames
from motet.data.readers import Msvd


def shades(example):
    """Which frame of the video each image is, by its grey."""
    images = [np.asarray(Image.open(io.BytesIO(image.read()))) for image in example.images]
    return [round((float(image.mean()) - 20) / 20) for image in images]


def test_msvd_has_all_captions_of_a_video(tmp_path):
    table, files = published.write_msvd(tmp_path)
    reader = Msvd(table, tmp_path / "YouTubeClips", frames=Frames(2))
    assert reader[0].labels["captions"] == ("a man runs", "a squirrel eats")
    assert shades(reader[0]) == [1, 4]
    assert reader.keys(0) == ("youtube/-4wsuPCjDBc_5_15/0", "youtube/-4wsuPCjDBc_5_15/1")
    listed = published.text(tmp_path / "val_list.txt", f"{files[1].name}\n")
    assert Msvd(table, tmp_path / "YouTubeClips", listed)[0].id == "msvd/val_list/vtT7uOUXOyI_1_9"
