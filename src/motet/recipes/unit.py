"""Runs of UniT: the paper's, a small one on scenes, a detector on scenes, one on real data.

motet train unit:tiny      scenes: boxes with attributes, questions, entailment, sentences; under 90 seconds
motet train unit:detector  a detector of scenes, some minutes on two cores
motet train unit:cells     a detector of blood cells, under $MOTET_DATA
motet train unit:real      real data there; starts from that detector (:real_separate_decoders: one decoder per task)
motet plan unit:paper      every value of the paper, on the eight data sets it names
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.nn.feature_maps import BundledLite0Map
from motet.nn.text_encoders import BundledMiniLM, TextConfig, TinyBert
from motet.nn.tower import EncoderMode, FromScratch, Frozen
from motet.preprocess.crops import Crop, InceptionCrop, Whole
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.unit import REAL_RATES, collected
from motet.recipes.lit_decoder import stored
from motet.recipes.paper.unit import published
from motet.scenes import CREDIT
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.options import DetectionConfig, FixedSize, TextLimits
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import SkipUnusedAdamW
from motet.training.run import From, Run

TINY_SHARES: Mapping[str, float] = {"describe": 7, "colour": 6, "entail": 8, "entailment": 7, "answerable": 7}
"""How many steps of 35: boxes with attributes, questions, visual entailment, two tasks on pairs of sentences."""

CELLS = From(Path("runs/unit-cells"), made_by="motet train unit:cells")
"""Where `motet train unit:cells` leaves its run."""


def small(
    *,
    width: int = 128,
    depth: int = 2,
    image_size: int = 128,
    text: TextConfig | None = None,
    text_mode: EncoderMode | None = None,
    box_queries: int = 10,
    max_tokens: int = 48,
    linear: bool = False,
    crop: Crop | None = None,
) -> UniTConfig:
    """A UniT for a laptop: the embedded frozen EfficientNet-Lite0, a small BERT from scratch, shallow and narrow.

    Runs of minutes underfit: nothing is dropped; images are only resized, so that the frozen trunk's features can be
    stored; with a `crop`, training images are cropped and mirrored too. The paper's own values are in `paper`.
    """
    return UniTConfig(
        trunk=BundledLite0Map(size=image_size, stage=(-2, -1)),
        views=FixedSize(crop or Whole()),
        hflip=crop is not None,
        image_width=width,
        image_depth=depth,
        image_heads=4,
        text=text or TinyBert(width=width, dropout=0.0),
        text_mode=text_mode or FromScratch(),
        text_limits=TextLimits(max_tokens=max_tokens, max_tokens_with_image=max_tokens),
        width=width,
        depth=depth,
        heads=4,
        hidden=2 * width,
        dropout=0.0,
        attention_dropout=0.0,
        box_queries=box_queries,
        other_queries=4,
        linear=linear,
    )


def tiny() -> Run:
    """UniT on scenes: boxes with attributes, questions, entailment, two tasks on sentences. Two cores, 90 seconds."""
    scenes = SceneSources(
        task_names=tuple(TINY_SHARES), train=400, val=20, test=200, kinds=6, things=(1, 2), answers="each", sentences=8
    )
    system = small(width=96)
    # What [CLS] alone passes on of a sentence is learned after 50 to 200 of these few steps, or not at all, by chance.
    every_token = dict.fromkeys(("entail", "entailment", "answerable"), False)
    return replace(
        world(scenes, 470, TINY_SHARES),
        system=replace(system, text_limits=replace(system.text_limits, cls_only=every_token)),
        # Mean over 15 runs, and three of their standard deviations: five seeds in 32 bits with AVX-512, five more with
        # AVX2, and the first five in bfloat16.
        expect={
            ("describe", "ap"): (10.2, 4.3),
            ("colour", "answer_match"): (79.7, 8.8),
            ("entail", "accuracy"): (69.0, 5.5),
            ("entailment", "accuracy"): (66.8, 9.8),
            ("answerable", "accuracy"): (73.9, 3.4),
        },
    )


def detector() -> Run:
    """A detector of scenes, which a shared model may start from: six kinds of thing, up to three in an image."""
    return world(
        SceneSources(task_names=("detect",), train=1500, val=100, test=200, kinds=6, things=(1, 3)), 2000, {"detect": 1}
    )


def world(of: SceneSources, steps: int, shares: Mapping[str, float], *, batch_size: int = 32) -> Run:
    """Returns a run on scenes.

    Args:
        of: the scenes and tasks.
        steps: iterations, each a batch of one task.
        shares: relative number of steps of each task, by name.
        batch_size: rows of a step.
    """
    sources = of.sources()
    rates = {f"scenes/{name}": share for name, share in shares.items()}
    return Run(
        system=small(),
        sources=sources,
        schedule=Mixed(rates=FixedRates(rates), batch_size=batch_size, whole_batches=True),
        train=TrainConfig(steps=steps, lr=1e-3, optimizer=SkipUnusedAdamW(), precision="bfloat16", seed=0),
        balancer=TaskMean(),
        features=stored(),
        credit=(CREDIT,),
    )


def cells() -> Run:
    """A detector of blood cells alone (BCCD under $MOTET_DATA), which `real` starts from; some ten minutes.

    With a dozen cells per image a detector with queries learns nothing for thousands of steps: it predicts the most
    frequent positions of cells. Crops of down to a sixteenth of the image hold one to twelve cells, also larger ones,
    and with those it learns to attend to the image (docs/LOG.md).
    """
    run = _photographs("bccd")
    return replace(
        run,
        schedule=Mixed(rates=FixedRates({"bccd": 1}), batch_size=16, whole_batches=True),
        train=replace(run.train, steps=4000),
    )


def real() -> Run:
    """UniT on real data under $MOTET_DATA: blood cells and COCO boxes, questions, entailment, four tasks of GLUE.

    It starts from the detector of cells, which `motet train unit:cells` leaves in its usual folder. BCCD is the
    detection set to evaluate on; the COCO subset is too small for a claim. Data sets without a test set are split by
    image or by line. Both encoders are frozen; features of images with boxes are stored for 32 views, half of them
    mirrored, all but one cropped, with boxes to match.
    """
    run = _photographs()
    # A third of 40 queries match a cell; DETR's 0.1 is for seven things in 100 queries, and gives too many boxes here.
    system = replace(photographed(), detection=DetectionConfig(background=0.4))
    start = replace(CELLS, include=("vision.", "decoder.", "queries.bccd", "heads.bccd."))
    return replace(run, system=system, start=start)


def real_separate_decoders() -> Run:
    """The run of `real` with one decoder per task; the image encoder and its start are still shared."""
    run = real()
    start = replace(
        CELLS,
        include=("vision.", "decoders.bccd.", "queries.bccd", "heads.bccd."),
        rename={"decoder.": "decoders.bccd."},
    )
    return replace(
        run, system=replace(photographed(), detection=DetectionConfig(background=0.4), shared=False), start=start
    )


def photographed() -> UniTConfig:
    """Returns a UniT for real images: 224 pixels, crops of any size, 40 box queries, a frozen text encoder."""
    return small(
        image_size=224,
        text=BundledMiniLM(),
        text_mode=Frozen(),
        box_queries=40,
        max_tokens=64,
        crop=InceptionCrop(min_area=0.06),
    )


def _photographs(*only: str) -> Run:
    """Returns the real data of some tasks, by default of all."""
    return Run(
        system=photographed(),
        sources=tuple(source for source in collected() if not only or source.tasks[0].name in only),
        schedule=Mixed(rates=FixedRates(REAL_RATES), batch_size=16, whole_batches=True),
        train=TrainConfig(
            steps=2000, lr=5e-4, grad_clip=0.1, optimizer=SkipUnusedAdamW(), precision="bfloat16", seed=0
        ),
        balancer=TaskMean(),
        features=stored(views=32),
    )


def paper() -> Run:
    """UniT's run on eight data sets (section 4.2), every value as published; the data under $MOTET_DATA."""
    return published()
