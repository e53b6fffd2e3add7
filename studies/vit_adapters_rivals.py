"""Adapters beside what else trains few weights of one trunk, and beside all and none of its weights.

    motet study studies/vit_adapters_rivals.py --table docs/results/vit_adapters_rivals.md

Four maps of scenes on one trunk that was pretrained to name scenes. Rows: the frozen trunk, of which decoders alone
learn; its biases (BitFit); all of its weights; adapters with and without affinities. All decoders, learning rates and
steps are alike. Parameters that are trained and seconds per step are in each run's report.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from motet.experiments.study import Study
from motet.nn.tower import Frozen
from motet.recipes.data.vit_adapters import named, scenes
from motet.recipes.vit_adapters import classifier, on, small, vanilla
from motet.systems.vit_adapters import FixedAffinities, Troa
from motet.training.run import From

SIZE, STEPS, NAMED = 64, 240, 1200
PRETRAIN = "trunk that names scenes"
TRUNK = From(Path("of the study"), include=("trunk.",))


def study() -> Study:
    """The trunk, and one row per way to train on it; three seeds."""
    bare = replace(vanilla(size=SIZE), mode=Frozen())
    systems = {
        "frozen trunk": bare,
        "BitFit": replace(bare, unfrozen=("biases",)),
        "all weights": vanilla(size=SIZE),
        "adapters, one-hot": small(size=SIZE, affinities=FixedAffinities()),
        "adapters, equal": small(size=SIZE, affinities=FixedAffinities("uniform")),
        "adapters, average": small(size=SIZE, affinities=Troa(every=25, update="average", kappa=4.0)),
    }
    names = named(size=SIZE, real=False)
    cells = {PRETRAIN: on(classifier(size=SIZE), names, NAMED, start=None, lr=1e-3, precision="float32")}
    for name, system in systems.items():
        cells[name] = on(system, scenes(size=SIZE), STEPS, start=TRUNK, precision="float32")
    return Study(
        name="vit_adapters_rivals",
        cells=cells,
        seeds=(0, 1, 2),
        minutes=10,
        about="Scenes of the embedded world (a test bed, not real data) at 64 pixels, a Swin V2 of 24 to 192 channels.",
        starts=dict.fromkeys(systems, PRETRAIN),
    )
