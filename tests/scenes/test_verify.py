"""Statements about one image: what they are called, and how that stands to SNLI-VE's classes."""

from collections import Counter

import numpy as np

from motet.data.check import annotation_error
from motet.data.formats.hypotheses import ENTAILMENT_NAMES
from motet.losses import default_for
from motet.scenes import Scenes, SceneStatements
from motet.scenes.tasks import scene_entailment
from motet.tasks import visual_entailment

ROWS = SceneStatements(Scenes(part="train", count=300, kinds=12, size_hw=(32, 32)), "entailment")


def test_entailment_has_three_classes_with_names_about_one_image() -> None:
    assert ROWS.names == ("contradiction", "neutral", "entailment")
    found = Counter(ROWS.names[ROWS[row].labels["class"]] for row in range(len(ROWS)))
    assert set(found) == set(ROWS.names)
    assert min(found.values()) > 70
    row = ROWS[0]
    assert (len(row.images), len(row.image_ids)) == (1, 1)
    assert isinstance(row.text, str)
    assert row.labels["answer"] == ROWS.names[row.labels["class"]]
    assert row.images[0].read()


def test_the_same_task_serves_snli_ve_and_scenes_whose_order_is_the_readers() -> None:
    ours, theirs = visual_entailment("entail", ROWS.names), visual_entailment("entail", ENTAILMENT_NAMES)
    assert ours == scene_entailment()
    assert ours.target.names != theirs.target.names  # both are a Label
    assert sorted(ours.target.names) == sorted(theirs.target.names)
    same = ("name", "inputs", "label", "metrics", "prompt", "category", "invariant", "equivariant", "loss")
    assert all(getattr(ours, field) == getattr(theirs, field) for field in same)
    assert type(default_for(ours.target)) is type(default_for(theirs.target))
    for row in range(20):
        annotation = ours.annotation_of(ROWS[row])
        assert annotation_error(annotation, ours.target) is None
        assert ours.target.names[annotation] == ROWS[row].labels["answer"]


def test_neutral_sentences_are_told_apart_by_their_words_and_the_others_are_not() -> None:
    """A neutral sentence is about what no image shows; whether the others hold, only the image says."""
    openings = {name: Counter[str]() for name in ROWS.names}
    for row in range(len(ROWS)):
        example = ROWS[row]
        assert isinstance(example.text, str)
        openings[ROWS.names[example.labels["class"]]][" ".join(example.text.split()[:2])] += 1
    shared = openings["contradiction"].keys() & openings["entailment"].keys()
    parts = [
        sum(openings[name][key] for key in shared) / openings[name].total() for name in ("contradiction", "entailment")
    ]
    assert np.min(parts) > 0.7
