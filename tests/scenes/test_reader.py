"""Scenes as a reader: the same rows in every process, parts that never meet, questions drawn afresh."""

import io
import itertools
import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from motet.core import ConfigError, Example, ImageFile, rng_for
from motet.scenes import FreshQuestions, Scenes
from motet.scenes.drawings import PARTS

PRINT_ROW = """
import hashlib
from motet.scenes import KINDS, Scenes
example = Scenes(part="val", count=9, seed=5, question_kinds=KINDS, captions=("list", "colours"), text_kind="word")[7]
labels = example.labels
print(hashlib.sha256(example.images[0].read()).hexdigest())
print(example.id, example.text, labels["answer"], labels["captions"], labels["captions_ja"], labels["text"])
print(labels["boxes"].boxes_xyxy.tolist(), labels["boxes"].attributes)
print(*(hashlib.sha256(labels[name].tobytes()).hexdigest() for name in ("depth", "normals", "edges", "segmentation")))
"""


def test_a_row_is_the_same_in_any_process(capsys: pytest.CaptureFixture[str]) -> None:
    there = subprocess.run([sys.executable, "-c", PRINT_ROW], capture_output=True, text=True, check=True).stdout
    exec(PRINT_ROW, {})  # the same lines in this process, where other rows were drawn before
    assert capsys.readouterr().out == there
    assert len(there.splitlines()) == 4


def test_an_image_is_a_file_that_pillow_opens() -> None:
    example = Scenes(part="train", count=1, size_hw=(64, 96))[0]
    (image,) = example.images
    assert isinstance(image, ImageFile)
    picture = Image.open(io.BytesIO(image.read()))
    assert picture.mode == "RGB"
    assert picture.size == (96, 64)


def test_a_fingerprint_draws_nothing_and_tells_images_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = Scenes(part="train", count=3), Scenes(part="train", count=3, size_hw=(160, 160))
    monkeypatch.setattr("motet.scenes.reader.draw_scene", None)
    marks = [scenes[i].images[0].fingerprint() for scenes in (small, large) for i in range(3)]
    assert len(set(marks)) == 6
    assert marks[0] == small[0].images[0].stamp() == small[0].images[0].fingerprint()


def test_readers_that_ask_other_things_share_their_images() -> None:
    plain = Scenes(part="train", count=3, kinds=20)
    asking = Scenes(part="train", count=3, kinds=20, question_kinds=("exist", "count"), questions_per_image=2)
    assert len(asking) == 6
    assert asking.keys(4) == asking.keys(5) == plain.keys(2)
    assert asking[4].images[0].fingerprint() == plain[2].images[0].fingerprint()
    ids = [asking[i].id for i in range(6)] + [plain[i].id for i in range(3)]
    assert len(set(ids)) == 9


def test_parts_and_seeds_never_share_a_scene() -> None:
    readers = [Scenes(part=part, count=150, seed=seed, kinds=2, num_things=(1, 1)) for part in PARTS for seed in (0, 1)]
    marks = [reader[i].images[0].fingerprint() for reader in readers for i in range(150)]
    keys = [reader.keys(i) for reader in readers for i in range(150)]
    assert len(set(marks)) == len(set(keys)) == len(marks)


def test_disjoint_parts_share_no_drawing_and_have_every_name() -> None:
    readers = {part: Scenes(part=part, count=200, drawings="disjoint", num_things=(4, 5)) for part in PARTS}
    things = {part: [t for i in range(200) for t in reader.scene(i).things] for part, reader in readers.items()}
    drawn = {part: {thing.drawing for thing in found} for part, found in things.items()}
    assert not drawn["train"] & drawn["val"]
    assert not drawn["train"] & drawn["test"]
    assert not drawn["val"] & drawn["test"]
    assert all({thing.name for thing in found} == set(readers[part].names) for part, found in things.items())


def test_rows_and_readers_pickle() -> None:
    reader = pickle.loads(pickle.dumps(Scenes(part="train", count=2, question_kinds="count")))
    example = pickle.loads(pickle.dumps(reader[1]))
    assert isinstance(example, Example)
    assert example.labels["captions"] == reader[1].labels["captions"]
    assert example.labels["answer"] == reader[1].labels["answer"]
    assert pickle.loads(pickle.dumps(FreshQuestions(("exist",)))) == FreshQuestions(("exist",))


def test_past_the_end_is_an_index_error() -> None:
    scenes = Scenes(part="test", count=2)
    with pytest.raises(IndexError, match="got row 2; want 0 to 1"):
        scenes[2]
    with pytest.raises(IndexError):
        scenes[-1]
    assert len(list(iter(scenes))) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"part": "dev"}, "got 'dev'"),
        ({"count": 0}, "got count 0"),
        ({"kinds": 400}, "got 400; want 2 to"),
        ({"question_kinds": "coutn"}, "did you mean 'count'"),
        ({"num_things": (0, 3)}, "got \\(0, 3\\)"),
        ({"size_hw": (8, 8)}, "at least 32 pixels"),
        ({"captions": ()}, "got none"),
        ({"kinds": 20, "drawings": "disjoint"}, "want three drawings or more"),
        ({"style": "line", "question_kinds": "colour"}, "got 'line'"),
    ],
)
def test_a_wrong_value_is_refused_when_the_reader_is_made(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Scenes(**{"part": "train", "count": 1, **wrong})


def test_fresh_questions_depend_on_the_generator_alone() -> None:
    scenes = Scenes(part="train", count=4, kinds=20, question_kinds=("exist", "count"), questions_per_image=2)
    fresh = FreshQuestions()
    rows = [fresh(scenes, 5, rng_for("epoch", epoch)) for epoch in range(12)]
    again = [fresh(scenes, 5, rng_for("epoch", epoch)) for epoch in range(12)]
    assert [row.text for row in rows] == [row.text for row in again]
    assert len({row.text for row in rows}) > 4
    assert {row.image_ids for row in rows} == {scenes.keys(5)}


def test_fresh_questions_want_scenes_and_something_to_ask() -> None:
    with pytest.raises(ConfigError, match="want kinds here"):
        FreshQuestions()(Scenes(part="train", count=1), 0, rng_for("x"))
    with pytest.raises(ConfigError, match="want Scenes"):
        FreshQuestions(("exist",))([], 0, rng_for("x"))
    with pytest.raises(ConfigError, match="got 'colour' for line drawings"):
        FreshQuestions(("colour",))(Scenes(part="train", count=1, style="line"), 0, rng_for("x"))


def test_every_class_is_drawn_about_equally_often() -> None:
    scenes = Scenes(part="train", count=1000, kinds=20)
    counts = Counter(scenes[i].labels["class"] for i in range(1000))
    assert len(counts) == 20
    assert max(counts.values()) < 90  # 50 expected, standard deviation 7
    assert min(counts.values()) > 20


@settings(max_examples=20, deadline=None)
@given(index=st.integers(0, 10**6), written=st.sampled_from(["", "word", "number", "letters"]))
def test_things_lie_inside_apart_and_one_is_largest(index: int, written: str) -> None:
    scenes = Scenes(part="train", count=10**6 + 1, text_kind=written, num_things=(1, 6))
    example = scenes[index]
    boxes = example.labels["boxes"].boxes_xyxy
    assert (boxes >= 0).all()
    assert (boxes <= 128).all()
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(areas)
    scene = scenes.scene(index)
    assert scene.things[order[-1]] is scene.things[scene.things.index(scene.largest)]
    if len(areas) > 1:
        assert areas[order[-1]] > 1.02 * areas[order[-2]]
    xs = [thing.x for thing in scene.things]
    assert all(b - a >= 0.0599 for a, b in itertools.pairwise(xs))
    assert ("text" in example.labels) == bool(written)
