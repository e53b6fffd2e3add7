"""Masks of a row, the same for all of its tasks of pre-training."""

import numpy as np
import pytest
from toy_twelve_in_one import row, task, text_inputs

from motet.core import DataError, Label, Masked, Region
from motet.systems.twelve_in_one import RegionMasking
from motet.systems.twelve_in_one.pretraining import Pretraining

WORDS, REGIONS = task("words", Masked("words"), "captions"), task("regions", Masked("regions"), "captions")
ALIGNED, REFER = task("aligned", Label(("yes", "no")), "class"), task("refer", Region())
TASKS = (REFER, ALIGNED, WORDS, REGIONS)


def pretraining(**changes) -> Pretraining:
    return Pretraining(RegionMasking(alignment_task="aligned", **changes), text_inputs(), 7)


def annotated(aligned: int = 0):
    return row(0, labels={"captions": ("a small red thing", "two dogs"), "class": aligned})


def test_alignment_is_a_task_of_pretraining_only_beside_masks() -> None:
    assert pretraining().tasks_of(TASKS) == [WORDS, REGIONS, ALIGNED]
    assert pretraining().tasks_of([ALIGNED, REFER]) == []
    assert Pretraining(RegionMasking(), text_inputs(), 7).tasks_of(TASKS) == [WORDS, REGIONS]


def test_all_tasks_share_one_mask_in_training_and_alignment_has_none_in_evaluation() -> None:
    masked = pretraining().mask(annotated(), TASKS, np.random.default_rng(0))
    assert set(masked) == {"words", "regions", "aligned"}
    assert masked["words"] is masked["regions"] is masked["aligned"]
    assert set(pretraining().mask(annotated(), TASKS, None)) == {"words", "regions"}
    assert pretraining().mask(annotated(), [ALIGNED, REFER], None) == {}


def test_masks_of_evaluation_are_always_the_same_with_at_least_one_word() -> None:
    few = pretraining(word_probability=1e-9)
    one, other = (few.mask(annotated(), TASKS, None)["words"] for _ in range(2))
    assert one.text == other.text
    assert sum(index >= 0 for index in one.text.masked_ids) == 1
    assert one.arrays["draws"].tolist() == other.arrays["draws"].tolist()
    assert one.arrays["draws"].dtype == np.float32
    none = pretraining(word_probability=1e-9, at_least_one=False).mask(annotated(), TASKS, None)["words"]
    assert set(none.text.masked_ids) == {-1}
    # In training a text may have none.
    drawn = few.mask(annotated(), TASKS, np.random.default_rng(0))["words"]
    assert set(drawn.text.masked_ids) == {-1}


def test_training_draws_a_caption_and_its_masks() -> None:
    half = pretraining(word_probability=0.5)
    masked = [half.mask(annotated(), TASKS, np.random.default_rng(seed))["words"] for seed in range(8)]
    captions = {text_inputs().encode(text, WORDS).types for text in ("a small red thing", "two dogs")}
    assert {one.text.types for one in masked} == captions
    assert len({one.text for one in masked}) > 2
    assert len({one.arrays["draws"].tobytes() for one in masked}) == 8


def test_without_a_task_on_regions_none_is_masked_and_without_one_on_words_no_word_is() -> None:
    sure = pretraining(word_probability=1.0)
    words = sure.mask(annotated(), [WORDS, ALIGNED], np.random.default_rng(0))["words"]
    assert words.arrays["draws"].tolist() == [1.0] * 7
    assert max(words.text.masked_ids) >= 0
    regions = sure.mask(annotated(), [REGIONS, ALIGNED], np.random.default_rng(0))["regions"]
    assert regions.text.masked_ids == ()
    assert regions.arrays["draws"].min() < 1


@pytest.mark.parametrize(
    ("aligned", "mismatched", "in_loss"), [(0, "skipped", True), (1, "skipped", False), (1, "learned", True)]
)
def test_masks_of_a_mismatched_text_are_learned_only_if_the_options_say_so(
    aligned: int, mismatched: str, in_loss: bool
) -> None:
    masked = pretraining(mismatched=mismatched).mask(annotated(aligned), TASKS, np.random.default_rng(0))
    assert masked["words"].arrays["in_loss"].tolist() is in_loss


def test_alignment_may_be_unknown_in_evaluation_only() -> None:
    unknown = row(0, labels={"captions": "two dogs"})
    assert pretraining().mask(unknown, TASKS, None)["words"].arrays["in_loss"].tolist() is True
    with pytest.raises(DataError, match="e/0: task 'aligned' reads the annotation 'class'"):
        pretraining().mask(unknown, TASKS, np.random.default_rng(0))
