"""12-in-1 on detected regions: pairs of a split, two images, pointing, pre-training."""

import numpy as np
import pytest
import torch
from toy_twelve_in_one import NamedRegions, row, task

from motet.core import ConfigError, DataError, Example, Label, Masked, Match, Region, rng_for
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems import build_system
from motet.systems.twelve_in_one import RegionMasking, TwelveInOneConfig

TASKS = (
    task("rank", Match("images", "split"), "captions"), task("pair", Label(("false", "true")), "class"),
    task("point", Match("regions"), "match"), task("refer", Region(), "region"),
    task("words", Masked("words"), "captions"), task("regions", Masked("regions"), "captions"),
    task("aligned", Label(("yes", "no")), "class"),
)  # fmt: skip


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    config = TwelveInOneConfig(
        source=NamedRegions(), text=TinyBert(width=16, depth=3, heads=2, words=300), text_mode=FromScratch(),
        image_width=8, image_depth=2, image_heads=2, image_hidden=8, co_width=8, co_heads=2, initial_std=0.3,
        pairs=("pair",), linear=("aligned",), masking=RegionMasking(alignment_task="aligned"),
    )  # fmt: skip
    return build_system(config, TASKS, texts=lambda: ["two dogs", "a small red thing on the left of it"] * 3).eval()


def batch(system, rows, *names: str, train: bool = False):
    tasks = [system.tasks[name] for name in names]
    encoded = [system.processor.row(one, tasks, rng_for("row", one.id) if train else None) for one in rows]
    return system.processor.collate(encoded, keep_annotations=False)


def test_all_pairs_of_a_split_score_as_in_the_plain_pass(system) -> None:
    images_only = [row(i, text="") for i in range(4)]
    sentences = ["two dogs", "a small red thing on the left of it", "red dogs"]
    texts = [Example(id=f"t/{i}", text=text) for i, text in enumerate(sentences)]
    images = system.side(batch(system, images_only, "rank"), "rank", "images")
    found = system.score("rank", images, system.side(batch(system, texts, "rank"), "rank", "texts"))
    ids = tuple(one.image_ids[0] for one in images_only)
    everything = tuple(one.images[0] for one in images_only)
    for place, text in enumerate(sentences):
        query = Example(id="x", images=everything, image_ids=ids, text=text, candidates=ids)
        plain = system.predict(batch(system, [query], "rank"))["rank"][0]
        assert found[:, place].tolist() == pytest.approx(plain.scores, abs=1e-5)
    assert len({round(value, 4) for value in found.flatten().tolist()}) == 12


def test_a_statement_reads_both_images_in_their_order(system) -> None:
    one = row(1, 2, labels={"class": 1})
    turned = Example(id="y", images=one.images[::-1], image_ids=one.image_ids[::-1], text=one.text)
    here, there = (system.predict(batch(system, [each], "pair"))["pair"][0] for each in (one, turned))
    assert here.scores != pytest.approx(there.scores, abs=1e-4)
    with pytest.raises(DataError, match="e/1: images: got 1; want exactly two"):
        batch(system, [row(1)], "pair")


def test_pointing_learns_overlaps_and_answers_among_candidates(system) -> None:
    boxes = ((0.0, 0, 9, 9), (0.0, 0, 9, 6), (12.0, 12, 18, 18))
    rows = [row(0, candidates=boxes, labels={"match": {0}}), row(1, candidates=boxes[:2], labels={"match": {1}})]
    found = batch(system, rows, "point")
    assert found.targets["point"].value["iou"][0].tolist() == pytest.approx([1.0, 0.7, 0.0])
    assert [len(choice.scores) for choice in system.predict(found)["point"]] == [3, 2]


def test_pretraining_masks_the_same_for_all_its_tasks(system) -> None:
    rows = [row(i, labels={"captions": ("two dogs",), "class": i % 2}) for i in range(4)]
    found = batch(system, rows, "words", "regions", "aligned", train=True)
    words, aligned = found.targets["words"].value, found.targets["aligned"].value
    assert torch.equal(words["ids"], aligned["ids"])
    assert words["in_loss"].tolist() == [True, False, True, False]
    losses = system.losses(found)
    assert set(losses.terms) == {("words", "word"), ("regions", "region")}


def test_attention_sums_to_one_over_what_is_real(system) -> None:
    rows = [row(i, labels={"region": (1.0, 1, 5, 5)}) for i in range(3)]
    for maps in system.attention(batch(system, rows, "refer"), "refer", [1]):
        assert maps.words[1] == "[TASK]"
        assert maps.words_to_regions.shape == (1, 2, len(maps.words), len(maps.boxes_xyxy))
        assert np.allclose(maps.words_to_regions.sum(-1), 1, atol=1e-5)
        assert np.allclose(maps.regions_to_words.sum(-1), 1, atol=1e-5)
    with pytest.raises(ConfigError, match="layers: got"):
        system.attention(batch(system, rows, "refer"), "refer", [9])
