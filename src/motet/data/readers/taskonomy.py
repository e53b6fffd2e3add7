"""Taskonomy: `rgb/<building>/point_0_view_0_domain_rgb.png`, with one folder beside `rgb/` per other domain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from motet.core import ConfigError, DataError, Example
from motet.data.formats.map_files import ClassMap, DepthMap, EdgeMap, MapFile, NormalMap, class_table
from motet.data.formats.map_rows import MapRow, map_example
from motet.data.formats.paths import file_names
from motet.data.formats.text_file import read_csv

TASKONOMY_NAMES = (
    "background", "bottle", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv", "microwave",
    "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
)  # fmt: skip
"""In the order of the stored numbers, which start at 1; 0 is "uncertain" and invalid."""
_CLASSES = class_table({number + 1: number for number in range(len(TASKONOMY_NAMES))}, invalid=(0,))
_METRES, _UNKNOWN = 1 / 512, 65535
_TOP = {"texture": 65535 / 4, "occlusion": 65535.0}
_VIEW = re.compile(r"(point_\d+_view_\d+)_domain_rgb\.(?:png|jpg)")
_SEMANTIC = ("segment_semantic", "segmentsemantic")  # names of folders and of files; some releases use one for both


class _Shot(NamedTuple):
    building: str
    file: str
    view: str


@dataclass(frozen=True)
class Taskonomy:
    """Rooms scanned in 3-D; labels: "segmentation", "depth", "normals", "edges", those whose folders exist.

    Depth is `depth_zbuffer` in 1/512 m, 65535 unknown. Normals are stored as 0 to 255 for -1 to 1 with z towards the
    viewer, as in motet. Classes are the pseudo labels of `segment_semantic`, where 0, "uncertain", is invalid.

    Args:
        root: the folder with `rgb/`.
        split: "train", "val" or "test", by `split_file`; None for all buildings.
        split_file: a published `train_val_test_tiny.csv` (id, train, val, test); "" where `split` is None.
        edges: "texture": `edge_texture`, where a quarter of the largest 16-bit number and more is a certain edge;
            "occlusion": `edge_occlusion`, with the whole range.
        buildings: the buildings that are read; by default all.
        name: prefix of Example ids.

    Raises:
        DataError: no such folder or list, or no image in any building.
        ConfigError: an unknown value of `edges`, or a split without its file.
    """

    root: Path | str
    split: Literal["train", "val", "test"] | None = None
    split_file: Path | str = ""
    edges: Literal["texture", "occlusion"] = "texture"
    buildings: tuple[str, ...] = ()
    name: str = "taskonomy"
    _shots: tuple[_Shot, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.edges not in _TOP:
            raise ConfigError(f"Taskonomy.edges: got {self.edges!r}; want 'texture' or 'occlusion'")
        if (self.split is not None) != bool(str(self.split_file)):
            raise ConfigError(f"Taskonomy.split: got {self.split!r}, file {str(self.split_file)!r}; want both or none")
        folder = Path(self.root) / "rgb"
        buildings = [name for name in file_names(folder) if (folder / name).is_dir()]
        selected = set(self.buildings or buildings) & set(self._split_buildings() if self.split else buildings)
        shots = [
            _Shot(building, name, found[1])
            for building in buildings
            if building in selected
            for name in file_names(folder / building)
            if (found := _VIEW.fullmatch(name))
        ]
        if not shots:
            raise DataError("images: got none; want rgb/building/point_0_view_0_domain_rgb.png", path=folder)
        object.__setattr__(self, "_shots", tuple(shots))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return TASKONOMY_NAMES

    def __len__(self) -> int:
        return len(self._shots)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        shot = self._shots[index]
        return (f"taskonomy/{shot.building}/{shot.view}",)

    def __getitem__(self, index: int) -> Example:
        shot, (key,) = self._shots[index], self.keys(index)
        image = Path(self.root) / "rgb" / shot.building / shot.file
        row = MapRow(f"{self.name}/{shot.building}/{shot.view}", key, image, tuple(self._maps(shot)))
        return map_example(row, path=Path(self.root), index=index)

    def _maps(self, shot: _Shot) -> list[tuple[str, MapFile]]:
        maps: list[tuple[str, MapFile]] = []
        if (path := self._file(shot, _SEMANTIC)) is not None:
            maps.append(("segmentation", ClassMap(path, _CLASSES)))
        if (path := self._file(shot, ("depth_zbuffer",))) is not None:
            maps.append(("depth", DepthMap(path, _METRES, (_UNKNOWN,))))
        if (path := self._file(shot, ("normal",))) is not None:
            maps.append(("normals", NormalMap(path)))
        if (path := self._file(shot, (f"edge_{self.edges}",))) is not None:
            maps.append(("edges", EdgeMap(path, _TOP[self.edges])))
        return maps

    def _file(self, shot: _Shot, domains: tuple[str, ...]) -> Path | None:
        """Returns the map of a view in a domain; None where the folder of the domain does not exist."""
        folders = [folder for domain in domains if (folder := Path(self.root) / domain).is_dir()]
        if not folders:
            return None
        paths = [folders[0] / shot.building / f"{shot.view}_domain_{domain}.png" for domain in domains]
        return next((path for path in paths if path.is_file()), paths[-1])

    def _split_buildings(self) -> list[str]:
        path = Path(self.split_file)
        rows = read_csv(path)
        header = next(rows, [])
        if "id" not in header or self.split not in header:
            raise DataError(f"header: got {header}; want id, train, val, test", path=path)
        name, part = header.index("id"), header.index(str(self.split))
        return [cells[name] for cells in rows if len(cells) == len(header) and cells[part] == "1"]
