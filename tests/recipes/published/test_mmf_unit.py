"""UniT of MMF: whole size, and a small one by one command whose classes are in files beside it."""

import json
from pathlib import Path

import pytest
import torch
from command_line import call
from published_names import bert, mmf_unit, tensors, trunk

from motet.core import CheckpointError, ConfigError
from motet.hub import load_system
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published.import_release import model_of
from motet.recipes.published.mmf_unit import mmf_unit_model
from motet.recipes.published.model import ExtraFiles
from motet.tasks.class_names import COCO

# By data set MMF's kind, queries, classes and attributes: `mmf/configs/models/unit/defaults.yaml`.
HEADS = {
    "detection_coco": ("detection", 100, 91, 0), "detection_visual_genome": ("detection", 100, 1601, 401),
    "vqa2": ("vl", 25, 3129, 0), "visual_entailment": ("vl", 25, 3, 0), "glue_qnli": ("glue", 25, 2, 0),
    "glue_mnli_mismatched": ("glue", 25, 3, 0), "glue_qqp": ("glue", 25, 2, 0), "glue_sst2": ("glue", 25, 2, 0),
}  # fmt: skip
SMALL = {
    "detection_visual_genome": ("detection", 6, 3, 2), "vqa2": ("vl", 3, 2, 0), "glue_qnli": ("glue", 3, 2, 0),
    "visual_entailment": ("vl", 3, 3, 0),
}  # fmt: skip


def body(name: str, prefix: str = "backbone.0.body.") -> dict[str, tuple[int, ...]]:
    import torchvision.models

    with torch.device("meta"):
        return trunk(getattr(torchvision.models, name)().state_dict(), prefix)


@pytest.fixture
def lists(tmp_path) -> dict[str, Path]:
    found = {}
    for head, count in (
        ("vqa2", 3129), ("detection_visual_genome", 1600), ("detection_visual_genome.attributes", 400),
    ):  # fmt: skip
        found[head] = tmp_path / f"{head}.txt"
        found[head].write_text("".join(f"name {i},synonym {i}\n" for i in range(count)))
    return found


@pytest.mark.parametrize("shared", [True, False])
def test_the_whole_release_has_a_place_for_every_weight(lists, shared: bool) -> None:
    text = bert("", width=768, depth=12, hidden=3072, words=30522, places=512)
    shapes = mmf_unit(
        body("resnet50"), text, channels=2048, image_width=256, width=768, text_width=768, image_depth=6, depth=6,
        hidden=2048, shared=shared, heads=HEADS,
    )  # fmt: skip
    release = Release(Path("unit.ckpt"), forms.MMF_UNIT, tensors(shapes, device="meta"))
    with torch.device("meta"):
        system, found = model_of(release, ExtraFiles(names=lists))
    assert found.match.missing == ()
    assert {name.split(".")[-3:-1] == ["pooler", "dense"] for name in found.match.unused} == {True}
    assert set(system.tasks) == {"coco", "visual_genome", "vqav2", "snli_ve", "qnli", "mnli", "qqp", "sst2"}
    assert system.tasks["coco"].target.names == COCO
    genome = system.tasks["visual_genome"].target
    assert (len(genome.names), len(genome.attributes), genome.names[0]) == (1600, 400, "name 0")
    assert (system.config.width, system.config.depth, system.config.shared) == (768, 6, shared)


@pytest.fixture
def checkpoint(tmp_path):
    """A small checkpoint of MMF with its lists and its BERT's words beside it."""
    text = bert("", width=16, depth=2, hidden=64, words=12, places=32)
    shapes = mmf_unit(
        body("resnet18"), text, channels=512, image_width=16, width=32, text_width=16, image_depth=1, depth=2,
        hidden=32, shared=True, heads=SMALL,
    )  # fmt: skip
    weights = tensors(shapes)
    torch.save({"model": weights, "best_iteration": 3}, tmp_path / "unit.ckpt")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 2}))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "is", "it", "a", "dog", "##s", "cat", "?"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    (tmp_path / "answers_vqa.txt").write_text("no\nyes\n")
    (tmp_path / "objects_vocab.txt").write_text("dog,puppy\ncat\n")
    (tmp_path / "attributes_vocab.txt").write_text("big\nred\n")
    return tmp_path / "unit.ckpt", weights


def test_one_command_makes_a_model_with_the_classes_of_its_lists(checkpoint, tmp_path) -> None:
    path, weights = checkpoint
    ran = call("import", path, "--out", tmp_path / "model", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["missing"] == []
    system = load_system(tmp_path / "model")
    assert system.tasks["visual_genome"].target.names == ("dog", "cat")
    assert system.tasks["visual_genome"].target.attributes == ("big", "red")
    own = system.state_dict()
    head = "class_embeds.detection_visual_genome"
    # Row 0 is the background of Visual Genome's list, and the last is DETR's.
    assert torch.equal(own["heads.visual_genome.classes.bias"], weights[f"{head}.bias"][1:])
    embeddings = weights["det_losses.detection_visual_genome.attribute_head.cls_embed.weight"]
    assert torch.equal(own["heads.visual_genome.attributes.labels.weight"], embeddings[1:])
    assert torch.equal(own["heads.vqav2.out.bias"], weights["classifiers.vl.vqa2.1.bias"])
    assert system.processor.sentences.encode(("is it a dogs?",), 32)[0] == [2, 5, 6, 7, 8, 9, 11, 3]
    said = call("predict", tmp_path / "model", "--task", "qnli", "--text", "a dog", "--text", "a cat")
    assert said.code == 0, said.err


def test_heads_of_unknown_classes_are_left_out_and_wrong_words_refused(checkpoint, tmp_path) -> None:
    path, weights = checkpoint
    (tmp_path / "answers_vqa.txt").unlink()
    release = Release(path, forms.MMF_UNIT, weights)
    made = mmf_unit_model(release, ExtraFiles())
    assert {task.name for task in made.tasks} == {"visual_genome", "qnli", "snli_ve"}
    assert made.notes == ("vqa2: left out, since the names of its classes are not known: want --names vqa2=FILE",)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(ConfigError, match=r"vocab\.txt: got 5 words for a table of 12; want --words FILE"):
        mmf_unit_model(release, ExtraFiles())
    only = {name: v for name, v in weights.items() if "query_embeds" not in name or name.endswith("vqa2.weight")}
    with pytest.raises(CheckpointError, match=r"got the heads \['vqa2'\], none with known classes"):
        mmf_unit_model(Release(path, forms.MMF_UNIT, only), ExtraFiles())
