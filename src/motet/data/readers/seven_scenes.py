"""7-Scenes' RGB-D frames: a scene with `seq-01/frame-000000.color.png`, or one flat folder of frames."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from motet.core import ConfigError, DataError, Example
from motet.data.formats.depth_normals import Camera, NormalsOfDepth
from motet.data.formats.map_files import DepthMap, MapFile, NormalMap
from motet.data.formats.map_rows import MapRow, map_example
from motet.data.formats.paths import default_name, file_names, path_inside
from motet.data.formats.text_file import read_lines

Normals: TypeAlias = Literal["", "depth", "file"]
KINECT = Camera(585.0, 585.0, 320.0, 240.0)
"""The camera that 7-Scenes' page gives for its frames of 640 x 480 pixels."""
_MILLIMETRES, _INVALID = 0.001, (0, 65535)
_STORED_SIGNS = (1, 1, -1)
_SEQUENCE = re.compile(r"(?:sequence|seq-?)0*(\d{1,18})", re.IGNORECASE)
_LISTS = {"train": "TrainSplit.txt", "test": "TestSplit.txt"}


@dataclass(frozen=True)
class SevenScenes:
    """Frames of a Kinect with their depth in millimetres; labels: "depth", and optionally "normals".

    Two layouts. The published one: a scene's folder with `TrainSplit.txt`, `TestSplit.txt` (sequences) and
    `seq-01/frame-000000.{color,depth}.png`. A flat one: `data/frame-000000.color.jpg`, `.depth.png`, with lists of
    frames in `train.txt`, `val.txt`. Depth 0 and 65535 are invalid. Colour and depth are only roughly registered.

    Args:
        root: the scene's folder, or the one with `data/`.
        split: "train", "test" (or another list beside `data/`); None for all frames.
        normals: "" for none; "depth" to compute them from the depth (see `normals_from_depth`); "file" for those in
            `derived_normal/` of the flat layout, stored with z away from the camera, which may be a whole number of
            times smaller than the images.
        camera: for normals from depth; by default `data/camera-intrinsics.txt` where it exists, else `KINECT`.
        name: prefix of Example ids; by default the folder's name and the split.

    Raises:
        DataError: no such folder or list, no frames, or a broken file of intrinsics.
        ConfigError: an unknown value of `normals`.
    """

    root: Path | str
    split: str | None = "train"
    normals: Normals = ""
    camera: Camera | None = None
    name: str = ""
    _frames: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _intrinsics: Camera = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.normals not in ("", "depth", "file"):
            raise ConfigError(f"SevenScenes.normals: got {self.normals!r}; want '', 'depth' or 'file'")
        root = Path(self.root)
        flat = (root / "data").is_dir()
        frames = _flat_frames(root, self.split) if flat else _sequence_frames(root, self.split)
        if not frames:
            raise DataError("frames: got none; want frame-000000.color.png or .jpg", path=root)
        object.__setattr__(self, "_frames", tuple(frames))
        intrinsics = root / "data" / "camera-intrinsics.txt"
        camera = self.camera or (_camera(intrinsics) if intrinsics.is_file() else KINECT)
        object.__setattr__(self, "_intrinsics", camera)

    def __len__(self) -> int:
        return len(self._frames)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{default_name(Path(self.root))}/{self._frames[index].partition('.')[0].removeprefix('data/')}",)

    def __getitem__(self, index: int) -> Example:
        root, (key,) = Path(self.root), self.keys(index)
        image, stem = root / self._frames[index], self._frames[index].partition(".")[0]
        depth = DepthMap(root / f"{stem}.depth.png", _MILLIMETRES, _INVALID)
        maps: list[tuple[str, MapFile]] = [("depth", depth)]
        if self.normals == "depth":
            maps.append(("normals", NormalsOfDepth(depth, self._intrinsics)))
        if self.normals == "file":
            stored = root / "derived_normal" / f"{Path(stem).name}.normal.png"
            maps.append(("normals", NormalMap(stored, _STORED_SIGNS, like_image=image)))
        frame = key.removeprefix(f"{default_name(root)}/")
        prefix = self.name or f"{default_name(root)}/{self.split or 'all'}"
        return map_example(MapRow(f"{prefix}/{frame}", key, image, tuple(maps)), path=root, index=index)


def _flat_frames(root: Path, split: str | None) -> list[str]:
    by_stem = {name.partition(".")[0]: name for name in file_names(root / "data") if ".color." in name}
    if split is None:
        return [f"data/{name}" for name in by_stem.values()]
    path, frames = root / f"{split}.txt", []
    for row, line in enumerate(read_lines(path)):
        stem = line.strip().partition(".")[0]
        if stem:
            frames.append(f"data/{by_stem.get(path_inside(root, stem, path=path, row=row), f'{stem}.color.png')}")
    return frames


def _sequence_frames(root: Path, split: str | None) -> list[str]:
    folders = {int(found[1]): name for name in file_names(root) if (found := _SEQUENCE.fullmatch(name))}
    numbers = sorted(folders) if split is None else _listed(root / _LISTS.get(split, f"{split}.txt"))
    frames = []
    for number in numbers:
        folder = folders.get(number, f"seq-{number:02d}")
        frames += [f"{folder}/{name}" for name in file_names(root / folder) if ".color." in name]
    return frames


def _listed(path: Path) -> list[int]:
    numbers = []
    for row, line in enumerate(read_lines(path)):
        if line.strip():
            found = _SEQUENCE.fullmatch(line.strip())
            if found is None:
                raise DataError(f"sequence: got {line[:40]!r}; want a line such as sequence1", path=path, row=row)
            numbers.append(int(found[1]))
    return numbers


def _camera(path: Path) -> Camera:
    cells = [line.split() for line in read_lines(path) if line.strip()]
    try:
        (focal_x, _, centre_x), (_, focal_y, centre_y) = ([float(cell) for cell in row] for row in cells[:2])
    except ValueError as error:
        raise DataError(f"intrinsics: got {cells[:2]}; want a matrix of 3 x 3 numbers", path=path) from error
    return Camera(focal_x, focal_y, centre_x, centre_y)
