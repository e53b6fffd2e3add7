"""A run that starts from another one: what it takes over, what it says of the rest, and whose words it speaks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from motet.core import CheckpointError, Example, MemoryImage
from motet.core.model_folder import read_weights
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.hub import load_system
from motet.nn.encoders import PlainViT
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.scene_sources import SceneSources
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.lit_decoder.options import ClassTokens
from motet.tasks import classification
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system
from motet.training.run import From, Run
from motet.training.run_training import run_training

FOUR = ("largest", "number", "read", "caption")
THREE_AND_A_NEW_ONE = ("caption", "largest", "number", "count")
PIECES = tuple(f"decoder.pieces.{name}" for name in ("embedding", "kernel", "bias"))
CPU = torch.device("cpu")


def run_of(asked: tuple[str, ...], *, seed: int = 0, start: From | None = None, max_tokens: int = 32) -> Run:
    """Scenes asked for these, answered by a very small LiT decoder."""
    system = LiTDecoderConfig(
        encoder=PlainViT(size=32, width=16, depth=1, heads=1),
        depth=1,
        width=16,
        heads=1,
        max_tokens=max_tokens,
        tokenizer=TrainedTokenizer(size=290),
    )
    sources = SceneSources(task_names=asked, train=6, val=2, test=2, size=32).sources(("train", "val"))
    plan = TrainConfig(steps=2, lr=0.01, seed=seed)
    return Run(system=system, sources=sources, schedule=Mixed(batch_size=4), train=plan, start=start)


@dataclass(frozen=True)
class Kinds:
    """Two pictures."""

    def __len__(self) -> int:
        return 2

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"k{index}",)

    def __getitem__(self, index: int) -> Example:
        image = BytesIO()
        Image.new("RGB", (32, 32), (90 * index, 0, 0)).save(image, "png")
        file = MemoryImage(f"k{index}.png", image.getvalue())
        return Example(id=f"k{index}", images=(file,), image_ids=self.keys(index), labels={"class": index})


VIT = PlainViT(size=32, width=16, depth=1, heads=1)
ByTokens = LiTDecoderConfig(
    encoder=VIT, depth=1, width=16, heads=1, max_tokens=32, tokenizer=TrainedTokenizer(size=290), classes=ClassTokens()
)
ByHead = FeedforwardConfig(encoder=VIT)


def classes_of(names: tuple[str, ...], system: LiTDecoderConfig | FeedforwardConfig) -> Run:
    source = Source(name="kinds", reader=Kinds(), tasks=(classification("kind", names),))
    return Run(system=system, sources=(source,), schedule=Mixed(batch_size=2), train=TrainConfig(steps=1))


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: four tasks, trained."""
    folder = tmp_path_factory.mktemp("four") / "run"
    run_training(run_of(FOUR), folder, device="cpu", show=False)
    return folder


def test_all_that_fits_is_taken_over_and_the_rest_is_listed(four):
    system, matched = initial_system(run_of(THREE_AND_A_NEW_ONE, seed=1, start=From(four)), CPU)
    old, new = read_weights(four), system.state_dict()
    assert matched is not None
    assert set(matched.matched) == set(old) & set(new)
    assert all(torch.equal(new[name], old[name]) for name in matched.matched)
    assert {"tower", "decoder"} <= {name.split(".")[0] for name in matched.matched}
    # The new task's prompt is not there to be taken, the old one's has no place; nothing else differs.
    assert len(matched.missing) == len(matched.unused) == 1
    assert "count" in matched.missing[0]
    assert "read" in matched.unused[0]


def test_a_row_of_a_table_stands_for_the_same_piece_as_before(four):
    run = run_of(THREE_AND_A_NEW_ONE, seed=1, start=From(four))
    old, _ = initial_system(run_of(FOUR), CPU)
    own, _ = initial_system(replace(run, start=None), CPU)
    assert own.assets() != old.assets()  # trained on other texts, and no shape shows it:
    assert all(own.state_dict()[name].shape == old.state_dict()[name].shape for name in PIECES)
    started, _ = initial_system(run, CPU)
    assert started.assets() == old.assets()
    ids = old.sequences.tokenizer.encode("a red circle")
    assert started.sequences.tokenizer.encode("a red circle") == ids


def test_part_of_a_decoder_brings_its_words_and_an_encoder_does_not(four):
    old, _ = initial_system(run_of(FOUR), CPU)
    for taken, same_words in (("decoder.", True), ("decoder.pieces.embedding", True), ("tower.", False)):
        start = From(four, include=(taken,))
        started, matched = initial_system(run_of(THREE_AND_A_NEW_ONE, seed=1, start=start), CPU)
        assert matched is not None
        assert all(name.startswith(taken) for name in matched.matched)
        assert (started.assets() == old.assets()) is same_words
    without = From(four, exclude=PIECES)
    started, matched = initial_system(run_of(THREE_AND_A_NEW_ONE, seed=1, start=without), CPU)
    assert matched is not None
    assert set(PIECES) <= set(matched.missing)
    assert started.assets() != old.assets()


def test_the_report_and_the_run_say_what_did_not_match_also_when_the_run_goes_on(four, tmp_path):
    run = run_of(THREE_AND_A_NEW_ONE, seed=1, start=From(four))
    for resume in (False, True):
        report = run_training(run, tmp_path, device="cpu", resume=resume, show=False)
        (fresh, left) = [line for line in report.notes if line.startswith("started from another run: ")]
        assert fresh.startswith("started from another run: 1 missing in the saved weights: decoder.")
        assert "count" in fresh
        assert left.startswith("started from another run: 1 unused, not in this system: decoder.")
        assert "read" in left
        written = json.loads((tmp_path / "run.json").read_text())["started_from"]
        assert written["missing"] == [fresh.rpartition(": ")[2]]
        assert written["unused"] == [left.rpartition(": ")[2]]
        assert set(PIECES) <= set(written["matched"])
        assert {result.task for result in report.results} >= {task.name for task in run.tasks}


def test_another_shape_is_an_error_unless_it_is_excluded(four):
    run = run_of(THREE_AND_A_NEW_ONE, start=From(four), max_tokens=40)
    with pytest.raises(CheckpointError) as raised:
        initial_system(run, CPU)
    assert str(raised.value) == (
        f"{four}: decoder.positions: got shape (32, 16); want (40, 16), or From.exclude with that name"
    )
    excluded = From(four, exclude=("decoder.positions",))
    system, matched = initial_system(replace(run, start=excluded), CPU)
    assert matched is not None
    assert "decoder.positions" in matched.missing
    assert system.state_dict()["decoder.positions"].shape == (40, 16)


def test_nothing_that_fits_is_an_error(four):
    start = From(four, include=("decodr.",))
    with pytest.raises(CheckpointError, match=r"got no weight that fits \(0 names under \['decodr.'\]"):
        initial_system(run_of(FOUR, start=start), CPU)


@pytest.mark.parametrize("config", [ByTokens, ByHead])
def test_a_class_of_another_name_in_the_same_row_is_an_error(tmp_path, config):
    """The shapes are the same, so nothing else would show that "cat" now stands where "dog" was learned."""
    before = classes_of(("dog", "cat", "bird"), config)
    run_training(before, tmp_path, device="cpu", show=False)
    same, _ = initial_system(replace(before, start=From(tmp_path)), CPU)
    assert same.tasks["kind"].target == before.tasks[0].target
    after = replace(classes_of(("dog", "bird", "cat"), config), start=From(tmp_path))
    with pytest.raises(CheckpointError) as raised:
        initial_system(after, CPU)
    assert "task 'kind': got 3 names, 'cat' at index 1; want these 3, with 'bird' there" in str(raised.value)
    assert same.answer_weights("kind")[0] in str(raised.value)
    assert str(raised.value).endswith("or From.exclude with that name")
    initial_system(replace(after, start=From(tmp_path, exclude=same.answer_weights("kind"))), CPU)
    with pytest.raises(CheckpointError, match="want these 3, with 'bird' there"):
        load_system(tmp_path, tasks=after.tasks)
