"""Sources for the adapters: scenes with all four maps in two styles, pictures to name, real maps under $MOTET_DATA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from motet.core import Reader, Task
from motet.data.annotations import AnnotationSubset
from motet.data.readers import Bsds500, CamVid, Idx, ImageFolder, SevenScenes
from motet.data.source import Role, Source
from motet.data.splits import ConcatRows, Subset, split_by_image
from motet.losses.dense import balanced_l1
from motet.recipes.data.photos import ROLES, data_root
from motet.recipes.data.scene_sources import SceneSources
from motet.scenes.drawings import Style
from motet.scenes.grounds import Tone
from motet.tasks import classification, edges, semantic_segmentation, surface_normals
from motet.tasks import depth as depth_task
from motet.tasks.class_names import FASHION

ALL_MAPS = ("segment", "depth", "normals", "edges")
"""The four dense tasks in the paper's order: S, D, N, E."""

LABEL_OF = {"segment": "segmentation", "depth": "depth", "normals": "normals", "edges": "edges"}
"""Which annotation each of them reads."""


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
    """Scenes of six kinds of thing with maps of them: one source a role, whose rows carry all that are asked.

    Edges are few; with the plain absolute difference a run of minutes learns to say that there are none. So here they
    count as much as all the rest.

    Args:
        task_names: of `ALL_MAPS`.
        train: pictures to learn from.
        val: pictures to choose by.
        test: pictures to judge by.
        size: their height and width.
        style: "colour", or "line" for black lines.
        ground: "light" or "dark".
        roles: which sources.
        labelled: tasks that training rows have a map of; () for pictures without labels, None for all.
        name: of the training source; the others have their role after it.
    """
    world = SceneSources(
        task_names=tuple(task_names), train=train, val=val, test=test, kinds=6, things=(1, 3),
        size=size,
        style=style, ground=ground,
    )  # fmt: skip
    kept = None if labelled is None else tuple(LABEL_OF[task] for task in labelled)
    return tuple(
        replace(
            source,
            name=name if source.role == "train" else f"{name}/{source.role}",
            tasks=tuple(_weighed(task) for task in source.tasks),
            reader=source.reader if kept is None or source.role != "train" else AnnotationSubset(source.reader, kept),
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
    """Pictures to name: scenes of one thing, CIFAR-10, Fashion-MNIST.

    Scenes show twenty kinds of thing on both grounds and in both styles of drawing, and one thing each: a small trunk
    learns far more from those (half of the kinds) than by naming the largest of up to five (a fifth of them). The two
    real sets are read where $MOTET_DATA is set.

    Args:
        train: scenes to learn from, a quarter of them of each kind.
        val: scenes to choose by.
        test: scenes to judge by.
        size: their height and width.
        real: whether CIFAR-10 and Fashion-MNIST are read where $MOTET_DATA is set.
    """
    found: list[Source] = []
    counts: dict[Role, int] = {"train": train, "val": val, "test": test}
    for role, count in counts.items():
        readers: list[Reader] = []
        tasks: tuple[Task, ...] = ()
        for style, ground in _LOOKS:
            world = SceneSources(
                task_names=("largest",), things=(1, 1), size=size,
                train=count // 4, val=count // 4, test=count // 4, style=style, ground=ground,
            )  # fmt: skip
            asked = world.sources((role,))
            readers.append(asked[0].reader)
            tasks = tuple(task for source in asked for task in source.tasks)
        found.append(
            Source(
                name="scenes/names" if role == "train" else f"scenes/names/{role}",
                reader=ConcatRows(tuple(readers)), tasks=tasks, role=role,
            )
        )  # fmt: skip
    return (*found, *(_photographs() if real and os.environ.get("MOTET_DATA") else ()))


_LOOKS: tuple[tuple[Style, Tone], ...] = (("colour", "light"), ("colour", "dark"), ("line", "light"), ("line", "dark"))


def _weighed(task: Task) -> Task:
    return replace(task, loss=balanced_l1) if task.label == "edges" else task


def _photographs() -> tuple[Source, ...]:
    """CIFAR-10 and Fashion-MNIST to name."""
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
    """Real maps, each source with its own: 7-Scenes depth and normals, CamVid classes, BSDS500 boundaries.

    7-Scenes' frames are of one camera's walk through one kitchen: those after the walk's first four fifths are judged,
    and a frame learned from is a second away from them at least. BSDS500's own val part is cut in two, since its test
    part is not always there.
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
        *_of_roles(edges("boundaries", loss=balanced_l1), boundaries),
    )


def _of_roles(tasks: Task | tuple[Task, ...], parts: Mapping[str, Reader], *, name: str = "") -> tuple[Source, ...]:
    asked = tasks if isinstance(tasks, tuple) else (tasks,)
    called = name or asked[0].name
    return tuple(
        Source(name=called if role == "train" else f"{called}/{role}", reader=parts[role], tasks=asked, role=role)
        for role in ROLES
    )
