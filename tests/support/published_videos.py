"""Small videos, encoded where a test wants them, in the layouts that data sets of videos are published in."""

from pathlib import Path

import av
import numpy as np


def video(path: Path, num_frames: int = 6, size_hw: tuple[int, int] = (32, 48), codec: str = "mpeg4") -> Path:
    """A video whose frames are grey: frame k has the shade 20 + 20 k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = size_hw
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=6)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for place in range(num_frames):
            pixels = np.full((height, width, 3), (20 + 20 * place) % 240, dtype=np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())
    return path


def text(path: Path, content: str) -> Path:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def write_list(root: Path, part: str = "train") -> tuple[Path, list[Path]]:
    """Two videos in class folders, and a list of them without a header."""
    files = [video(root / kind / "001.mp4") for kind in ("fight", "noFight")]
    return text(
        root / f"{part}.csv", "".join(f"{file.parent.name}/001.mp4,{file.parent.name}\n" for file in files)
    ), files


def write_classes(root: Path, kinds: tuple[str, ...] = ("jump", "run"), count: int = 1) -> list[Path]:
    """Videos in class folders; those of different kinds show different frames."""
    return [
        video(root / kind / f"{number}.mp4", num_frames=4 + 2 * place)
        for place, kind in enumerate(kinds)
        for number in range(count)
    ]


def write_kinetics(root: Path, split: str = "train") -> list[Path]:
    """Two videos, cut from YouTube's."""
    places = ("abseiling/abcdefghijk_000010_000020.mp4", "air_drumming/-_cdefghijk_000000_000010.mp4")
    return [video(root / split / place) for place in places]


def write_msvd(root: Path) -> tuple[Path, list[Path]]:
    """Two videos with captions, one of them with two."""
    files = [video(root / "YouTubeClips" / f"{name}.avi") for name in ("-4wsuPCjDBc_5_15", "vtT7uOUXOyI_1_9")]
    lines = ["# corpus", "", *(f"{file.stem} a man runs" for file in files), f"{files[0].stem} a squirrel eats"]
    return text(root / "AllVideoDescriptions.txt", "\n".join(lines) + "\n"), files
