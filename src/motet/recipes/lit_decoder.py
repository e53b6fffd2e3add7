"""Runs of the LiT decoder: the paper's, a small one on scenes, one on real photographs, the demo's.

motet train lit_decoder:tiny      scenes, under 90 seconds on two cores
motet train lit_decoder:photos    real data under $MOTET_DATA
motet plan lit_decoder:paper      every value of the paper, on the ten data sets it names
"""

from __future__ import annotations

from dataclasses import replace

from motet.core import Reader
from motet.core.cache_folder import cache_folder
from motet.data.readers import EasyVqa
from motet.data.sampling_rates import FixedRates, Temperature
from motet.data.schedules import Mixed
from motet.data.source import Role, Source
from motet.data.splits import Subset, split_by_image
from motet.nn.encoders import BundledLite0
from motet.preprocess.crops import Whole
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.photos import photographs
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.paper.lit_decoder import published
from motet.scenes import CREDIT
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.options import ClassStrings, ScoredClasses
from motet.tasks import question_answering
from motet.training.config import TrainConfig
from motet.training.optim import AdamW
from motet.training.run import Features, Run

TINY_TASKS = ("largest", "number", "caption", "caption_de", "colour", "position")
DEMO_TASKS = ("largest", "number", "read", "caption", "count", "exist")


def small(*, width: int = 256, depth: int = 2, image_size: int = 128, pieces: int = 2000) -> LiTDecoderConfig:
    """A LiT decoder for a laptop: the embedded frozen EfficientNet-Lite0 and a shallow, narrow decoder.

    Runs of minutes underfit: nothing is dropped or smoothed, and images are only resized. Classes are scored, not
    generated. The paper's own values are in `paper`.
    """
    return LiTDecoderConfig(
        encoder=BundledLite0(size=image_size, stage=(-2, -1)),
        depth=depth,
        width=width,
        heads=max(1, width // 64),
        dropout=0.0,
        label_smoothing=0.0,
        max_tokens=48,
        tokenizer=TrainedTokenizer(size=pieces),
        classes=ScoredClasses(),
        crop=Whole(),
        hflip=False,
    )


def stored(views: int = 1) -> Features:
    """Returns the feature store in the user's cache (``$MOTET_CACHE``, else ``~/.cache/motet``), shared by all runs."""
    return Features(cache_folder() / "features", views)


def tiny() -> Run:
    """LiT decoder on scenes: six tasks with generated text. Two cores, under 90 seconds; CI runs it."""
    world = SceneSources(task_names=TINY_TASKS, train=600, val=40, test=200, kinds=6, things=(1, 3))
    return Run(
        # With a separator between prompt and answer one run of 18 never learned to tell two tasks apart: its captions
        # were numbers (docs/LOG.md).
        system=replace(small(width=128, image_size=128), separator=False, classes=ClassStrings()),
        sources=world.sources(),
        schedule=Mixed(batch_size=64),
        train=TrainConfig(steps=400, lr=2e-3, optimizer=AdamW(), precision="bfloat16", seed=0),
        features=stored(),
        # Mean over 15 runs, and three of their standard deviations: five seeds in 32 bits with AVX-512, five more with
        # AVX2, and the first five in bfloat16.
        expect={
            ("largest", "accuracy"): (96.8, 2.6),
            ("number", "accuracy"): (81.4, 15.6),
            ("caption", "cider"): (313.9, 118.9),
            ("caption_de", "cider"): (320.1, 165.5),
            ("colour", "answer_match"): (67.8, 13.3),
            ("position", "answer_match"): (69.5, 6.6),
        },
        credit=(CREDIT,),
    )


def demo(*, quick: bool = False) -> Run:
    """The run of `motet demo`: seven tasks as text, on scenes and easy-VQA, on the frozen EfficientNet-Lite0.

    The question whether a thing is there is learned last and suddenly, after some 15,000 samples with one to three
    things in an image (twice as many with up to five), so it is sampled most often.
    """
    world = SceneSources(
        task_names=DEMO_TASKS, train=600 if quick else 1500, val=50, test=300, kinds=6, things=(1, 2 if quick else 3)
    )
    easy = question_answering("easy_vqa", crop=False)
    part = 0.1 if quick else 0.25
    rows = split_by_image(EasyVqa(part="train"), {"train": part, "val": 0.01, "rest": 0.99 - part})
    evaluated: dict[Role, Reader] = {
        "val": rows["val"],
        "test": Subset(EasyVqa(part="test"), tuple(range(0, 9000, 15))),
    }
    sources = (
        *world.sources(),
        Source(name="easy_vqa", reader=rows["train"], tasks=(easy,)),
        *(Source(name=f"easy_vqa/{role}", reader=rows, tasks=(easy,), role=role) for role, rows in evaluated.items()),
    )
    train = [source for source in sources if source.role == "train"]
    return Run(
        system=small(),
        sources=sources,
        schedule=Mixed(
            rates=FixedRates({source.name: 4.0 if source.name == "scenes/exist" else 1.0 for source in train}),
            batch_size=16 if quick else 32,
        ),
        train=TrainConfig(steps=800 if quick else 2400, lr=1e-3, optimizer=AdamW(), precision="bfloat16", seed=0),
        features=stored(),
        credit=(CREDIT,),
    )


def photos() -> Run:
    """LiT decoder on real data under $MOTET_DATA: classes, captions in two languages, receipts, questions.

    Every set is cut by image: no test image is in the training data, and every test set has 200 images or more.
    """
    return Run(
        system=small(pieces=3000),
        sources=photographs(),
        schedule=Mixed(rates=Temperature(2.0), batch_size=16),
        train=TrainConfig(steps=3000, lr=7e-4, optimizer=AdamW(), precision="bfloat16", seed=0),
        features=stored(),
    )


def paper() -> Run:
    """The paper's multi-task run (table 1), every value as published; ten data sets under $MOTET_DATA."""
    return published()
