"""A run of each system that takes seconds, with stored features, evaluations on the way and several checkpoints."""

from __future__ import annotations

from dataclasses import replace

from motet.data.schedules import Mixed
from motet.data.stop_and_go import StopAndGo
from motet.nn.encoders import PlainViT
from motet.nn.tower import FromScratch
from motet.recipes import lit_decoder as lit
from motet.recipes import twelve_in_one as twelve
from motet.recipes import uni_perceiver as uni
from motet.recipes import unit as unit_recipes
from motet.recipes import vit_adapters as vit
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.vit_adapters import scenes
from motet.systems.vit_adapters import Troa
from motet.training.run import Run

SYSTEMS = ("lit_decoder", "unit", "twelve_in_one", "vit_adapters", "uni_perceiver")
STEPS = 24


def lit_decoder() -> Run:
    """Generated text for four tasks, with dropout."""
    tasks = ("largest", "number", "caption", "position")
    world = SceneSources(task_names=tasks, train=96, val=6, test=12, kinds=6, things=(1, 3))
    run = lit.tiny()
    system = replace(lit.small(width=64, depth=1, image_size=96, pieces=500), dropout=0.1, separator=False)
    return _short(replace(run, system=system, sources=world.sources(), schedule=Mixed(batch_size=16)))


def unit() -> Run:
    """Boxes with attributes, questions and pairs of sentences; each step is a batch of one task."""
    shares = {"describe": 2, "colour": 2, "entailment": 1}
    world = SceneSources(
        task_names=tuple(shares), train=64, val=6, test=12, kinds=6, things=(1, 2), answers="each", sentences=2
    )
    run = unit_recipes.world(world, STEPS, shares, batch_size=8)
    return _short(replace(run, system=unit_recipes.small(width=32, depth=1, image_size=96)))


def twelve_in_one() -> Run:
    """Four tasks with an update each in every round; tasks stop and go."""
    names = ("colour", "retrieve", "refer", "entail")
    schedule = replace(twelve.rounds(names, StopAndGo()), batch_size=4, batch_sizes={"scenes/retrieve": 2})
    run = twelve.world(names, steps=STEPS, schedule=schedule)
    world = SceneSources(
        task_names=twelve.TWELVE, train=48, val=6, test=10, kinds=6, things=(2, 3), answers="one", phrases=2
    )
    sources = tuple(source for source in world.sources() if source.tasks[0].name in names)
    return _short(replace(run, sources=sources), steps=12)


def vit_adapters() -> Run:
    """Four maps of an image; the affinities of the tasks are estimated again and again."""
    system = replace(vit.small(size=32, mode=FromScratch()), affinities=Troa(every=5))
    run = vit.on(system, scenes(train=48, val=4, test=8, size=32), STEPS, start=None, batch_size=4, precision="float32")
    return _short(run)


def uni_perceiver() -> Run:
    """Names, hidden words, captions and pairs by conditional experts."""
    shares = {"largest": 2, "words": 1, "caption": 2, "retrieve": 2}
    world = SceneSources(task_names=tuple(shares), train=64, val=6, test=12, kinds=6, things=(1, 3))
    run = uni.world(world, STEPS, shares, batch_size=8)
    return _short(replace(run, system=uni.small(width=32, depth=1, image_size=96, pieces=400)))


def toy() -> Run:
    """A run of two seconds, for the tests."""
    world = SceneSources(task_names=("largest", "number"), train=24, val=2, test=4, kinds=3, things=(1, 2), size=32)
    run = lit.tiny()
    system = replace(
        lit.small(width=16, depth=1, image_size=32, pieces=300), encoder=PlainViT(size=32, width=16, depth=1, heads=1)
    )
    return _short(replace(run, system=system, sources=world.sources(), schedule=Mixed(batch_size=4)), steps=12)


def _short(run: Run, steps: int = STEPS) -> Run:
    train = replace(run.train, steps=steps, save_every=4, evaluate_every=8, keep_checkpoints=2)
    return replace(run, train=train, expect={})
