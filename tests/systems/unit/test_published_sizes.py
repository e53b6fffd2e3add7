"""Published releases at their whole size, on no memory: every name has a place of the same shape here."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import tokenizers
import torch
from published_names import bert, detr, mmf_unit, tensors, trunk

from motet.core import Answer, Boxes, Label, Task
from motet.metrics import Accuracy
from motet.nn.text_encoders import TextEncoder, load_bert
from motet.nn.tower import FromScratch
from motet.recipes.paper.unit import published_model
from motet.systems import build_system
from motet.systems.unit.mmf_weights import load_mmf_unit
from motet.systems.unit.weights import load_detr


@dataclass(frozen=True)
class BertBase:
    """bert-base-uncased without its weights and its list of words."""

    trains_words: int | None = None

    def tokenizer(self) -> tuple[tokenizers.Tokenizer, int]:
        return tokenizers.Tokenizer(tokenizers.models.WordLevel({"[PAD]": 0, "[UNK]": 1}, unk_token="[UNK]")), 0

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:
        from transformers import BertConfig, BertModel

        return TextEncoder(BertModel(BertConfig(), add_pooling_layer=False))


def names(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def task(name: str, kinds: str, target: Any) -> Task:
    return Task(name=name, inputs=frozenset(kinds.split()), label="x", target=target, metrics=(Accuracy,))  # type: ignore[arg-type]


# Section 4.2 and `mmf/configs/models/unit/defaults.yaml`; by data set MMF's kind, queries, classes and attributes.
TASKS = {
    "coco": task("coco", "image", Boxes(names(91))),
    "visual_genome": task("visual_genome", "image", Boxes(names(1601), names(401))),
    "vqav2": task("vqav2", "image text", Answer(names(3129))),
    "snli_ve": task("snli_ve", "image text", Label(names(3))),
    "qnli": task("qnli", "text", Label(names(2))),
    "mnli": task("mnli", "text", Label(names(3))),
    "qqp": task("qqp", "text", Label(names(2))),
    "sst2": task("sst2", "text", Label(names(2))),
}
HEADS = {
    "detection_coco": ("detection", 100, 91, 0), "detection_visual_genome": ("detection", 100, 1601, 401),
    "vqa2": ("vl", 25, 3129, 0), "visual_entailment": ("vl", 25, 3, 0), "glue_qnli": ("glue", 25, 2, 0),
    "glue_mnli_mismatched": ("glue", 25, 3, 0), "glue_qqp": ("glue", 25, 2, 0), "glue_sst2": ("glue", 25, 2, 0),
}  # fmt: skip
BERT = {"width": 768, "depth": 12, "hidden": 3072, "words": 30522, "places": 512}


def body() -> dict[str, tuple[int, ...]]:
    from torchvision.models import resnet50

    with torch.device("meta"):
        return trunk(resnet50().state_dict(), "backbone.0.body.")


def unit(*chosen: str, **changes: Any):
    config = replace(published_model(), text=BertBase(), mode=FromScratch(), text_mode=FromScratch(), **changes)
    with torch.device("meta"):
        return build_system(config, [TASKS[name] for name in chosen or TASKS], texts=lambda: ())


def test_bert_base() -> None:
    with torch.device("meta"):
        model = BertBase().build(pretrained=False, num_pieces=0).model
    load_bert(model, tensors(bert("bert.", **BERT), device="meta"), where="bert-base-uncased")


def test_detr_r50() -> None:
    """Its trunk and encoder fill UniT's; its decoder is of 256 channels, so it fills that of a UniT of that width."""
    published = detr(body(), channels=2048, width=256, depth=6, hidden=2048, queries=100, classes=91)
    loaded = load_detr(unit("coco", width=256), tensors(published, device="meta"))
    assert loaded.lines() == ()
    wide = load_detr(unit("coco"), tensors(published, device="meta"))
    assert not wide.missing
    assert not wide.unexpected
    assert {name.split(".")[0] for name, _, _ in wide.mismatched} == {
        "transformer", "query_embed", "class_embed", "bbox_embed"
    }  # fmt: skip
    assert sum(name.startswith("vision.trunk.") for name in wide.loaded) == 265


@pytest.mark.parametrize("shared", [True, False])
def test_mmf_unit(shared: bool) -> None:
    published = mmf_unit(
        body(), bert("", **BERT), channels=2048, image_width=256, width=768, text_width=768, image_depth=6, depth=6,
        hidden=2048, shared=shared, heads=HEADS,
    )  # fmt: skip
    system = unit(shared=shared)
    loaded = load_mmf_unit(system, tensors(published, device="meta"))
    assert loaded.missing == ()
    assert loaded.mismatched == ()
    assert loaded.unexpected == ("bert_model.module.pooler.dense.weight", "bert_model.module.pooler.dense.bias")
