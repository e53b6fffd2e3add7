"""Rows and batches of 12-in-1: tasks that are drawn together, rows over a split, candidates, missing annotations."""

from collections import Counter

import numpy as np
import pytest
from toy_twelve_in_one import LONG, SHORT, NamedRegions, row, task, text_inputs

from motet.core import Answer, ConfigError, DataError, Example, Label, Masked, Match, Region
from motet.systems.twelve_in_one import ReferringConfig, RegionMasking
from motet.systems.twelve_in_one.pretraining import Pretraining
from motet.systems.twelve_in_one.processor import TwelveInOneProcessor
from motet.systems.twelve_in_one.region_inputs import DetectedRegionInputs

VQA, PAIR = task("vqa", Answer(("red", "blue")), "answers"), task("pair", Label(("no", "yes")), "class")
RANK, POINT = task("rank", Match("images", "split"), "captions"), task("point", Match("regions"), "match")
CHOOSE, REFER = task("choose", Match("texts"), "match"), task("refer", Region(), "region")
WORDS, REGIONS = task("words", Masked("words"), "captions"), task("regions", Masked("regions"), "captions")
ALIGNED = task("aligned", Label(("yes", "no")), "class")
PROCESSOR = TwelveInOneProcessor(
    DetectedRegionInputs(source=NamedRegions()),
    text_inputs(),
    Pretraining(RegionMasking(alignment_task="aligned"), text_inputs(), 5),
    frozenset({"pair"}),
    ReferringConfig(),
)
LABELS = {"answers": ("red",), "class": 1, "captions": "two dogs", "region": (1.0, 2.0, 3.0, 4.0)}


def batch(rows, *tasks, train: bool = False, keep: bool = False):
    encoded = [PROCESSOR.row(one, tasks, np.random.default_rng(0) if train else None) for one in rows]
    return PROCESSOR.collate(encoded, keep_annotations=keep)


def value(rows, one, **options):
    return batch(rows, one, **options).targets[one.name].value


def lists(arrays, *names: str) -> list:
    return [arrays[name].tolist() for name in names]


# --- the tasks of a row


def drawn(*tasks, count: int = 400) -> Counter:
    rng = np.random.default_rng(0)
    return Counter(tuple(one.name for one in PROCESSOR.chosen(tasks, rng)) for _ in range(count))


def test_tasks_of_pretraining_are_drawn_as_one() -> None:
    found = drawn(VQA, ALIGNED, WORDS, REGIONS, REFER)
    assert set(found) == {("vqa",), ("refer",), ("words", "regions", "aligned")}
    assert min(found.values()) > 400 / 3 - 40
    assert set(drawn(WORDS, ALIGNED)) == {("words", "aligned")}


def test_alignment_without_masks_is_drawn_as_any_other() -> None:
    assert set(drawn(VQA, ALIGNED)) == {("vqa",), ("aligned",)}


def test_evaluation_and_rows_of_one_task_carry_all() -> None:
    tasks = (VQA, ALIGNED, WORDS)
    assert PROCESSOR.chosen(tasks, None) == tasks
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert PROCESSOR.chosen((VQA,), rng) == (VQA,)
    assert rng.bit_generator.state == before


# --- inputs


def test_rows_over_a_split_have_no_target() -> None:
    texts = [Example(id=f"t/{index}", text=text) for index, text in enumerate((SHORT, LONG))]
    of_texts = batch(texts, RANK)
    assert (of_texts.targets, set(of_texts.inputs)) == ({}, {"ids", "types", "attention_mask", "masked_ids"})
    lengths = [len(text_inputs().encode(text, RANK).ids) for text in (SHORT, LONG)]
    assert of_texts.inputs["attention_mask"].sum(-1).tolist() == [[length] for length in lengths]
    of_images = batch([row(0), row(1)], RANK)
    assert of_images.targets == {}
    assert set(of_images.inputs) == {"present", "size_hw", "regions", "boxes", "valid", "classes"}


def test_training_over_a_split_needs_candidates() -> None:
    with pytest.raises(DataError, match="e/0: task 'rank': candidates: got none; want some in training"):
        batch([row(0)], RANK, train=True)


@pytest.mark.parametrize(
    ("one", "images", "message"),
    [
        (PAIR, 1, "e/0: images: got 1; want exactly two, for task 'pair'"),
        (PAIR, 3, "e/0: images: got 3; want exactly two, for task 'pair'"),
        (VQA, 2, "e/0: images: got 2; want exactly one, for task 'vqa'"),
        (POINT, 2, "e/0: images: got 2; want exactly one, for task 'point'"),
        (CHOOSE, 0, "e/0: images: got 0; want exactly one, for task 'choose'"),
    ],
)
def test_a_wrong_number_of_images_is_an_error_of_the_row(one, images: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        batch([row(0, images, labels=LABELS)], one)


# --- targets


def test_candidates_are_padded_to_the_longest_list() -> None:
    rows = [
        row(0, 3, candidates=("p0-2", "p0-0", "p0-1"), labels={"match": {1}}),
        row(1, 1, candidates=("p1-0",), labels={"match": {0}}),
    ]
    found = value(rows, RANK, train=True)
    assert lists(found, "text", "image", "valid", "is_match") == [
        [[0, 0, 0], [0, 0, 0]],
        [[2, 0, 1], [0, 0, 0]],
        [[True] * 3, [True, False, False]],
        [[False, True, False], [True, False, False]],
    ]
    assert found["names"] == (("p0-2", "p0-0", "p0-1"), ("p1-0",))
    assert found["ids"].shape[:2] == (2, 1)


def test_texts_of_candidates_are_encoded_once() -> None:
    (found,) = (value([row(0, candidates=(SHORT, LONG, SHORT), labels={"match": 2})], CHOOSE),)
    assert lists(found, "text", "is_match") == [[[0, 1, 0]], [[False, False, True]]]
    assert found["ids"].shape[1] == 2
    assert text_inputs().decode(found["ids"][0, 1][found["attention_mask"][0, 1]].tolist()).startswith("a small red")


def test_a_text_is_in_the_prompt_and_as_short_as_its_task() -> None:
    asked = task("brief", Label(("no", "yes")), "class", prompt="dogs {text}")
    found = value([row(0, labels=LABELS)], asked)
    assert found["ids"][0, 0].tolist() == list(text_inputs().encode(f"dogs {SHORT}", asked).ids)
    assert found["ids"].shape == (1, 1, 5)


def test_classes_answers_and_boxes() -> None:
    rows = [row(0, labels=LABELS), row(1, labels=LABELS | {"class": 0, "answers": ("blue", "red"), "region": None})]
    targets = batch(rows, VQA, ALIGNED, REFER, keep=True).targets
    assert targets["aligned"].value["label"].tolist() == [1, 0]
    assert targets["vqa"].value["answers"].tolist() == [[1, 0], [pytest.approx(0.3)] * 2]
    assert lists(targets["refer"].value, "box", "is_referred") == [[[1, 2, 3, 4], [0] * 4], [True, False]]
    assert targets["refer"].annotations == ((1.0, 2.0, 3.0, 4.0), None)
    assert "names" not in targets["vqa"].value


def test_rows_are_grouped_by_the_task_that_was_drawn() -> None:
    rng = np.random.default_rng(0)
    encoded = [PROCESSOR.row(row(index, labels=LABELS), [VQA, REFER], rng) for index in range(8)]
    assert all(len(one.entries) == 1 for one in encoded)
    targets = PROCESSOR.collate(encoded, keep_annotations=False).targets
    names = [one.entries[0].task for one in encoded]
    assert {name: target.rows.tolist() for name, target in targets.items()} == {
        name: [index for index, other in enumerate(names) if other == name] for name in set(names)
    }
    assert set(names) == {"vqa", "refer"}


def test_tasks_of_pretraining_have_the_same_text_and_draws() -> None:
    targets = batch([row(0, labels=LABELS), row(1, labels=LABELS)], WORDS, REGIONS, ALIGNED, train=True).targets
    assert set(targets) == {"words", "regions", "aligned"}
    for name in ("ids", "masked_ids", "draws", "in_loss"):
        first, second, third = (targets[one].value[name].tolist() for one in ("words", "regions", "aligned"))
        assert first == second == third
    assert targets["words"].value["draws"].shape == (2, 5)
    assert targets["aligned"].value["label"].tolist() == [1, 1]
    assert "label" not in targets["words"].value


def test_alignment_reads_the_row_itself_in_evaluation() -> None:
    targets = batch([row(1, labels=LABELS)], WORDS, ALIGNED).targets
    aligned = targets["aligned"].value
    assert "draws" not in aligned
    assert aligned["ids"][0, 0].tolist() == list(text_inputs().encode(LONG, ALIGNED).ids)
    assert targets["words"].value["ids"].tolist() != aligned["ids"].tolist()


@pytest.mark.parametrize("one", [VQA, PAIR, REFER, POINT, CHOOSE, WORDS])
def test_predictions_need_no_annotation_and_evaluation_does(one) -> None:
    candidates = {"point": ((0.0, 0.0, 4.0, 4.0),), "choose": (SHORT,)}.get(one.name, ())
    bare = row(0, 2 if one is PAIR else 1, candidates=candidates)
    assert batch([bare], one).targets[one.name].rows.tolist() == [0]
    with pytest.raises(DataError, match=f"e/0: task '{one.name}': got no annotation; want one"):
        batch([bare], one, keep=True)
    if one is not WORDS:
        with pytest.raises(DataError, match=f"e/0: task '{one.name}' reads the annotation"):
            batch([bare], one, train=True)


def test_regions_of_a_source_have_neither_stored_features_nor_views() -> None:
    assert PROCESSOR.with_features(object()) is PROCESSOR
    with pytest.raises(ConfigError, match="TwelveInOneProcessor: got no task that sees an image; want one that reads"):
        PROCESSOR.view_key()
