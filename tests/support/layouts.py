"""Data sets in the files of the usual tools: from `motet init` to a prediction, and what must come out of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from command_line import call, forgotten
from PIL import Image

from motet.config.recipe_files import load_recipe
from motet.core import ClassPrediction
from motet.hub.predict import load
from motet.systems.lit_decoder import Scoring
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.model import LiTDecoder
from motet.systems.unit.config import UniTConfig
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.training.run import Run

SIZE = 48, 40
"""Width and height of the images."""

_SMALL = ("train.steps=3", "train.evaluate_every=0", "train.precision=float32", "schedule.batch_size=4")
_SMALL_LIT = (*_SMALL, "system.encoder=BundledLite0(size=32)", "system.width=32", "system.depth=1")
_SMALL_UNIT = (
    *_SMALL, "system.trunk.size=64", "system.image_width=32", "system.image_depth=1", "system.width=32",
    "system.hidden=32", "system.depth=1", "system.text=TinyBert(width=32, depth=1, heads=2)",
)  # fmt: skip
SMALL: Mapping[type, tuple[str, ...]] = {
    LiTDecoderConfig: _SMALL_LIT,
    UniTConfig: _SMALL_UNIT,
    ViTAdaptersConfig: (
        *_SMALL,
        "system.trunk.size=64",
        "system.adapters.condition_width=16",
        "system.trunk.options.embed_dim=24",
    ),
}
"""Settings of the command line that make a system small, by its configuration."""


@dataclass(frozen=True)
class Found:
    """A task that `motet init` must find, and what is asked of the model.

    Args:
        task: its name.
        kind: of the task, as the detection calls it.
        rows: by the split that the files name, "" for none.
        names: of its classes.
        images: for the prediction, below the folder.
        text: for the prediction.
    """

    task: str
    kind: str
    rows: Mapping[str, int]
    names: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    text: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The beginnings of its lines in what `motet init` prints."""
        return tuple(f"{self.task}: {rows} rows{f' ({split})' if split else ''}: " for split, rows in self.rows.items())


@dataclass(frozen=True)
class Layout:
    """The files of a tool.

    Args:
        tool: that writes them, and the format as the tool calls it.
        write: writes them into a folder.
        found: every task in them, and no other.
        told: the files and folders of the lines on what is not read.
    """

    tool: str
    write: Callable[[Path], None]
    found: tuple[Found, ...]
    told: tuple[str, ...] = ()


def check(layout: Layout, folder: Path) -> None:
    """Goes from the files of a tool to a prediction of each task, with the command line alone."""
    data = folder / "data"
    layout.write(data)
    with forgotten(), contextlib.chdir(folder):
        for recipe in _recipes(layout, data):
            run = load_recipe(recipe)
            tasks = _check_sources(layout, run)
            name = recipe.rpartition(":")[2]
            settings = [part for setting in SMALL[type(run.system)] for part in ("--set", setting)]
            trained = call("train", recipe, "--folder", folder / name, "--json", *settings)
            assert trained.code == 0, trained.err
            report = json.loads(trained.out)
            assert report["finished"]
            assert {result["task"] for result in report["results"]} == tasks
            for found in layout.found:
                if found.task in tasks:
                    _check_prediction(found, data, folder / name)


def _recipes(layout: Layout, data: Path) -> list[str]:
    """Checks what `motet init` prints, and returns the recipes that it says can be trained."""
    ran = call("init", data)
    assert ran.code == 0, ran.err
    lines = ran.out[: ran.out.index("\nwrote ")].splitlines()
    unread = [line for line in lines if line.startswith(("left out: ", "note: "))]
    tasks = [line for line in lines if line and line not in unread and " models, since " not in line]
    expected = sorted(line for found in layout.found for line in found.lines)
    got = sorted(f"{line.partition(': ')[0]}: {line.partition(': ')[2].partition(': ')[0]}: " for line in tasks)
    assert got == expected, ran.out
    told = [line.partition(": ")[2].partition(": ")[0] for line in unread]
    assert sorted(told) == sorted(str(data / place) for place in layout.told), ran.out
    return [line.split()[-1] for line in ran.out.splitlines() if line.startswith("  motet train ")]


def _check_sources(layout: Layout, run: Run) -> set[str]:
    """Checks that a run reads the rows of its tasks, each once, and returns the names of the tasks."""
    names = {task.name for source in run.sources for task in source.tasks}
    for found in layout.found:
        if found.task in names:
            own = [source for source in run.sources if found.task in {task.name for task in source.tasks}]
            rows = {role: sum(len(one.reader) for one in own if one.role == role) for role in ("train", "val", "test")}
            assert sum(rows.values()) == sum(found.rows.values())
            assert all(rows.values()), rows
            assert {role: rows[role] for role in found.rows if role in ("val", "test")} == {
                role: number for role, number in found.rows.items() if role in ("val", "test")
            }
            (target,) = {task.target for source in own for task in source.tasks if task.name == found.task}
            assert tuple(getattr(target, "names", ())) == found.names
    return names


def _check_prediction(found: Found, data: Path, folder: Path) -> None:
    images = [part for place in found.images for part in ("--image", data / place)]
    text = ["--text", found.text] if found.text else []
    asked = call("predict", folder, "--task", found.task, *images, *text, "--min-score", "0", "--json")
    assert asked.code == 0, asked.err
    told = json.loads(asked.out)
    answer = told["answer"]
    match told["kind"]:
        case "BoxSet":
            with Image.open(data / found.images[0]) as image:
                width, height = image.size
            assert set(answer["names"]) <= set(found.names)
            assert answer["boxes_xyxy"]
            for left, top, right, bottom in answer["boxes_xyxy"]:
                assert 0 <= left <= right <= width
                assert 0 <= top <= bottom <= height
        case "ClassPrediction":
            assert answer["name"] in found.names
        case "TextPrediction" if found.names:  # a LiT decoder says classes in words, which so few steps do not teach
            _check_scored(found, data, folder)
        case "TextPrediction":
            assert isinstance(answer["text"], str)
            assert found.kind in ("captioning", "text reading", "question answering")
        case "DenseMap":
            assert found.kind in ("segmentation", "depth", "surface normals", "edges")
        case other:
            raise AssertionError(f"{found.task}: got {other}")


def _check_scored(found: Found, data: Path, folder: Path) -> None:
    """Checks that a LiT decoder that scores the names predicts one of them."""
    predictor = load(folder)
    assert isinstance(predictor.system, LiTDecoder)
    predictor.system.decode_with({found.task: Scoring()})
    answer = predictor(found.task, image=[str(data / place) for place in found.images])
    assert isinstance(answer, ClassPrediction)
    assert answer.name in found.names
