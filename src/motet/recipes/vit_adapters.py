"""Runs of ViT adapters: the paper's, small ones on scenes, one on real maps; and the trunk that they start from.

motet train vit_adapters:tiny       scenes: classes, depth, normals, edges; under 90 seconds on two cores
motet train vit_adapters:pretrain   a small Swin V2 classifier; the trunk of all below
motet train vit_adapters:multitask  the four maps of scenes on that trunk, frozen
motet train vit_adapters:known      three of them in colour; then, on black lines, :transfer
motet train vit_adapters:adapt      from light to dark ground without labels there
motet train vit_adapters:real       real maps under $MOTET_DATA, every set with its own
motet plan vit_adapters:paper       every value of the paper, on Taskonomy; :paper_cityscapes and others on theirs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never

from motet.core import ConfigError
from motet.data.sampling_rates import FixedRates as FixedRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.tower import EncoderMode, Finetune, FromScratch, Frozen
from motet.recipes.data.teacher import with_teacher
from motet.recipes.data.vit_adapters import ALL_MAPS, mapped, named, scenes
from motet.recipes.paper.vit_adapters import (
    published,
    published_adaptation,
    published_novel,
    published_streets,
    published_transfer,
)
from motet.scenes import CREDIT
from motet.systems.vit_adapters import (
    Adaptation,
    Adapters,
    DepthOutput,
    FixedAffinities,
    SwinUnet,
    TimmTrunk,
    Troa,
    ViTAdaptersConfig,
)
from motet.systems.vit_adapters.options import Affinities
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import AdamW, Cosine
from motet.training.run import From, Run

Word: TypeAlias = Literal["swinv2", "swin", "vit", "pvt", "focalnet"]


def trunk_of(word: Word, size: int = 128) -> TimmTrunk:
    """A small trunk by one word, at random: four stages of 24 to 192 channels and six blocks, or a ViT of eight.

    Args:
        word: its family.
        size: height and width of the input, a multiple of 32; windows are a sixteenth of it.

    Raises:
        ConfigError: another size.
    """
    if size < 32 or size % 32:
        raise ConfigError(f"trunk_of: size: got {size}; want a multiple of 32")
    heads = (1, 2, 4, 8)
    options: dict[str, Any]
    four: dict[str, Any] = {"embed_dim": 24, "depths": (1, 1, 2, 2), "drop_path_rate": 0.0}
    match word:
        case "swinv2":
            name, options = "swinv2_tiny_window8_256", {**four, "num_heads": heads, "window_size": size // 16}
        case "swin":
            name, options = "swin_tiny_patch4_window7_224", {**four, "num_heads": heads, "window_size": size // 16}
        case "vit":
            name, options = "vit_tiny_patch16_224", {"embed_dim": 96, "depth": 8, "num_heads": 4, "patch_size": 8}
        case "pvt":
            name = "pvt_v2_b0"
            options = {
                "embed_dims": (24, 48, 96, 192), "depths": four["depths"], "num_heads": heads, "drop_path_rate": 0.0,
            }  # fmt: skip
        case "focalnet":
            name, options = "focalnet_tiny_srf", four
        case other:
            assert_never(other)
    return TimmTrunk(name, size, False, options)


ADAPTERS_LR_SCALE = 0.2
"""Of the decoders' learning rate, of which adapters learn nothing (docs/LOG.md)."""

MIDDLE_M = 6.0
"""The depth that training begins with: that of a scene's middle, and of a room's far wall."""

START = From(Path("runs/vit_adapters-pretrain"), include=("trunk.",), made_by="motet train vit_adapters:pretrain")
"""The pretrained trunk, whole; everything else begins fresh."""

DRAWN = ("scenes", "lines", "dark")
"""What the names of sources of drawings begin with."""

KNOWN = From(Path("runs/vit_adapters-known"), made_by="motet train vit_adapters:known")
"""All that the first stage of task transfer has learned."""


def small(
    trunk: Word = "swinv2",
    *,
    size: int = 128,
    mode: EncoderMode | None = None,
    adapters: Adapters | None = None,
    affinities: Affinities | None = None,
    adapt: Adaptation | None = None,
) -> ViTAdaptersConfig:
    """Adapters for a laptop: a frozen trunk of six blocks, all of them adapted, decoders of three; nothing is dropped.

    Unlike in the paper, decoders read the maps at the end of the stages, to which adapters have added, and heads begin
    at what is likely: with six blocks and some hundred steps the paper's wiring trains decoders that read only the
    finest map, which no adapter touches (docs/LOG.md, `tests/contract/test_parts_act.py`).
    The paper's own values are in `paper`. Any other trunk: ``replace(small(), trunk=TimmTrunk(...))``.

    Args:
        trunk: the trunk's family.
        size: height and width of images and maps.
        mode: of the trunk; frozen by default.
        adapters: what is trained inside it.
        affinities: of each task to the others; estimated again every 25 steps by default.
        adapt: the use of unlabelled images of another domain.
    """
    return ViTAdaptersConfig(
        trunk=trunk_of(trunk, size),
        mode=mode or Frozen(),
        adapters=adapters or Adapters(condition_width=64, window=size // 16, blocks="all", lr_scale=ADAPTERS_LR_SCALE),
        affinities=affinities or Troa(every=25),
        decoder=SwinUnet(depths=(0, 1, 1, 1), window=size // 16, skips="end", bias=True),
        adapt=adapt,
        hflip=True,
        depth=DepthOutput(middle_m=MIDDLE_M),
    )


def vanilla(trunk: Word = "swinv2", *, size: int = 128) -> ViTAdaptersConfig:
    """The baseline on the same trunk: all of its weights are trained, and there are no adapters."""
    return replace(small(trunk, size=size, mode=Finetune(1.0), affinities=FixedAffinities()), adapters=None)


def classifier(trunk: Word = "swinv2", *, size: int = 128) -> ViTAdaptersConfig:
    """A trunk with a classifier on its last map, trained from scratch; other recipes freeze this trunk."""
    return replace(small(trunk, size=size, mode=FromScratch(), affinities=FixedAffinities()), adapters=None)


def on(
    system: ViTAdaptersConfig,
    sources: Sequence[Source],
    steps: int,
    *,
    start: From | None = START,
    rates: Mapping[str, float] | None = None,
    batch_size: int = 16,
    lr: float = 1.5e-3,
    precision: Literal["float32", "bfloat16"] = "bfloat16",
) -> Run:
    """Returns a run on sources of dense tasks or classes; its loss is the sum of the mean losses of all tasks.

    Args:
        system: what is trained.
        sources: of all roles.
        steps: of training.
        start: the run that the trunk comes from.
        rates: the share of a batch of each training source; equal by default.
        batch_size: rows of a step.
        lr: peak learning rate. At 3e-3 decoders learn to read their finest map alone.
        precision: of the forward pass; products as small as those of 64 pixels are slower in bfloat16.
    """
    learned = [source.name for source in sources if source.role == "train"]
    return Run(
        system=system,
        sources=tuple(sources),
        schedule=Mixed(rates=FixedRates(rates or dict.fromkeys(learned, 1.0)), batch_size=batch_size),
        train=TrainConfig(
            steps=steps, lr=lr, optimizer=AdamW(), lr_schedule=Cosine(warmup=0.1), precision=precision, seed=0
        ),
        balancer=TaskMean(),
        start=start,
        credit=(CREDIT,) if any(source.name.split("/")[0] in DRAWN for source in sources) else (),
    )


def tiny() -> Run:
    """ViT adapters on scenes: classes, depth, normals, edges in one run. Two cores, under 90 seconds.

    A fresh clone has no pretrained transformer, so this trunk is trained from scratch with its adapters. Frozen, it
    would have to come from `pretrain` first.
    """
    few = scenes(train=400, val=20, test=200, size=64)
    return replace(
        on(small(size=64, mode=FromScratch()), few, 120, start=None, precision="float32"),
        # One run of one seed in 32 bits; what a run may fall short by is from fifteen of the design before.
        expect={
            ("segment", "miou"): (26.4, 5.0),
            ("depth", "rmse"): (0.78, 0.15),
            ("normals", "mean_angle_deg"): (5.1, 0.8),
            ("edges", "edge_f1"): (61.8, 8.5),
        },
    )


def pretrain() -> Run:
    """A small Swin V2 classifier from scratch: scenes, and with $MOTET_DATA also CIFAR-10 and Fashion-MNIST.

    Every other recipe here takes its trunk from this run's usual folder.
    """
    return _named("swinv2")


def pretrain_vit() -> Run:
    """The same for a small plain ViT."""
    return _named("vit")


def pretrain_distilled() -> Run:
    """As `pretrain`, with the prediction of the bundled EfficientNet-Lite0 per training image as one more task."""
    run = pretrain()
    return replace(run, sources=with_teacher(run.sources))


def multitask() -> Run:
    """Adapters on the frozen trunk of `pretrain`: classes, depth, normals and edges of scenes."""
    return on(small(), scenes(), 600)


def novel() -> Run:
    """As `multitask`, also evaluated on unseen domains: black line drawings, and dark grounds."""
    lines = scenes(style="line", roles=("test",), name="lines/maps")
    dark = scenes(ground="dark", roles=("test",), name="dark/maps")
    run = multitask()
    return replace(run, sources=(*run.sources, *lines, *dark))


def known() -> Run:
    """Classes, depth and normals of scenes in colour: the first of the two stages of zero-shot task transfer."""
    return on(small(), scenes(ALL_MAPS[:3]), 600)


def transfer() -> Run:
    """The second stage: black line drawings with classes and depth; normals are evaluated only.

    It starts from all that `known` has learned, which `motet train vit_adapters:known` leaves in its usual folder.

    Source: section 4, "Zero-shot Task Transfer".
    """
    return on(small(), unseen(ALL_MAPS[:3]), 300, start=KNOWN)


def unseen(task_names: Sequence[str]) -> tuple[Source, ...]:
    """Black line drawings: trained on with all maps but the last, evaluated on all."""
    return scenes(task_names, style="line", labelled=tuple(task_names)[:-1], name="scenes/lines")


def adapt() -> Run:
    """Classes and depth of scenes on light ground, adapted to unlabelled images on dark ground, which are evaluated.

    Discriminators tell the maps of one ground from those of the other, and the adapters learn to deceive them.

    Source: section 4, "Unsupervised Domain Adaptation".
    """
    return on(small(adapt=Adaptation(depth_range_m=(0.0, 8.0), width=16, layers=4)), shifted(), 600)


def shifted(task_names: Sequence[str] = ALL_MAPS[:2]) -> tuple[Source, ...]:
    """Light ground with labels, dark ground without; both are evaluated."""
    light, dark = scenes(task_names), scenes(task_names, ground="dark", labelled=(), name="scenes/dark")
    return (*light, *dark)


def real() -> Run:
    """Real maps under $MOTET_DATA on the trunk of `pretrain`: every set has some of the four kinds.

    Depth and normals of 7-Scenes' kitchen, classes of CamVid's streets, boundaries of BSDS500; steps mix rows of all.
    """
    return on(small(), mapped(), 700, rates={"sevenscenes": 0.3, "streets": 0.4, "boundaries": 0.3})


def paper() -> Run:
    """The paper's multi-task run on Taskonomy, every value as published; the data under $MOTET_DATA."""
    return published()


def paper_novel() -> Run:
    """As `paper`, evaluated on NYUv2 without training on it (table 5)."""
    return published_novel()


def paper_cityscapes() -> Run:
    """The paper's multi-task run on Cityscapes: classes, depth, normals (table 2)."""
    return published_streets("cityscapes")


def paper_synthia() -> Run:
    """The paper's multi-task run on SYNTHIA: classes and depth."""
    return published_streets("synthia")


def paper_vkitti2() -> Run:
    """The paper's multi-task run on Virtual KITTI 2, from which `paper_transfer` starts."""
    return published_streets("vkitti2")


def paper_nyuv2() -> Run:
    """The paper's multi-task run on NYUv2: classes, depth, normals."""
    return published_streets("nyuv2")


def paper_transfer() -> Run:
    """Zero-shot task transfer from Virtual KITTI 2 to Cityscapes, whose normals are evaluated only (table 3)."""
    return published_transfer()


def paper_adapt() -> Run:
    """Unsupervised domain adaptation from Virtual KITTI 2 to Cityscapes: classes and depth (table 4)."""
    return published_adaptation()


def _named(trunk: Word) -> Run:
    sources = named()
    rates = {"scenes/names": 0.5, "cifar10": 0.3, "fashion": 0.2}
    there = {source.name: rates[source.name] for source in sources if source.role == "train"}
    return on(classifier(trunk), sources, 2000, start=None, rates=there, batch_size=32, lr=1e-3)
