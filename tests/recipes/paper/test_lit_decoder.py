"""The LiT decoder's published run: table 3's data, section 4.2's numbers, and rows cut as the paper says."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from paper_data import write_paper_data

from motet.core import Label, Text
from motet.data.source import Source
from motet.data.splits import ImageSplit
from motet.nn.encoders import TimmEncoder
from motet.nn.tower import Frozen
from motet.preprocess.crops import InceptionCrop
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes.paper.lit_decoder import (
    BATCH_SIZE,
    CLASS_SETS,
    EPOCHS,
    OFFICIAL_IMAGES,
    TRAINED_SHARE,
    published,
)
from motet.systems.lit_decoder import BeamSearch, ByTask, ClassStrings, Greedy, LiTDecoderConfig
from motet.systems.lit_decoder.decoding import default_decoding
from motet.training.optim import Adafactor
from motet.training.run import Run

CLASSES = (*CLASS_SETS, "resisc45")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root: Path = tmp_path_factory.mktemp("lit")
    write_paper_data(root)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTET_DATA", str(root))
        return published()


def by_name(run: Run) -> Mapping[str, Source]:
    return {source.name: source for source in run.sources}


def images(source: Source) -> set[str]:
    return {key for row in range(len(source.reader)) for key in source.reader.keys(row)}


def test_the_model_is_that_of_section_4(run: Run) -> None:
    config = run.system
    assert isinstance(config, LiTDecoderConfig)
    assert config.encoder == TimmEncoder("vit_base_patch16_siglip_224.webli")
    assert config.tokenizer == HfTokenizer("google/mt5-base")  # 250,000 pieces
    assert (config.mode, config.bottleneck) == (Frozen(), None)
    assert (config.conditioning, config.classes, config.texts) == (ByTask(), ClassStrings(), {})
    assert (config.separator, config.loss_on_prefix) == (True, False)
    assert config.width * config.mlp_ratio == 3072
    assert config.crop == InceptionCrop()


def test_images_are_seen_fifty_times(run: Run) -> None:
    """Each visit draws one annotation of an image, so that steps count images and not annotations."""
    count = sum(len(images(source)) for source in run.of_role("train"))
    assert (EPOCHS, BATCH_SIZE) == (50, 512)
    assert run.train.steps == max(1, round(50 * count / 512))
    # Two sets of classes whole, parts of three more, of captions and of photos; one book, 40 and one asked about.
    assert 40 + 1 + 40 + 1 < count < 100 + 4 + 1 + 1 + 40 + 1


def test_numbers_of_training_are_those_of_section_4_2_and_appendix_c(run: Run) -> None:
    plan = run.train
    assert (plan.lr, plan.weight_decay, plan.grad_clip, plan.optimizer) == (1e-3, 1e-4, 1.0, Adafactor())
    assert (plan.optimizer.beta2_cap, plan.optimizer.momentum) == (0.999, 0.9)
    factor = plan.lr_schedule.factor
    assert [factor(step, 1000) for step in (0, 15, 30)] == pytest.approx([0, 0.5, 1])  # 3 % to warm up
    assert factor(515, 1000) == pytest.approx(0.5)
    assert factor(1000, 1000) == pytest.approx(0, abs=1e-9)


def test_every_image_of_every_set_is_drawn_as_often_as_any_other(run: Run) -> None:
    """Section 5.3, "Concat images"."""
    drawn = run.schedule.bind(run.of_role("train"), seed=0).probabilities
    counts = {source.name: len(images(source)) for source in run.of_role("train")}
    assert drawn == pytest.approx({name: count / sum(counts.values()) for name, count in counts.items()})


def test_ten_data_sets_are_trained_on_and_tested_and_no_model_is_chosen(run: Run) -> None:
    asked = [*CLASSES, "coco", "flickr30k", "ocr_vqa", "vqav2", "gqa"]
    assert list(by_name(run)) == [name for task in asked for name in (task, f"{task}/test")]
    assert run.of_role("val") == ()
    kinds = {task.name: type(task.target) for task in run.tasks}
    assert {name for name, kind in kinds.items() if kind is Label} == set(CLASSES)
    assert {name for name, kind in kinds.items() if kind is Text} == {"coco", "flickr30k"}
    for source in run.sources:
        assert source.reader[0].id


def test_classes_alone_are_mirrored_and_books_are_not_cropped(run: Run) -> None:
    """Section 4.2: flips for classification; cropping OCR-VQA "resulted in very bad performance"."""
    assert {task.name for task in run.tasks if "hflip" in task.invariant} == set(CLASSES)
    assert {task.name for task in run.tasks if "crop" not in task.invariant} == {"ocr_vqa"}


def test_evaluated_classes_have_the_names_and_order_of_the_trained_ones(run: Run) -> None:
    for name in CLASSES:
        train, test = (by_name(run)[key] for key in (name, f"{name}/test"))
        (task,) = train.tasks
        assert isinstance(task.target, Label)
        assert task.target.names == ("one", "two")
        assert test.tasks == train.tasks
        labels = {test.reader[row].labels["class"] for row in range(len(test.reader))}
        assert labels <= {0, 1}


def test_what_has_no_official_test_set_is_cut_by_image(run: Run) -> None:
    resisc, rest = by_name(run)["resisc45"], by_name(run)["resisc45/test"]
    assert not images(resisc) & images(rest)
    local = by_name(run)["vqav2/test"]
    assert images(local)
    assert images(local) < {f"coco/{number}" for number in range(40, 80)}


def test_vqav2_is_trained_on_train2014_alone(run: Run) -> None:
    """Table 3: 83 K images."""
    assert images(by_name(run)["vqav2"]) == {f"coco/{number}" for number in range(40)}


def test_books_are_a_category_of_their_own_and_are_searched_with_beams(run: Run) -> None:
    """Table 1 has four categories; section 5.8 has beam search for captions and text reading."""
    tasks = list(run.tasks)
    assert {task.category for task in tasks} == {"classification", "captioning", "ocr", "qa"}
    decoding = {task.name: default_decoding(task) for task in tasks}
    assert {name for name, each in decoding.items() if each == BeamSearch(num_beams=4, alpha=0.1)} == {
        "coco", "flickr30k", "ocr_vqa"
    }  # fmt: skip
    assert all(decoding[name] == Greedy() for name in (*CLASSES, "vqav2", "gqa"))


def test_shares_of_the_training_sets_give_the_numbers_of_table_3(run: Run) -> None:
    printed = {
        "imagenet": 1_200_000, "sun397": 76_000, "food101": 74_000, "resisc45": 19_000, "pet": 2_944, "coco": 112_000,
        "flickr30k": 28_000, "ocr_vqa": 166_000, "vqav2": 83_000, "gqa": 72_000,
    }  # fmt: skip
    for name, count in printed.items():
        trained = OFFICIAL_IMAGES[name] * TRAINED_SHARE.get(name, 1.0)
        unit = 100_000 if count > 1e6 else 1 if count % 1000 else 1000
        assert abs(trained - count) <= unit, name
    for name, share in TRAINED_SHARE.items():
        reader = by_name(run)[name].reader
        assert isinstance(reader, ImageSplit)
        assert reader.shares["train"] == share
