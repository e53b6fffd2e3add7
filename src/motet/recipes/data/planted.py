"""Tasks of known relation: the same map twice, its negative, a random one, and one that few rows have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from motet.core import ConfigError, Example, Reader, rng_for
from motet.data.source import Source
from motet.recipes.data.photos import ROLES
from motet.recipes.data.scene_sources import SceneSources
from motet.tasks import surface_normals

PLANTED = ("normals", "twin", "negative", "random", "starved")
"""The tasks; "twin" and "starved" are "normals" under other names."""


@dataclass(frozen=True)
class PlantedMaps:
    """The rows of a reader with further maps, made of their normals.

    "twin" is the same map; "negative" points the other way; "random" is the map of another row, turned by a rotation
    drawn for each row, so that it has nothing to do with the image, nor its mean with the mean normal; "starved" is the
    same map again in one of `every` rows.

    Args:
        reader: rows with "normals".
        every: the rows per row that has "starved"; 20 are 5 %.

    Raises:
        ConfigError: fewer than 1.
    """

    reader: Reader
    every: int = 20

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"PlantedMaps.every: got {self.every}; want 1 or more")

    def __len__(self) -> int:
        return len(self.reader)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(index)

    def __getitem__(self, index: int) -> Example:
        example = self.reader[index]
        names = PLANTED if index % self.every == 0 else PLANTED[:-1]
        return replace(example, labels=_Planted(self.reader, index, example.labels, names))


class _Planted(Mapping[str, Any]):
    """The planted maps of one row, each made when it is read."""

    def __init__(self, reader: Reader, index: int, labels: Mapping[str, Any], names: tuple[str, ...]) -> None:
        self.reader, self.index, self.labels, self.names = reader, index, labels, names

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        if name == "random":
            rng = rng_for("planted", self.index)
            other = self.reader[(self.index + 1 + int(rng.integers(len(self.reader) - 1))) % len(self.reader)]
            turned: np.ndarray = other.labels["normals"] @ _rotation(rng).T
            return turned.astype(np.float32)
        own: np.ndarray = self.labels["normals"]
        return -own if name == "negative" else own

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names


def planted(
    task_names: tuple[str, ...] = PLANTED,
    *,
    train: int = 400,
    val: int = 20,
    test: int = 200,
    size: int = 64,
    every: int = 20,
) -> tuple[Source, ...]:
    """Returns scenes with planted tasks: one source per role.

    Every row that is evaluated has all maps, and training rows all but "starved".

    Args:
        task_names: of `PLANTED`.
        train: images to train on.
        val: images to choose a model by.
        test: images to evaluate on.
        size: their height and width.
        every: the training rows per row that has "starved".
    """
    world = SceneSources(task_names=("normals",), train=train, val=val, test=test, kinds=6, things=(1, 3), size=size)
    tasks = tuple(surface_normals(name, label=name) for name in task_names)
    return tuple(
        replace(
            source,
            name="scenes/planted" if source.role == "train" else f"scenes/planted/{source.role}",
            tasks=tasks,
            reader=PlantedMaps(source.reader, every if source.role == "train" else 1),
        )
        for source in world.sources(ROLES)
    )


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """Returns a rotation of three axes or its mirror image, uniform."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    turned: np.ndarray = q * np.sign(np.diag(r))
    return turned
