"""Images and maps of one's own in one folder each, with equal names for files that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example, nearest
from motet.data.formats.label_palette import Colour
from motet.data.formats.map_files import (
    INVALID,
    ClassMap,
    ColourMap,
    DepthMap,
    EdgeMap,
    MapFile,
    NormalMap,
    class_table,
)
from motet.data.formats.map_rows import MapRow, image_names, map_example
from motet.data.formats.name_patterns import ANY, by_stem
from motet.data.formats.paths import default_name, file_names, is_image

_UNKNOWN_DEPTHS = (0, 65535)
_MAPS = ("segmentation", "depth", "normals", "edges")


@dataclass(frozen=True)
class MapFolders:
    """Images and maps of one's own in one folder each, with equal names for files that belong together.

    An image without a file in one of the folders lacks that annotation; an image without any map is not a row.

    Args:
        images: the folder of images.
        maps: annotation -> folder of PNGs: "segmentation", "depth", "normals", "edges".
        names: the classes, in the order of their numbers.
        first_class: the stored number of the first class: 0, or 1 where 0 is for pixels without a class.
        stored: the stored number of each class, such as (0, 255), or its colour as red, green and blue, where the
            numbers are not consecutive.
        no_class: stored numbers or colours of pixels without a class; any other number or colour that is not a class is
            an error.
        depth_unit_m: metres per step of the stored depth; 0.001 for millimetres. 0 and 65535 are unknown.
        normal_signs: factors of the stored x, y and z that make them point right, down and towards the viewer; maps
            that are mostly blue need none for z, maps with hardly any blue need (1, 1, -1).
        edge_top: the stored number of a certain edge.
        image_name: the pattern of image names: "{}_image", "rgb_{}", or with a file ending "{}.jpg".
        map_names: annotation -> the pattern of its map names, such as "{}_mask". Files whose names have the same in the
            place of {} belong together; images and maps may be in one folder.
        name: prefix of Example ids; by default the folder's name.

    Raises:
        DataError: no such folder, or no image that has a map.
        ConfigError: an unknown annotation, classes without names, or another number of stored values than of names.
    """

    images: Path | str
    maps: Mapping[str, Path | str]
    names: tuple[str, ...] = ()
    first_class: int = 0
    stored: tuple[int | Colour, ...] = ()
    no_class: tuple[int | Colour, ...] = (255,)
    depth_unit_m: float = 0.001
    normal_signs: tuple[int, int, int] = (1, 1, 1)
    edge_top: float = 255.0
    image_name: str = ANY
    map_names: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    _rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for annotation in (*self.maps, *self.map_names):
            if annotation not in _MAPS:
                raise ConfigError(f"MapFolders.maps: got {annotation!r}; {nearest(annotation, _MAPS)}")
        if "segmentation" in self.maps and not self.names:
            raise ConfigError("MapFolders.names: got none; want the names of the classes")
        if self.stored and len(set(self.stored)) != len(self.names):
            raise ConfigError(
                f"MapFolders.stored: got {len(set(self.stored))} numbers or colours; want one for each of the "
                f"{len(self.names)} names"
            )
        if len({isinstance(one, int) for one in self.stored}) == 2:
            raise ConfigError("MapFolders.stored: got numbers and colours; want one kind")
        files = {
            annotation: by_stem(filter(is_image, file_names(Path(folder))), self.map_names.get(annotation, ANY))
            for annotation, folder in self.maps.items()
        }
        images = by_stem(image_names(Path(self.images)), self.image_name)
        rows = tuple((name, _maps_of(stem, files)) for stem, name in images.items())
        rows = tuple((name, maps) for name, maps in rows if maps)
        if not rows:
            raise DataError("images: got none that has a map; want files of equal names", path=self.images)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.name or default_name(Path(self.images))}/{Path(self._rows[index][0]).stem}",)

    def __getitem__(self, index: int) -> Example:
        images, (file, files), (key,) = Path(self.images), self._rows[index], self.keys(index)
        maps = tuple(
            (annotation, self._map(annotation, Path(self.maps[annotation]) / name)) for annotation, name in files
        )
        return map_example(MapRow(key, key, images / file, maps), path=images, index=index)

    def _map(self, annotation: str, path: Path) -> MapFile:
        if annotation == "segmentation":
            return self._classes(path)
        if annotation == "depth":
            return DepthMap(path, self.depth_unit_m, _UNKNOWN_DEPTHS)
        return NormalMap(path, self.normal_signs) if annotation == "normals" else EdgeMap(path, self.edge_top)

    def _classes(self, path: Path) -> ClassMap | ColourMap:
        known: dict[Colour, int] = {one: INVALID for one in self.no_class if not isinstance(one, int)}
        colours: dict[Colour, int] = {one: place for place, one in enumerate(self.stored) if not isinstance(one, int)}
        if colours:
            return ColourMap(path, tuple((known | colours).items()))
        numbers = [one for one in self.stored if isinstance(one, int)] or range(
            self.first_class, self.first_class + len(self.names)
        )
        table = {number: place for place, number in enumerate(numbers)}
        no_class = (*(one for one in self.no_class if isinstance(one, int)), *range(self.first_class))
        return ClassMap(path, class_table(table, invalid=tuple(one for one in no_class if one not in table)))


def _maps_of(stem: str, files: Mapping[str, Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((annotation, names[stem]) for annotation, names in files.items() if stem in names)
