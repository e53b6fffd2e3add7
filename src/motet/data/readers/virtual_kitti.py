"""Virtual KITTI 2: `Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg`, with depth and classes in parallel folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from motet.core import ConfigError, DataError, Example
from motet.data.class_names.cityscapes import CITYSCAPES_NAMES, cityscapes_class
from motet.data.formats.depth_normals import Camera, NormalsOfDepth
from motet.data.formats.map_files import INVALID, ColourMap, DepthMap, MapFile
from motet.data.formats.map_rows import MapRow, image_names, map_example
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import file_names
from motet.data.formats.text_file import read_lines

VKITTI_NAMES = (
    "Terrain", "Sky", "Tree", "Vegetation", "Building", "Road", "GuardRail", "TrafficSign", "TrafficLight", "Pole",
    "Misc", "Truck", "Car", "Van",
)  # fmt: skip
_IN_CITYSCAPES = {
    "Terrain": "terrain", "Sky": "sky", "Tree": "vegetation", "Vegetation": "vegetation", "Building": "building",
    "Road": "road", "TrafficSign": "traffic sign", "TrafficLight": "traffic light", "Pole": "pole", "Truck": "truck",
    "Car": "car", "Van": "car",
}  # fmt: skip
_CENTIMETRES, _SKY = 0.01, 65535
Colours: TypeAlias = tuple[tuple[tuple[int, int, int], int], ...]
Cameras: TypeAlias = dict[tuple[int, int], Camera]


class _Frame(NamedTuple):
    scene: str
    variation: str
    camera: str
    number: str


@dataclass(frozen=True)
class VirtualKitti2:
    """Rendered drives; labels: "segmentation", "depth" (sky is invalid), and optionally "normals".

    A row has the annotations whose folders exist. The `colors.txt` of each variation maps colours to classes.

    Args:
        root: the folder with `Scene01/`.
        scenes: the scenes that are read, such as ("Scene01", "Scene02"); by default all. There are no official parts.
        variations: "clone", "fog", "15-deg-left", ...; the clones by default.
        cameras: "Camera_0" is the left one.
        classes: "own": its 14 classes; "cityscapes": the 19 of Cityscapes, of which it has 10; a van is a car there,
            and guard rails and the rest are invalid.
        normals: "" for none; "depth" to compute them from the depth (see `normals_from_depth`) with `intrinsic.txt`.
        name: prefix of Example ids.

    Raises:
        DataError: no such folder, scene or variation, or no frame in any.
        ConfigError: an unknown value of `classes` or `normals`.
    """

    root: Path | str
    scenes: tuple[str, ...] = ()
    variations: tuple[str, ...] = ("clone",)
    cameras: tuple[str, ...] = ("Camera_0",)
    classes: Literal["own", "cityscapes"] = "own"
    normals: Literal["", "depth"] = ""
    name: str = "vkitti2"
    _frames: tuple[_Frame, ...] = field(init=False, repr=False, compare=False)
    _colours: dict[Path, Colours] = field(init=False, repr=False, compare=False)
    _cameras: dict[Path, Cameras] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.classes not in ("own", "cityscapes") or self.normals not in ("", "depth"):
            got = f"classes {self.classes!r}, normals {self.normals!r}"
            raise ConfigError(f"VirtualKitti2: got {got}; want 'own' or 'cityscapes', '' or 'depth'")
        root = Path(self.root)
        scenes = self.scenes or tuple(name for name in file_names(root) if name.startswith("Scene"))
        frames = [
            _Frame(scene, variation, camera, Path(name).stem.removeprefix("rgb_"))
            for scene in scenes
            for variation in self.variations
            for camera in self.cameras
            for name in image_names(root / scene / variation / "frames" / "rgb" / camera)
        ]
        if not frames:
            raise DataError("scenes: got none; want Scene01 or another", path=root)
        drives = list(dict.fromkeys(root / frame.scene / frame.variation for frame in frames))
        coloured = [drive for drive in drives if (drive / "frames" / "classSegmentation").is_dir()]
        colours = {drive: _colours(drive / "colors.txt", self.classes == "cityscapes") for drive in coloured}
        cameras = {drive: _cameras(drive / "intrinsic.txt") for drive in drives} if self.normals else {}
        object.__setattr__(self, "_frames", tuple(frames))
        object.__setattr__(self, "_colours", colours)
        object.__setattr__(self, "_cameras", cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return VKITTI_NAMES if self.classes == "own" else CITYSCAPES_NAMES

    def __len__(self) -> int:
        return len(self._frames)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return ("vkitti2/" + "/".join(self._frames[index]),)

    def __getitem__(self, index: int) -> Example:
        frame, (key,) = self._frames[index], self.keys(index)
        folder = Path(self.root) / frame.scene / frame.variation
        image = folder / "frames" / "rgb" / frame.camera / f"rgb_{frame.number}.jpg"
        row = MapRow(f"{self.name}/{'/'.join(frame)}", key, image, tuple(self._maps(folder, frame)))
        return map_example(row, path=folder, index=index)

    def _maps(self, folder: Path, frame: _Frame) -> list[tuple[str, MapFile]]:
        frames = folder / "frames"
        maps: list[tuple[str, MapFile]] = []
        if folder in self._colours:
            stored = frames / "classSegmentation" / frame.camera / f"classgt_{frame.number}.png"
            maps.append(("segmentation", ColourMap(stored, self._colours[folder])))
        if (frames / "depth").is_dir():
            file = frames / "depth" / frame.camera / f"depth_{frame.number}.png"
            depth = DepthMap(file, _CENTIMETRES, (0, _SKY))
            maps.append(("depth", depth))
            if self.normals:
                maps.append(("normals", NormalsOfDepth(depth, self._camera(folder, frame))))
        return maps

    def _camera(self, folder: Path, frame: _Frame) -> Camera:
        key = (int(frame.number), int(frame.camera.rpartition("_")[2]))
        found = self._cameras[folder].get(key)
        if found is None:
            got = f"none for frame {key[0]}, camera {key[1]}"
            raise DataError(f"intrinsics: got {got}; want a line for it", path=folder / "intrinsic.txt")
        return found


def _colours(path: Path, as_cityscapes: bool) -> Colours:
    """Parses lines of a name and three numbers after a header; a name that is not a class ("Undefined") is invalid."""
    known = {}
    for row, line in enumerate(read_lines(path)):
        cells = line.split()
        if not cells or row == 0:
            continue
        if len(cells) != 4 or not all(is_number(cell) and int(cell) < 256 for cell in cells[1:]):
            raise DataError(f"line: got {line[:40]!r}; want a name and red, green, blue", path=path, row=row)
        name, red, green, blue = cells[0].partition(":")[0], *(int(cell) for cell in cells[1:])
        known[(red, green, blue)] = _class(name, as_cityscapes)
    if not known:
        raise DataError("colours: got none; want one line per class", path=path)
    return tuple(known.items())


def _class(name: str, as_cityscapes: bool) -> int:
    if as_cityscapes:
        return cityscapes_class(_IN_CITYSCAPES.get(name, ""))
    return VKITTI_NAMES.index(name) if name in VKITTI_NAMES else INVALID


def _cameras(path: Path) -> Cameras:
    """Returns cameras by frame and camera number, from lines of both, K[0,0], K[1,1], K[0,2], K[1,2] after a header."""
    found = {}
    for row, line in enumerate(read_lines(path)):
        cells = line.split()
        if not cells or row == 0:
            continue
        try:
            frame, camera, *numbers = cells
            focal_x, focal_y, centre_x, centre_y = (float(cell) for cell in numbers)
            found[(int(frame), int(camera))] = Camera(focal_x, focal_y, centre_x, centre_y)
        except ValueError as error:
            raise DataError(f"line: got {line[:60]!r}; want six numbers", path=path, row=row) from error
    if not found:
        raise DataError("intrinsics: got none; want one line per frame and camera", path=path)
    return found
