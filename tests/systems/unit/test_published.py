"""Releases into UniTs of other tasks: which head each task takes, and what is refused."""

from pathlib import Path

import pytest
import torch
from published_names import bert, detr, mmf_unit, tensors, trunk
from toy_unit import system_of

from motet.core import ConfigError
from motet.nn.feature_maps import TimmMap
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems.published import fill_published
from motet.systems.unit.published import fill_unit

SIZES = {"channels": 512, "width": 32, "depth": 2, "hidden": 48, "queries": 100}


def unit(*tasks: str):
    return system_of(
        *tasks, trunk=TimmMap("resnet10t", size=64, frozen_norms=True), mode=FromScratch(), width=32, depth=2, heads=4,
        image_width=32, image_depth=2, image_heads=4, hidden=48, residual=False, task_token=False,
        text=TinyBert(width=16, heads=2, words=300), text_mode=FromScratch(), box_queries=100,
    ).eval()  # fmt: skip


def published(system, classes: int) -> Release:
    body = trunk(system.vision.trunk.encoder.model.state_dict(), "backbone.0.body.")
    return Release(Path("detr.pth"), forms.DETR, tensors(detr(body, **SIZES, classes=classes)))


def test_a_task_takes_the_rows_of_its_classes() -> None:
    system = unit("boxes", "vqa")
    release = published(system, 4)
    names = {"class_embed": ("cow", "N/A", "Dog", "cat")}
    found = fill_published(system, release, names=names)
    assert found.unexpected == ()
    head = system.heads["boxes"].classes.bias  # cat, dog, cow, no object
    assert torch.equal(head, release.tensors["class_embed.bias"][[3, 2, 0, 4]])
    assert torch.equal(system.queries["boxes"], release.tensors["query_embed.weight"])


def test_a_task_of_other_classes_takes_all_but_these() -> None:
    system = unit("boxes")
    before = system.heads["boxes"].classes.bias.clone()
    release = published(system, 2)
    found = fill_published(system, release, names={"class_embed": ("person", "car")})
    assert found.unexpected == ("class_embed.weight", "class_embed.bias")
    assert {name for name in found.missing if "attributes" not in name} == {
        "heads.boxes.classes.weight", "heads.boxes.classes.bias"
    }  # fmt: skip
    assert torch.equal(system.heads["boxes"].classes.bias, before)
    assert torch.equal(system.heads["boxes"].boxes.layers[0].bias, release.tensors["bbox_embed.layers.0.bias"])
    with pytest.raises(ConfigError, match="got 3 of 3 names that the published head lacks, such as 'cat'"):
        fill_published(system, release, heads={"boxes": "class_embed"}, names={"class_embed": ("person", "car")})


def test_heads_that_are_not_there_and_other_forms_are_refused() -> None:
    system = unit("boxes", "vqa")
    release = published(system, 4)
    with pytest.raises(
        ConfigError, match=r"got 'class_embed' for task 'vqa'; want 'class_embed' for one of \['boxes'\]"
    ):
        fill_published(system, release, heads={"vqa": "class_embed"}, names={"class_embed": ("a",) * 4})
    other = Release(Path("vit.npz"), forms.VIT)
    with pytest.raises(
        ConfigError, match="got weights of ViT of big_vision; want DETR, UniT of MMF or BERT for a UniT"
    ):
        fill_unit(system, other, heads={}, names={})


def test_a_head_of_mmf_goes_to_the_classes_that_mean_the_same() -> None:
    system = system_of(
        "pair", "vqa", trunk=TimmMap("resnet10t", size=64, frozen_norms=True), mode=FromScratch(),
        text=TinyBert(width=16, heads=2, words=300), text_mode=FromScratch(),
    )  # fmt: skip
    body = system.vision.trunk.encoder.model.state_dict()
    words = len(system.text.tower.encoder.model.embeddings.word_embeddings.weight)
    weights = tensors(
        mmf_unit(
            trunk(body, "backbone.0.body."), bert("", width=16, depth=2, hidden=64, words=words, places=128),
            channels=512, image_width=16, width=32, text_width=16, image_depth=1, depth=2, hidden=32, shared=True,
            heads={"glue_qnli": ("glue", 3, 3, 0), "vqa2": ("vl", 3, 2, 0)},
        )
    )  # fmt: skip
    release = Release(Path("unit.pth"), forms.MMF_UNIT, weights)
    heads = {"pair": "glue_qnli", "vqa": "vqa2"}
    names = {"glue_qnli": ("maybe", "yes", "no"), "vqa2": ("no", "yes")}
    fill_published(system, release, heads=heads, names=names)
    assert torch.equal(system.heads["pair"].out.bias, weights["classifiers.glue.glue_qnli.1.bias"][[2, 1]])
    assert torch.equal(system.heads["vqa"].out.bias, weights["classifiers.vl.vqa2.1.bias"][[1, 0]])
    with pytest.raises(ConfigError, match="'vqa2' for task 'vqa': got no order of the published classes; want a file"):
        fill_published(system, release, heads=heads, names={"glue_qnli": names["glue_qnli"]})
    with pytest.raises(ConfigError, match="heads: got 'qnli' for task 'pair'; want one of"):
        fill_published(system, release, heads={"pair": "qnli"}, names=names)
