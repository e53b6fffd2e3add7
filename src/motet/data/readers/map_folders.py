"""Images and maps of one's own: a folder of each, in which files that belong together are called the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from motet.core import ConfigError, DataError, Example, nearest
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
from motet.data.formats.paths import default_name, file_names, is_image

Colour: TypeAlias = tuple[int, int, int]
_MAPS = ("segmentation", "depth", "normals", "edges")


@dataclass(frozen=True)
class MapFolders:
    """Images and maps of one's own, a folder each, in which files that belong together are called the same.

    An image without a file in one of the folders has not that annotation; one without any is no row.

    Args:
        images: the folder of images.
        maps: annotation -> folder of PNGs: "segmentation", "depth", "normals", "edges".
        names: the classes, in the order of their numbers.
        first_class: the stored number of the first class: 0, or 1 where 0 stands for none.
        stored: how each class is stored, where numbers do not count up from the first: a number each, such as (0, 255),
            or a colour each, as red, green and blue.
        no_class: stored numbers or colours of pixels without a class; others that are no class are errors.
        depth_unit_m: metres of one step of the stored depth; 0.001 for millimetres. 0 is unknown.
        normal_signs: by what the stored x, y and z are multiplied to point right, down and towards the viewer; the
            z of maps that are mostly blue does already, (1, 1, -1) is for maps with hardly any blue.
        edge_top: the stored number of a sure edge.
        endings: annotation -> what the names of its maps have behind those of the images, such as "_mask".
        name: what ids start with; by default the folder's name.

    Raises:
        DataError: no such folder, or no image that has a map.
        ConfigError: an annotation of another name, classes without names, or other than are stored.
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
    endings: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    _rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for annotation in (*self.maps, *self.endings):
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
        there = {
            annotation: {Path(name).stem: name for name in file_names(Path(folder)) if is_image(name)}
            for annotation, folder in self.maps.items()
        }
        rows = tuple((name, self._maps_of(Path(name).stem, there)) for name in image_names(Path(self.images)))
        rows = tuple((name, maps) for name, maps in rows if maps)
        if not rows:
            raise DataError("images: got none that has a map; want files that are called the same", path=self.images)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row."""
        return (f"{self.name or default_name(Path(self.images))}/{Path(self._rows[index][0]).stem}",)

    def __getitem__(self, index: int) -> Example:
        images, (file, files), (key,) = Path(self.images), self._rows[index], self.keys(index)
        maps = tuple(
            (annotation, self._map(annotation, Path(self.maps[annotation]) / name)) for annotation, name in files
        )
        return map_example(MapRow(key, key, images / file, maps), path=images, index=index)

    def _maps_of(self, stem: str, there: Mapping[str, Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
        wanted = {annotation: stem + self.endings.get(annotation, "") for annotation in there}
        return tuple((one, there[one][name]) for one, name in wanted.items() if name in there[one])

    def _map(self, annotation: str, path: Path) -> MapFile:
        if annotation == "segmentation":
            return self._classes(path)
        if annotation == "depth":
            return DepthMap(path, self.depth_unit_m)
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
        none_of = (*(one for one in self.no_class if isinstance(one, int)), *range(self.first_class))
        return ClassMap(path, class_table(table, invalid=tuple(one for one in none_of if one not in table)))
