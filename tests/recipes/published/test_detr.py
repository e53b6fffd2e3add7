"""A published DETR becomes a model by one command, which finds what transformers finds."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import call
from PIL import Image
from published_names import detr as detr_shapes
from published_names import tensors, trunk

from motet.core import Example
from motet.core.example import DiskImage
from motet.hub import load_system
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published.import_release import model_of
from motet.recipes.published.model import ExtraFiles
from motet.tasks.class_names import COCO, COCO_IDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny DETR in the layout of a repository of transformers."""
    from transformers import DetrConfig, DetrForObjectDetection
    from transformers.models.timm_backbone import TimmBackboneConfig

    torch.manual_seed(1)
    backbone = TimmBackboneConfig(backbone="resnet10t", out_indices=[4], use_pretrained_backbone=False)
    config = DetrConfig(
        backbone_config=backbone, d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, num_queries=6,
        id2label={0: "N/A", 1: "cat", 2: "dog"},
    )  # fmt: skip
    model = DetrForObjectDetection(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1.0, 0.1)
    # No query chooses the class that has no name, which is left out here.
    torch.nn.init.constant_(model.class_labels_classifier.bias[0:1].data, -30.0)
    place = tmp_path_factory.mktemp("detr")
    model.save_pretrained(place)
    return place


@torch.no_grad()
def test_import_predict_and_the_same_boxes_as_transformers(folder, tmp_path, monkeypatch) -> None:
    from transformers import DetrForObjectDetection, DetrImageProcessor

    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    ran = call("import", folder, "--out", tmp_path / "model")
    assert (ran.code, ran.err) == (0, "")
    assert "weights of DETR of transformers (Apache-2.0)" in ran.out
    assert "1 rows of classes without a name are left out" in ran.out
    assert "missing" not in ran.out
    found = json.loads((tmp_path / "model" / "import.json").read_text())
    assert found["missing"] == found["unused"] == []
    assert found["tasks"] == ["boxes"]

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    system = load_system(tmp_path / "model")
    task = system.tasks["boxes"]
    assert task.target.names == ("cat", "dog")
    row = system.processor.row(Example(id="a", images=(DiskImage(tmp_path / "a.png"),)), [task], None)
    batch = system.processor.collate([row], keep_annotations=False)
    (ours,) = system.predict(batch)["boxes"]

    theirs = DetrForObjectDetection.from_pretrained(folder)(
        pixel_values=batch.inputs["pixels"], pixel_mask=torch.ones(1, *batch.inputs["pixels"].shape[2:]).long()
    )
    (wanted,) = DetrImageProcessor().post_process_object_detection(theirs, threshold=0.0, target_sizes=[(48, 64)])
    order, other = np.argsort(-ours.scores), np.argsort(-wanted["scores"].numpy())
    assert len(order) == 6
    np.testing.assert_allclose(ours.scores[order], wanted["scores"].numpy()[other], atol=1e-5)
    np.testing.assert_allclose(ours.boxes_xyxy[order], wanted["boxes"].numpy()[other], atol=1e-2)
    assert [task.target.names[i] for i in ours.labels[order]] == [
        {1: "cat", 2: "dog"}[int(i)] for i in wanted["labels"].numpy()[other]
    ]
    said = call("predict", tmp_path / "model", "--image", tmp_path / "a.png", "--task", "boxes")
    assert said.code == 0, said.err


def original(**changes) -> Release:
    """facebookresearch/detr's names at whole size, without memory."""
    from torchvision.models import resnet50

    with torch.device("meta"):
        body = trunk(resnet50().state_dict(), "backbone.0.body.")
    sizes = {"channels": 2048, "width": 256, "depth": 6, "hidden": 2048, "queries": 100, "classes": 91}
    return Release(
        Path("detr-r50-e632da11.pth"), forms.DETR, tensors(detr_shapes(body, **sizes | changes), device="meta")
    )


def test_the_whole_release_has_a_place_for_every_weight() -> None:
    with torch.device("meta"):
        system, found = model_of(original(), ExtraFiles())
    assert found.match.missing == found.match.unused == ()
    assert list(system.tasks) == ["coco"]
    assert system.tasks["coco"].target.names == COCO
    assert system.config.trunk.name == "resnet50"
    assert system.config.trunk.output_stride is None
    assert (system.config.width, system.config.depth, system.config.box_queries) == (256, 6, 100)
    # 41.5 million numbers in the release; eleven rows of 256 + 1 have no class.
    left = 11 * 257
    assert sum(v.numel() for n, v in system.state_dict().items() if "num_batches" not in n) == original().numbers - left


def test_the_names_and_sizes_of_transformers_own_release() -> None:
    """facebook/detr-resnet-50 as transformers 4 and 5 define it."""
    from transformers import DetrConfig, DetrForObjectDetection
    from transformers.models.timm_backbone import TimmBackboneConfig

    backbone = TimmBackboneConfig(backbone="resnet50", out_indices=[4], use_pretrained_backbone=False)
    with torch.device("meta"):
        model = DetrForObjectDetection(DetrConfig(backbone_config=backbone, num_labels=91))
    weights = {name: value for name, value in model.state_dict().items() if "num_batches" not in name}
    with torch.device("meta"):
        system, found = model_of(Release(Path("model.safetensors"), forms.HF_DETR, weights), ExtraFiles())
    assert found.match.missing == found.match.unused == ()
    assert system.tasks["coco"].target.names == COCO


def test_a_checkpoint_of_the_original_code_is_evaluated(tmp_path) -> None:
    """`motet import` of a ``.pth``, then `motet evaluate` on COCO's files."""
    from torchvision.models import resnet18

    body = {name: torch.zeros(shape) for name, shape in trunk(resnet18().state_dict(), "backbone.0.body.").items()}
    sizes = {"channels": 512, "width": 16, "depth": 1, "hidden": 16, "queries": 3, "classes": 91}
    weights = tensors(detr_shapes({}, **sizes)) | body
    torch.save({"model": weights, "epoch": 499, "args": argparse.Namespace(lr=1e-4)}, tmp_path / "detr-r18-dc5.pth")
    ran = call("import", tmp_path / "detr-r18-dc5.pth", "--out", tmp_path / "model")
    assert (ran.code, ran.err) == (0, "")
    system = load_system(tmp_path / "model")
    assert (system.config.trunk.name, system.config.trunk.output_stride) == ("resnet18", 16)
    # Rows go by COCO's ids: "person" is 1, "traffic light" 10, and the last is "no object".
    own = system.state_dict()["heads.coco.classes.bias"]
    rows = [COCO_IDS[name] for name in system.tasks["coco"].target.names]
    assert torch.equal(own, weights["class_embed.bias"][[*rows, 91]])

    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "images" / "1.jpg")
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 20, 20], "area": 400, "iscrowd": 0}
    (tmp_path / "boxes.json").write_text(
        json.dumps({
            "images": [{"id": 1, "file_name": "1.jpg", "width": 64, "height": 48}], "annotations": [box],
            "categories": [{"id": number, "name": name} for name, number in COCO_IDS.items()],
        })
    )  # fmt: skip
    recipe = tmp_path / "detr_recipe.py"
    recipe.write_text(
        "from pathlib import Path\n"
        "from motet.data.readers import CocoInstances\n"
        "from motet.data.schedules import Mixed\n"
        "from motet.data.source import Source\n"
        "from motet.systems.unit import UniTConfig\n"
        "from motet.tasks import detection\n"
        "from motet.training.config import TrainConfig\n"
        "from motet.training.run import Run\n"
        "HERE = Path(__file__).parent\n\n\n"
        "def run():\n"
        '    """One image with one box."""\n'
        '    reader = CocoInstances(HERE / "boxes.json", HERE / "images")\n'
        '    task = detection("coco", reader.names)\n'
        '    sources = tuple(Source(name=r, reader=reader, tasks=(task,), role=r) for r in ("train", "test"))\n'
        "    plan = {'schedule': Mixed(batch_size=1), 'train': TrainConfig(steps=1)}\n"
        "    return Run(system=UniTConfig(), sources=sources, **plan)\n"
    )
    done = call("evaluate", tmp_path / "model", "--recipe", f"{recipe}:run", "--json", "--trust", recipe)
    assert done.code == 0, done.err
    assert {one["metric"] for one in json.loads(done.out)["results"]} >= {"ap", "ap50"}
