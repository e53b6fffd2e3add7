"""Pictures with a label picture each: ADE20K's scene parsing, COCO-Stuff, and folders of one's own with any maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example, nearest
from motet.data.readers.label_names import ADE20K_NAMES, COCO_STUFF_NAMES
from motet.data.readers.map_files import ClassMap, DepthMap, EdgeMap, MapFile, NormalMap, class_table
from motet.data.readers.map_rows import MapRow, map_example, pictures_in
from motet.data.readers.places import coco_id, file_names, is_image, place_name

_ADE = class_table({number + 1: number for number in range(len(ADE20K_NAMES))}, invalid=(0,))
_STUFF = class_table({number: number for number in range(len(COCO_STUFF_NAMES))}, invalid=(255,))
_MAPS = ("segmentation", "depth", "normals", "edges")


@dataclass(frozen=True)
class Ade20k:
    """ADE20K's scene parsing benchmark with 150 classes; labels: "segmentation", where 0 (other) is invalid.

    Args:
        root: the folder with `images/` and `annotations/` (published as `ADEChallengeData2016`).
        split: "training" or "validation".
        name: what ids start with; by default "ade20k" and the split.

    Raises:
        DataError: no such folder, or no pictures in it.
    """

    root: Path | str
    split: str = "training"
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_files", tuple(pictures_in(Path(self.root) / "images" / self.split)))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return ADE20K_NAMES

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row."""
        return (f"ade20k/{Path(self._files[index]).stem}",)

    def __getitem__(self, index: int) -> Example:
        folder, file = Path(self.root) / "images" / self.split, self._files[index]
        labels = Path(self.root) / "annotations" / self.split / f"{Path(file).stem}.png"
        maps = (("segmentation", ClassMap(labels, _ADE)),)
        row_id = f"{self.name or f'ade20k/{self.split}'}/{Path(file).stem}"
        return map_example(MapRow(row_id, self.keys(index)[0], folder / file, maps), path=folder, index=index)


@dataclass(frozen=True)
class CocoStuff:
    """COCO pictures with the pixel maps of COCO-Stuff; labels: "segmentation", 182 classes, where 255 is invalid.

    The numbers 0 to 181 are the published ids 1 to 182 less one, gaps among the things included.

    Args:
        images: the folder of pictures, such as `train2017`.
        labels: the folder of PNGs that are called like them.
        name: what ids start with; by default "coco_stuff" and the folder's name.

    Raises:
        DataError: no such folder, or no pictures in it.
    """

    images: Path | str
    labels: Path | str
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_files", tuple(pictures_in(Path(self.images))))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return COCO_STUFF_NAMES

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row: COCO's."""
        number = Path(self._files[index]).stem.rpartition("_")[2]
        return (coco_id(int(number)) if number.isascii() and number.isdigit() else f"coco/{number}",)

    def __getitem__(self, index: int) -> Example:
        images, file = Path(self.images), self._files[index]
        maps = (("segmentation", ClassMap(Path(self.labels) / f"{Path(file).stem}.png", _STUFF)),)
        row_id = f"{self.name or f'coco_stuff/{images.name}'}/{Path(file).stem}"
        return map_example(MapRow(row_id, self.keys(index)[0], images / file, maps), path=images, index=index)


@dataclass(frozen=True)
class MapFolders:
    """Pictures and maps of one's own, a folder each, in which files that belong together are called the same.

    A picture without a file in one of the folders has not that annotation; one without any is no row.

    Args:
        images: the folder of pictures.
        maps: annotation -> folder of PNGs: "segmentation", "depth", "normals", "edges".
        names: the classes, in the order of their numbers.
        first_class: the stored number of the first class: 0, or 1 where 0 stands for none.
        no_class: stored numbers of pixels without a class; others that are no class are errors.
        depth_unit_m: metres of one step of the stored depth; 0.001 for millimetres. 0 is unknown.
        normal_signs: by what the stored x, y and z are multiplied to point right, down and towards the viewer; the
            z of maps that are mostly blue does already, (1, 1, -1) is for maps with hardly any blue.
        edge_top: the stored number of a sure edge.
        name: what ids start with; by default the folder's name.

    Raises:
        DataError: no such folder, or no picture that has a map.
        ConfigError: an annotation of another name, or classes without names.
    """

    images: Path | str
    maps: Mapping[str, Path | str]
    names: tuple[str, ...] = ()
    first_class: int = 0
    no_class: tuple[int, ...] = (255,)
    depth_unit_m: float = 0.001
    normal_signs: tuple[int, int, int] = (1, 1, 1)
    edge_top: float = 255.0
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _have: tuple[frozenset[str], ...] = field(init=False, repr=False, compare=False)
    _classes: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for annotation in self.maps:
            if annotation not in _MAPS:
                raise ConfigError(f"MapFolders.maps: got {annotation!r}; {nearest(annotation, _MAPS)}")
        if "segmentation" in self.maps and not self.names:
            raise ConfigError("MapFolders.names: got none; want the names of the classes")
        there = {
            annotation: {Path(name).stem for name in file_names(Path(folder)) if is_image(name)}
            for annotation, folder in self.maps.items()
        }
        files = [name for name in pictures_in(Path(self.images)) if any(Path(name).stem in s for s in there.values())]
        if not files:
            raise DataError("pictures: got none that has a map; want files that are called the same", path=self.images)
        have = (frozenset(one for one, stems in there.items() if Path(name).stem in stems) for name in files)
        numbers = {self.first_class + place: place for place in range(len(self.names))}
        invalid = tuple(number for number in (*self.no_class, *range(self.first_class)) if number not in numbers)
        object.__setattr__(self, "_files", tuple(files))
        object.__setattr__(self, "_have", tuple(have))
        object.__setattr__(self, "_classes", class_table(numbers, invalid=invalid) if self.names else ())

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row."""
        return (f"{self._prefix}/{Path(self._files[index]).stem}",)

    def __getitem__(self, index: int) -> Example:
        images, file, (key,) = Path(self.images), self._files[index], self.keys(index)
        maps = tuple(
            (annotation, self._map(annotation, Path(self.maps[annotation]) / f"{Path(file).stem}.png"))
            for annotation in self.maps
            if annotation in self._have[index]
        )
        return map_example(MapRow(key, key, images / file, maps), path=images, index=index)

    @property
    def _prefix(self) -> str:
        return self.name or place_name(Path(self.images))

    def _map(self, annotation: str, path: Path) -> MapFile:
        if annotation == "segmentation":
            return ClassMap(path, self._classes)
        if annotation == "depth":
            return DepthMap(path, self.depth_unit_m)
        return NormalMap(path, self.normal_signs) if annotation == "normals" else EdgeMap(path, self.edge_top)
