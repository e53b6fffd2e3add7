"""Runs `motet` in this process, as the command line would, on a small recipe of one's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import Ran, call, forgotten
from PIL import Image

from motet.config.recipe_files import load_recipe
from motet.training.run import Run

RECIPE = '''
from pathlib import Path

from motet.core import MeanMetric
from motet.data.splits import split_by_image
from motet.data.readers import ImageFolder, Table
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import classification, question_answering
from motet.training.config import TrainConfig
from motet.training.run import Run

DATA = Path(__file__).parent


def run() -> Run:
    """Two kinds of grey, and a question about them."""
    kinds = ImageFolder(DATA / "kinds", name="kinds")  # a cut goes by ids, and they must not go by the folder's name
    labels = {"answers": "answer"}
    asked = Table(DATA / "questions.csv", image="image", text="question", labels=labels, image_id="greys/{image}")
    tasks = {"kind": (kinds, classification("kind", kinds.names)), "vqa": (asked, question_answering("vqa"))}
    sources = []
    for name, (reader, task) in tasks.items():
        parts = split_by_image(reader, {"train": 0.5, "val": 0.25, "test": 0.25}, seed=3)
        sources += [
            Source(name=name if role == "train" else f"{name}/{role}", reader=part, tasks=(task,), role=role)
            for role, part in parts.items()
        ]
    system = LiTDecoderConfig(
        encoder=PlainViT(size=32, width=16, depth=1, heads=1), depth=1, width=16, heads=1, max_tokens=32,
        tokenizer=TrainedTokenizer(size=300),
    )
    return Run(
        system=system, sources=tuple(sources), schedule=Mixed(batch_size=4), train=TrainConfig(steps=4),
        expect={("kind", "accuracy"): (0.0, 0.0)}, credit=("Greys: nobody's",),
    )
'''


@pytest.fixture
def motet(monkeypatch) -> Callable[..., Ran]:
    """Calls `motet` with arguments; gives the exit code and what was printed."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    return call


def write_recipe(folder: Path) -> Path:
    """Twelve grey pictures of two kinds, with a question each, and a recipe for them."""
    rows = []
    for name, value in (("dark", 20), ("light", 200)):
        (folder / "kinds" / name).mkdir(parents=True)
        for index in range(6):
            Image.new("L", (8, 8), value + index).save(folder / "kinds" / name / f"{index}.png")
            rows.append((f"kinds/{name}/{index}.png", "is it dark ?", "yes" if name == "dark" else "no"))
    with (folder / "questions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "question", "answer"), *rows])
    (folder / "grey_recipe.py").write_text(RECIPE)
    return folder / "grey_recipe.py"


@pytest.fixture
def alone(tmp_path_factory) -> Path:
    """The folder of a run whose recipe is gone; what loading the recipe left is taken back."""
    folder = tmp_path_factory.mktemp("alone")
    with forgotten():
        made = write_recipe(folder).rename(folder / "recipe_that_is_gone.py")  # no module of another test has its name
        assert call("train", made, "--folder", folder / "run").code == 0
    made.unlink()
    return folder / "run"


@pytest.fixture
def forget() -> Iterator[None]:
    """Loads recipes of one's own for this test only."""
    with forgotten():
        yield


@pytest.fixture
def recipe(tmp_path) -> Iterator[Path]:
    """The recipe, in a folder of its own."""
    with forgotten():
        yield write_recipe(tmp_path)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Iterator[Run]:
    """The run of the recipe."""
    with forgotten():
        yield load_recipe(f"{write_recipe(tmp_path_factory.mktemp('loaded'))}:run")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Iterator[tuple[Path, Path, Ran]]:
    """The recipe, a run that was trained with it, and what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    with forgotten():
        made = write_recipe(folder)
        yield made, folder / "run", call("train", made, "--folder", folder / "run", "--check")
