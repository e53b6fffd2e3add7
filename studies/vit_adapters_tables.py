"""The adapters' tables 2 to 5 at laptop scale, on scenes, and what their parts do.

    motet study studies/vit_adapters_tables.py --on local:2 --table docs/results/vit_adapters_tables.md

All runs share one trunk, pretrained to classify images of one thing, of twenty kinds in four styles. Table 2: one model
per task, all weights trained for several tasks, and adapters on the frozen trunk, for classes and depth (S-D), normals
(S-D-N) and edges (S-D-N-E). What the parts do: adapters for S-D-N-E without one of them, and with other affinities than
those that are learned: equal ones, none, learned ones in a wrong order, the paper's letter, and those of a finished run
held fixed. Table 3: what was trained in colour goes on with black lines, without their last map. Table 4: light ground
with labels and dark ground without. Table 5: what was trained in colour is evaluated on black lines. Longer: the
rows of four tasks of table 2, and two of other affinities, with four times the steps, for 120 underfit. Table 6,
parameters and time, is `bench/bench_adapters.py`.

A model of several tasks takes as many steps as a model of one: each of its rows has all maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from motet.data.source import Source
from motet.experiments.study import Study
from motet.recipes.data.vit_adapters import ALL_MAPS, named, scenes
from motet.recipes.vit_adapters import classifier, on, small, vanilla
from motet.systems.vit_adapters import Adaptation, Adapters, FixedAffinities, Troa, ViTAdaptersConfig
from motet.training.run import From, Run

SIZE, STEPS, LONGER, NAMED, FEWER = 64, 120, 480, 1200, 60
SETS: Mapping[str, tuple[str, ...]] = {"S-D": ALL_MAPS[:2], "S-D-N": ALL_MAPS[:3], "S-D-N-E": ALL_MAPS}
PRETRAIN, BEST = "trunk that names scenes", "adapters, S-D-N-E"
OF_STUDY = Path("of the study")
TRUNK, EVERYTHING = From(OF_STUDY, include=("trunk.",)), From(OF_STUDY)
Cells: TypeAlias = dict[str, Run]
Starts: TypeAlias = dict[str, str]


def study() -> Study:
    """Every row of tables 2 to 5, of the parts, and of longer training; three seeds."""
    names = named(size=SIZE, real=False)
    cells: Cells = {PRETRAIN: on(classifier(size=SIZE), names, NAMED, start=None, lr=1e-3, precision="float32")}
    starts: Starts = {}
    for more in (table_2, parts, table_3, table_4, table_5, longer):
        found, from_cells = more()
        cells |= found
        starts |= {cell: from_cells.get(cell, PRETRAIN) for cell in found}
    return Study(
        name="vit_adapters_tables",
        cells=cells,
        seeds=(0, 1, 2),
        minutes=20,  # a run takes one to four on a free core; this leaves room for a busy machine
        about="Scenes of the embedded world (a test bed, not real data) at 64 pixels, a Swin V2 of 24 to 192 channels.",
        starts=starts,
    )


def table_2() -> tuple[Cells, Starts]:
    """Single-task, vanilla multi-task, adapters."""
    cells = {f"single-task/{task}": run(vanilla(size=SIZE), maps((task,))) for task in ALL_MAPS}
    for name, requested in SETS.items():
        cells[f"vanilla, {name}"] = run(vanilla(size=SIZE), maps(requested))
        cells[f"adapters, {name}"] = run(adapters(), maps(requested))
    return cells, {}


def parts() -> tuple[Cells, Starts]:
    """S-D-N-E without one of the parts, and with other affinities."""
    plain = adapters().adapters or Adapters()
    held = run(
        adapters(affinities=FixedAffinities()), maps(ALL_MAPS), start=From(OF_STUDY, include=("trunk.", "affinities"))
    )
    cells = {
        "no task-adapted attention": run(adapters(replace(plain, attention=None)), maps(ALL_MAPS)),
        "no task-scaled norm": run(adapters(replace(plain, norm=None)), maps(ALL_MAPS)),
        "no bottleneck": run(adapters(replace(plain, bottleneck=None)), maps(ALL_MAPS)),
        "no TROA, one-hot": run(adapters(affinities=FixedAffinities("one-hot")), maps(ALL_MAPS)),
        "no TROA, uniform": run(adapters(affinities=FixedAffinities("uniform")), maps(ALL_MAPS)),
        "TROA, shuffled": run(adapters(affinities=Troa(every=25, shuffled=True)), maps(ALL_MAPS)),
        "TROA, sign of the letter": run(adapters(affinities=Troa(every=25, sign=-1)), maps(ALL_MAPS)),
        "TROA, losses not weighed": run(adapters(affinities=Troa(every=25, weigh_losses=False)), maps(ALL_MAPS)),
        "affinities of a finished run": held,
    }
    return cells, {"affinities of a finished run": BEST}


def table_3() -> tuple[Cells, Starts]:
    """Zero-shot task transfer, from colour to black lines, of which the last map is never shown."""
    cells: Cells = {}
    starts: Starts = {}
    for name in ("S-D", "S-D-N"):
        lines = scenes(SETS[name], style="line", labelled=SETS[name][:-1], size=SIZE, name="scenes/lines")
        for kind, system in (("vanilla", vanilla(size=SIZE)), ("adapters", adapters())):
            cells[f"transfer, {kind}, {name}"] = run(system, lines, FEWER, start=EVERYTHING)
            starts[f"transfer, {kind}, {name}"] = f"{kind}, {name}"
    return cells, starts


def table_4() -> tuple[Cells, Starts]:
    """Adaptation from light ground to dark; none, and the oracle, which has the dark ground's labels."""
    requested = SETS["S-D"]
    dark = scenes(requested, ground="dark", size=SIZE, name="scenes/dark")
    light = scenes(requested, roles=("train",), size=SIZE)
    unlabelled = scenes(requested, ground="dark", labelled=(), size=SIZE, name="scenes/dark")
    cells = {
        "light to dark, vanilla, not adapted": as_it_is(vanilla(size=SIZE), requested, dark),
        "light to dark, adapters, not adapted": as_it_is(adapters(), requested, dark),
        "light to dark, vanilla, adapted": run(adapted(vanilla(size=SIZE)), (*light, *unlabelled), batch_size=32),
        "light to dark, adapters, adapted": run(adapted(adapters()), (*light, *unlabelled), batch_size=32),
        "dark, adapters, oracle": run(adapters(), dark),
        **{
            f"dark, single-task oracle/{task}": run(
                vanilla(size=SIZE), scenes((task,), ground="dark", size=SIZE, name="scenes/dark")
            )
            for task in requested
        },
    }
    starts = {f"light to dark, {kind}, not adapted": f"{kind}, S-D" for kind in ("vanilla", "adapters")}
    return cells, starts


def table_5() -> tuple[Cells, Starts]:
    """Another domain without fine-tuning: what was trained in colour, on black lines."""
    lines = scenes(style="line", roles=("test",), size=SIZE, name="scenes/lines")
    cells = {
        "novel, vanilla, S-D-N-E": as_it_is(vanilla(size=SIZE), ALL_MAPS, lines),
        "novel, adapters, S-D-N-E": as_it_is(adapters(), ALL_MAPS, lines),
    }
    starts = {f"novel, {kind}, S-D-N-E": f"{kind}, S-D-N-E" for kind in ("vanilla", "adapters")}
    for task in ALL_MAPS:
        only = scenes((task,), style="line", roles=("test",), size=SIZE, name="scenes/lines")
        cells[f"novel, single-task/{task}"] = as_it_is(vanilla(size=SIZE), (task,), only)
        starts[f"novel, single-task/{task}"] = f"single-task/{task}"
    return cells, starts


def longer() -> tuple[Cells, Starts]:
    """Four tasks with more steps: one model per task, all weights, adapters; and those with other affinities."""
    shuffled = Troa(every=25, shuffled=True)
    cells = {f"longer, single-task/{task}": run(vanilla(size=SIZE), maps((task,)), LONGER) for task in ALL_MAPS}
    cells["longer, vanilla"] = run(vanilla(size=SIZE), maps(ALL_MAPS), LONGER)
    cells["longer, adapters"] = run(adapters(), maps(ALL_MAPS), LONGER)
    cells["longer, no TROA, uniform"] = run(adapters(affinities=FixedAffinities("uniform")), maps(ALL_MAPS), LONGER)
    cells["longer, TROA, shuffled"] = run(adapters(affinities=shuffled), maps(ALL_MAPS), LONGER)
    return cells, {}


def run(
    system: ViTAdaptersConfig,
    sources: Sequence[Source],
    steps: int = STEPS,
    *,
    start: From = TRUNK,
    batch_size: int = 16,
) -> Run:
    """One cell."""
    return on(system, sources, steps, start=start, batch_size=batch_size, precision="float32")


def as_it_is(system: ViTAdaptersConfig, requested: Sequence[str], evaluated: Sequence[Source]) -> Run:
    """A finished model, evaluated on another domain without a step of training."""
    learned = scenes(requested, roles=("train",), size=SIZE)
    return run(system, (*learned, *(source for source in evaluated if source.role == "test")), 0, start=EVERYTHING)


def maps(requested: Sequence[str]) -> tuple[Source, ...]:
    """Scenes in colour on light ground with these maps."""
    return scenes(requested, size=SIZE)


def adapters(of: Adapters | None = None, affinities: Troa | FixedAffinities | None = None) -> ViTAdaptersConfig:
    """Adapters on the frozen trunk."""
    return small(size=SIZE, adapters=of, affinities=affinities)


def adapted(system: ViTAdaptersConfig) -> ViTAdaptersConfig:
    """The same with discriminators of its maps."""
    return replace(system, adapt=Adaptation(depth_range_m=(0.0, 8.0), width=16, layers=4))
