"""Layouts of scenes."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import rng_for
from motet.scenes.layout import MIN_GAP, SIDE_RANGES, SIGN_WORDS, Scene, Thing, sample_scene
from motet.scenes.nouns import nouns_of


def sample(seed: int, text_kind="", num_things=(1, 6)) -> Scene:
    return sample_scene(
        rng_for("layout test", seed), nouns_of(20), part="train", shared=True, num_things=num_things,
        text_kind=text_kind, tone="light",
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), text_kind=st.sampled_from(["", "word", "number", "letters"]))
def test_things_are_ordered_apart_and_exactly_one_is_large(seed: int, text_kind: str) -> None:
    things = sample(seed, text_kind).things
    xs = [thing.x for thing in things]
    assert xs == sorted(xs)
    assert all(later - earlier >= MIN_GAP - 1e-9 for earlier, later in itertools.pairwise(xs))
    assert [thing.size for thing in things].count("large") == 1
    assert sorted(thing.layer for thing in things) == list(range(len(things)))


def test_ranges_of_sizes_stay_apart_when_all_shrink() -> None:
    ranges = sorted(SIDE_RANGES.values())
    for (_, high), (low, _) in itertools.pairwise(ranges):
        assert high < low
    sides: dict[str, list[float]] = {"small": [], "medium": [], "large": []}
    for seed in range(300):
        scene = sample(seed, "word", (6, 6))
        by_size = {size: [thing.side for thing in scene.things if thing.size == size] for size in sides}
        for small, large in (("small", "medium"), ("medium", "large"), ("small", "large")):
            if by_size[small] and by_size[large]:
                assert max(by_size[small]) < min(by_size[large])


@pytest.mark.parametrize(("text_kind", "fits"), [
    ("word", lambda text: text in SIGN_WORDS), ("number", lambda text: 10 <= int(text) <= 99),
    ("letters", lambda text: text.isalpha() and 2 <= len(text) <= 4),
])  # fmt: skip
def test_text_is_of_its_kind(text_kind: str, fits) -> None:
    for seed in range(30):
        writing = sample(seed, text_kind).writing
        assert writing is not None
        assert fits(writing.text)
    assert sample(0).writing is None


def test_counting_is_no_constant() -> None:
    most = [
        max(map([t.name for t in s.things].count, [t.name for t in s.things]))
        for s in (sample(n, "", (4, 4)) for n in range(300))
    ]
    assert 0.25 < sum(count > 1 for count in most) / 300 < 0.55


def test_names_that_fingerprints_are_made_of_have_not_changed() -> None:
    """Random boxes and stored features depend on `repr(scene)`."""
    assert [field.name for field in dataclasses.fields(Thing)] == ["name", "drawing", "x", "y", "side", "size", "layer"]
    assert [field.name for field in dataclasses.fields(Scene)] == ["things", "ground", "writing"]
    scene = sample(1, "word")
    assert repr(scene).startswith("Scene(things=(Thing(name=")
    assert "ground=Ground(texture=" in repr(scene)
    assert "writing=Writing(text=" in repr(scene)
    assert scene.fingerprint == sample(1, "word").fingerprint != sample(2, "word").fingerprint
