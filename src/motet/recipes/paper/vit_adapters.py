"""The adapters' runs as published, on the data sets that the paper names, with notes on unpublished values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, assert_never

from motet.core import Reader, Task
from motet.data.annotations import AnnotationSubset, RemappedClasses
from motet.data.readers import Cityscapes, NyuV2, Synthia, Taskonomy, VirtualKitti2
from motet.data.readers.taskonomy import TASKONOMY_NAMES
from motet.data.sampling_rates import FixedRates as FixedRates
from motet.data.schedules import Mixed
from motet.data.source import Role, Source
from motet.data.splits import Subset
from motet.recipes.data.photos import data_root
from motet.systems.vit_adapters import Adaptation, SwinUnet, ViTAdaptersConfig
from motet.tasks import depth, edges, semantic_segmentation, surface_normals
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import AdamW, OneCycle
from motet.training.run import From, Run

Streets: TypeAlias = Literal["cityscapes", "synthia", "vkitti2", "nyuv2"]
VKITTI2 = From(Path("runs/vit_adapters-paper_vkitti2"), made_by="motet train vit_adapters:paper_vkitti2")
"""Where `motet train vit_adapters:paper_vkitti2` leaves its run."""

_JUDGED_DRIVE = "Scene20"  # Virtual KITTI 2 has no official parts: one of its five drives is held back
_DRIVES = ("Scene01", "Scene02", "Scene06", "Scene18")

IN_NYU: Mapping[str, str] = {
    "bottle": "bottle", "chair": "chair", "couch": "sofa", "potted plant": "plant", "bed": "bed",
    "dining table": "dining table", "toilet": "toilet", "tv": "television", "microwave": "microwave", "oven": "oven",
    "toaster": "toaster", "sink": "sink", "refrigerator": "refridgerator", "book": "book", "clock": "clock",
    "vase": "vase",
}  # fmt: skip
"""What NYUv2 calls Taskonomy's classes, in its own spelling."""


def published_model() -> ViTAdaptersConfig:
    """The model: Swin-B V2 of ImageNet-22k, adapters in six of its blocks, a decoder of four levels a task.

    Section 3.1 and 3.3. The official code has a Swin-S, decoders with blocks in three levels, and dropout of 0.6 before
    their heads, which the paper does not speak of and which is taken from there. At 192 pixels, where the weights were
    trained: the code's 224 are the size of its own Swin, whose windows they fit.
    """
    return ViTAdaptersConfig(decoder=SwinUnet(depths=(2, 2, 2, 2), window=6, dropout=0.6))


def published_plan() -> TrainConfig:
    """AdamW and one cycle as in the official code: 4e-5 at most, after a tenth of the steps; the paper is silent.

    How many steps and rows it takes is published nowhere; 100,000 steps of 16 rows are ours.
    """
    return TrainConfig(
        steps=100_000,
        lr=4e-5,
        optimizer=AdamW(betas=(0.9, 0.98)),
        lr_schedule=OneCycle(warmup=0.1),
        weight_decay=1e-2,
        workers=8,
        precision="bfloat16",
        save_every=5_000,
    )


def published() -> Run:
    """S-D-N-E on Taskonomy (table 2), by its tiny split: classes, depth, normals, texture edges."""
    root = data_root() / "taskonomy"
    split = root / "train_val_test_tiny.csv"
    parts: dict[Role, Reader] = {
        "train": Taskonomy(root, "train", split),
        "val": Taskonomy(root, "val", split),
        "test": Taskonomy(root, "test", split),
    }
    return _run(_sources("taskonomy", _tasks(TASKONOMY_NAMES, "SDNE"), parts))


def published_novel() -> Run:
    """Taskonomy to NYUv2 (table 5): trained as `published` on S-D-N, evaluated on NYUv2, which it is not trained on."""
    run = published()
    tasks = _tasks(TASKONOMY_NAMES, "SDN")
    training = tuple(replace(source, tasks=tasks) for source in run.sources)
    evaluated = Source(name="nyuv2/test", reader=_rooms_in_taskonomys_words(), tasks=tasks, role="test")
    return replace(run, sources=(*training, evaluated))


def published_streets(name: Streets) -> Run:
    """The multi-task runs on one of the other sets; S-D-N, or S-D where no camera is published."""
    root = data_root() / name
    match name:
        case "cityscapes":
            own = {part: Cityscapes(root, part, normals="depth") for part in ("train", "val")}
            return _run(_pair(name, _tasks(own["train"].names, "SDN"), own["train"], own["val"]))
        case "synthia":
            views = Synthia(root, classes="cityscapes")
            return _run(_pair(name, _tasks(views.names, "SD"), *_every_tenth(views)))
        case "vkitti2":
            drives, evaluated = (_kitti(root, scenes) for scenes in (_DRIVES, (_JUDGED_DRIVE,)))
            return _run(_pair(name, _tasks(drives.names, "SDN"), drives, evaluated))
        case "nyuv2":
            file, mapping = root / "nyu_depth_v2_labeled.mat", root / "classMapping40.mat"
            rooms = {part: NyuV2(file, part, mapping=mapping, normals="depth") for part in ("train", "test")}
            return _run(_pair(name, _tasks(rooms["train"].names, "SDN"), rooms["train"], rooms["test"]))
        case other:
            assert_never(other)


def published_transfer() -> Run:
    """Virtual KITTI 2 to Cityscapes (table 3): trained with its classes and depth, evaluated also on its normals."""
    streets = published_streets("cityscapes")
    sources = tuple(
        replace(source, reader=AnnotationSubset(source.reader, ("segmentation", "depth")))
        if source.role == "train"
        else source
        for source in streets.sources
    )
    return replace(streets, sources=sources, start=VKITTI2)


def published_adaptation() -> Run:
    """Virtual KITTI 2 with labels, Cityscapes without (table 4), by output-level discriminators.

    The paper names the method; the numbers are DenseMTL's: 90,000 steps of one row of each, discriminators at 1e-4,
    second moments of 0.99. One optimiser trains both sides here, so its momenta are the discriminators'.
    """
    root = data_root()
    drives = _kitti(root / "vkitti2", (*_DRIVES, _JUDGED_DRIVE))
    streets = {part: Cityscapes(root / "cityscapes", part) for part in ("train", "val")}
    tasks = _tasks(drives.names, "SD")
    plan = published_plan()
    return Run(
        system=replace(published_model(), adapt=Adaptation(lr_scale=1e-4 / plan.lr)),
        sources=(
            Source(name="vkitti2", reader=drives, tasks=tasks),
            Source(name="cityscapes", reader=AnnotationSubset(streets["train"]), tasks=tasks),
            Source(name="cityscapes/test", reader=streets["val"], tasks=tasks, role="test"),
        ),
        schedule=Mixed(rates=FixedRates({"vkitti2": 1.0, "cityscapes": 1.0}), batch_size=2),
        train=replace(plan, steps=90_000, optimizer=AdamW(betas=(0.9, 0.99))),
        balancer=TaskMean(),
    )


def _run(sources: Sequence[Source]) -> Run:
    return Run(
        system=published_model(),
        sources=tuple(sources),
        schedule=Mixed(batch_size=16),
        train=published_plan(),
        balancer=TaskMean(),
    )


def _tasks(names: Sequence[str], which: str) -> tuple[Task, ...]:
    """Returns the tasks of the paper's sets by their letters."""
    by_letter = {
        "S": semantic_segmentation(names=names), "D": depth(), "N": surface_normals(), "E": edges(),
    }  # fmt: skip
    return tuple(by_letter[letter] for letter in which)


def _sources(name: str, tasks: tuple[Task, ...], parts: Mapping[Role, Reader]) -> tuple[Source, ...]:
    return tuple(
        Source(name=name if role == "train" else f"{name}/{role}", reader=reader, tasks=tasks, role=role)
        for role, reader in parts.items()
    )


def _pair(name: str, tasks: tuple[Task, ...], train: Reader, test: Reader) -> tuple[Source, ...]:
    return _sources(name, tasks, {"train": train, "test": test})


def _kitti(root: Path, scenes: tuple[str, ...]) -> VirtualKitti2:
    return VirtualKitti2(root, scenes=scenes, classes="cityscapes", normals="depth")


def _every_tenth(reader: Reader) -> tuple[Reader, Reader]:
    """Returns every tenth row as the test set: SYNTHIA has no official split either."""
    rows = range(len(reader))
    return Subset(reader, tuple(r for r in rows if r % 10 != 9)), Subset(reader, tuple(r for r in rows if r % 10 == 9))


def _rooms_in_taskonomys_words() -> Reader:
    """NYUv2's test part, classes as Taskonomy calls them; what it has no word for is invalid."""
    path = data_root() / "nyuv2" / "nyu_depth_v2_labeled.mat"
    rooms = NyuV2(path, "test", normals="depth")
    theirs = {nyu: ours for ours, nyu in IN_NYU.items()}
    return RemappedClasses(
        rooms, tuple(TASKONOMY_NAMES.index(theirs[name]) if name in theirs else -1 for name in rooms.names)
    )
