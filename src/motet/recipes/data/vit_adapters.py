"""Sources for the adapters: scenes with four maps in two styles, classification, real maps under $MOTET_DATA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from motet.core import Reader, Task
from motet.data.annotations import AnnotationSubset
from motet.data.readers import Bsds500, CamVid, Idx, ImageFolder, SevenScenes
from motet.data.source import Role, Source
from motet.data.splits import ConcatRows, Subset, split_by_image
from motet.losses.dense import WeightedCrossEntropy, balanced_l1
from motet.recipes.data.photos import ROLES, data_root
from motet.recipes.data.scene_sources import SceneSources
from motet.scenes.drawings import Style
from motet.scenes.grounds import Tone
from motet.tasks import classification, edges, semantic_segmentation, surface_normals
from motet.tasks import depth as depth_task
from motet.tasks.class_names import FASHION
from motet.tasks.dense import BOUNDARY_METRICS

ALL_MAPS = ("segment", "depth", "normals", "edges")
"""The four dense tasks in the paper's order: S, D, N, E."""

LABEL_OF = {"segment": "segmentation", "depth": "depth", "normals": "normals", "edges": "edges"}
"""The annotation of each task."""


def scenes(
    task_names: Sequence[str] = ALL_MAPS,
    *,
    train: int = 600,
    val: int = 40,
    test: int = 200,
    size: int = 128,
    style: Style = "colour",
    ground: Tone = "light",
    roles: Sequence[Role] = ROLES,
    labelled: Sequence[str] | None = None,
    name: str = "scenes/maps",
) -> tuple[Source, ...]:
    """Returns scenes of six kinds of thing with maps: one source per role, whose rows have the maps of all tasks.

    Few pixels are edges; with the plain L1 loss a short run learns to predict none. So edge pixels together weigh as
    much as all others together.

    Args:
        task_names: of `ALL_MAPS`.
        train: images to train on.
        val: images to choose a model by.
        test: images to evaluate on.
        size: their height and width.
        style: "colour", or "line" for black lines.
        ground: "light" or "dark".
        roles: which sources.
        labelled: tasks that training rows have annotations of; () for unlabelled images, None for all tasks.
        name: of the training source; the others have their role after it.
    """
    world = SceneSources(
        task_names=tuple(task_names), train=train, val=val, test=test, kinds=6, things=(1, 3),
        size=size,
        style=style, ground=ground,
    )  # fmt: skip
    labels = None if labelled is None else tuple(LABEL_OF[task] for task in labelled)
    return tuple(
        replace(
            source,
            name=name if source.role == "train" else f"{name}/{source.role}",
            tasks=tuple(_weighed(task) for task in source.tasks),
            reader=source.reader
            if labels is None or source.role != "train"
            else AnnotationSubset(source.reader, labels),
        )
        for source in world.sources(roles)
    )


def named(
    *,
    train: int = 4000,
    val: int = 100,
    test: int = 400,
    size: int = 128,
    real: bool = True,
) -> tuple[Source, ...]:
    """Returns images with classes: scenes of one thing, CIFAR-10, Fashion-MNIST.

    Scenes show twenty kinds of thing on both grounds and in both styles of drawing, and one thing each: a small trunk
    learns far more from those (half of the kinds) than from the largest of up to five things (a fifth of them). The two
    real sets are read where $MOTET_DATA is set.

    Args:
        train: scenes to train on, a quarter of them per style and ground.
        val: scenes to choose a model by.
        test: scenes to evaluate on.
        size: their height and width.
        real: whether CIFAR-10 and Fashion-MNIST are read where $MOTET_DATA is set.
    """
    found: list[Source] = []
    counts: dict[Role, int] = {"train": train, "val": val, "test": test}
    for role, count in counts.items():
        readers: list[Reader] = []
        tasks: tuple[Task, ...] = ()
        for style, ground in _STYLES:
            world = SceneSources(
                task_names=("largest",), things=(1, 1), size=size,
                train=count // 4, val=count // 4, test=count // 4, style=style, ground=ground,
            )  # fmt: skip
            role_sources = world.sources((role,))
            readers.append(role_sources[0].reader)
            tasks = tuple(task for source in role_sources for task in source.tasks)
        found.append(
            Source(
                name="scenes/names" if role == "train" else f"scenes/names/{role}",
                reader=ConcatRows(tuple(readers)), tasks=tasks, role=role,
            )
        )  # fmt: skip
    return (*found, *(_photographs() if real and os.environ.get("MOTET_DATA") else ()))


_STYLES: tuple[tuple[Style, Tone], ...] = (("colour", "light"), ("colour", "dark"), ("line", "light"), ("line", "dark"))


def _weighed(task: Task) -> Task:
    return replace(task, loss=balanced_l1) if task.label == "edges" else task


def _photographs() -> tuple[Source, ...]:
    """Returns CIFAR-10 and Fashion-MNIST with their classes."""
    root = data_root()
    cifar = ImageFolder(root / "cifar10" / "train", name="cifar10")
    parts = split_by_image(cifar, {"train": 0.8, "val": 0.1, "test": 0.1})
    files = root / "fashion_mnist"
    train, test = (
        Idx(files / f"{part}-images-idx3-ubyte.gz", files / f"{part}-labels-idx1-ubyte.gz", names=FASHION)
        for part in ("train", "t10k")
    )
    garments = {
        "train": Subset(train, tuple(range(len(train) - 500))),
        "val": Subset(train, tuple(range(len(train) - 500, len(train)))),
        "test": Subset(test, tuple(range(min(1000, len(test))))),
    }
    return (
        *_of_roles(classification("cifar10", cifar.names), parts),
        *_of_roles(classification("fashion", FASHION), garments),
    )


def mapped() -> tuple[Source, ...]:
    """Returns real maps, per source its own tasks: 7-Scenes depth and normals, CamVid classes, BSDS500 boundaries.

    7-Scenes' frames are of one camera's walk through one kitchen: the test set are those after its first four
    fifths, and a training frame is at least a second away from them. BSDS500's val set is split in two, since its test
    set is not always there; its boundaries are evaluated with BSDS's tolerance.
    """
    root = data_root()
    kitchen = SevenScenes(root / "sevenscenes_rgbd", "train", normals="depth")
    later = SevenScenes(root / "sevenscenes_rgbd", "val", normals="depth")
    frames = range(len(kitchen))
    rooms: dict[str, Reader] = {
        "train": Subset(kitchen, tuple(frames[: len(frames) * 9 // 10])),
        "val": Subset(kitchen, tuple(frames[len(frames) * 9 // 10 + 2 :])),
        "test": later,
    }
    streets: dict[str, CamVid] = {part: CamVid(root / "camvid" / "CamVid", part) for part in ROLES}
    drawn = root / "bsds500" / "data"
    halves = split_by_image(Bsds500(drawn, "val", edges="majority"), {"val": 0.2, "test": 0.8})
    boundaries: dict[str, Reader] = {"train": Bsds500(drawn, "train", edges="majority"), **halves}
    return (
        *_of_roles((depth_task("depth"), surface_normals("normals")), rooms, name="sevenscenes"),
        *_of_roles(semantic_segmentation("streets", streets["train"].names), streets),
        *_of_roles(edges("boundaries", metrics=BOUNDARY_METRICS, loss=WeightedCrossEntropy()), boundaries),
    )


def _of_roles(tasks: Task | tuple[Task, ...], parts: Mapping[str, Reader], *, name: str = "") -> tuple[Source, ...]:
    all_tasks = tasks if isinstance(tasks, tuple) else (tasks,)
    base = name or all_tasks[0].name
    return tuple(
        Source(name=base if role == "train" else f"{base}/{role}", reader=parts[role], tasks=all_tasks, role=role)
        for role in ROLES
    )
