"""The same adapters on four families of trunk, by changing one word.

    motet study studies/vit_adapters_trunks.py --on local:2 --table docs/results/vit_adapters_trunks.md

No pretrained trunk of these families comes with a package: here each is trained from scratch with its adapters, on the
four maps of scenes, by the plan of `vit_adapters:tiny`.
"""

from __future__ import annotations

from motet.experiments.study import Study
from motet.nn.tower import FromScratch
from motet.recipes.data.vit_adapters import scenes
from motet.recipes.vit_adapters import Word, on, small
from motet.training.run import Run

WORDS: tuple[Word, ...] = ("swinv2", "vit", "pvt", "focalnet")


def cell(word: Word) -> Run:
    """The adapters on one trunk."""
    few = scenes(train=400, val=20, test=200, size=64)
    return on(small(word, size=64, mode=FromScratch()), few, 120, start=None, precision="float32")


def study() -> Study:
    """Four words, one seed."""
    return Study(
        name="vit_adapters_trunks",
        cells={word: cell(word) for word in WORDS},
        seeds=(0,),
        minutes=10,
        about="Scenes of the embedded world (a test bed, not real data) at 64 pixels; trunks of six blocks, the ViT of "
        "eight, from scratch with their adapters.",
    )
