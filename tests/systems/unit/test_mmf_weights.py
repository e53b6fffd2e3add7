"""Weights under the names of UniT's official code, in small shapes."""

import pytest
import torch
from published_names import bert, mmf_unit, tensors, trunk
from toy_unit import system_of

from motet.core import CheckpointError, ConfigError
from motet.nn.feature_maps import TimmMap
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems.unit.mmf_weights import load_mmf_unit

DATA_SETS = {"boxes": ("detection_visual_genome", 1), "vqa": ("vqa2", 3), "pair": ("glue_qnli", 5)}
HEADS = {
    "detection_visual_genome": ("detection", 6, 3, 2), "vqa2": ("vl", 3, 2, 0), "glue_qnli": ("glue", 3, 2, 0),
    "glue_sst2": ("glue", 3, 2, 0),
}  # fmt: skip


def unit(**changes):
    return system_of(
        *DATA_SETS, trunk=TimmMap("resnet10t", size=64, frozen_norms=True), mode=FromScratch(),
        text=TinyBert(width=16, heads=2, words=300), text_mode=FromScratch(), **changes,
    ).eval()  # fmt: skip


def published(system, **changes):
    body = system.vision.trunk.encoder.model.state_dict()
    words = len(system.text.tower.encoder.model.embeddings.word_embeddings.weight)
    sizes = {
        "channels": 512, "image_width": 16, "width": 32, "text_width": 16, "image_depth": 1, "depth": 2, "hidden": 32,
        "shared": system.decoder is not None, "heads": HEADS,
    }  # fmt: skip
    text = bert("", width=16, depth=2, hidden=64, words=words, places=128)
    return tensors(mmf_unit(trunk(body, "backbone.0.body."), text, **sizes | changes))


@pytest.mark.parametrize("shared", [True, False])
def test_every_part_is_where_it_belongs(shared: bool) -> None:
    system = unit(shared=shared)
    weights = published(system)
    loaded = load_mmf_unit(system, weights, data_sets=DATA_SETS)
    assert loaded.missing == loaded.mismatched == ()
    # What no task here has, and BERT's pooler.
    assert all(name.split(".")[0] == "bert_model" or "glue_sst2" in name for name in loaded.unexpected)
    own, base = system.state_dict(), "unit_base_model."
    decoder = f"{base}transformer.decoder" if shared else f"{base}transformer.decoders.vl.vqa2"
    ours = "decoder" if shared else "decoders.vqa"
    for name, wanted in {
        "vision.layers.tokens.vqa": weights[f"{base}transformer.task_embeddings_enc.weight"][3],
        "text.tokens.pair": weights["task_embeddings_lang.weight"][5],
        "vision.layers.input.weight": weights[f"{base}input_proj.weight"].flatten(1),
        "vision.layers.out.bias": weights[f"{base}transformer.enc2dec_proj.bias"],
        "queries.boxes": weights[f"{base}query_embeds.detection.detection_visual_genome.weight"],
        f"{ours}.norm.weight": weights[f"{decoder}.norm.weight"],
        f"{ours}.layers.1.cross_attention.key.weight": weights[f"{decoder}.layers.1.multihead_attn.in_proj_weight"][
            32:64
        ],
        "heads.boxes.classes.weight": weights["class_embeds.detection_visual_genome.weight"],
        "heads.boxes.boxes.layers.2.bias": weights["bbox_embeds.detection_visual_genome.layers.2.bias"],
        "heads.boxes.attributes.out.weight": weights[
            "det_losses.detection_visual_genome.attribute_head.attr_linear2.weight"
        ],
        "heads.vqa.norm.weight": weights["classifiers.vl.vqa2.0.LayerNorm.weight"],
        "heads.pair.out.weight": weights["classifiers.glue.glue_qnli.1.weight"],
        "text.out_positions.weight": weights["bert_pos_projection.weight"],
    }.items():
        assert torch.equal(own[name], wanted), name


def test_a_checkpoint_of_mmf_is_read_as_it_is_saved(tmp_path) -> None:
    system = unit()
    weights = published(system)
    older = {name.replace("unit_base_model.", "detr_model."): value for name, value in weights.items()}
    torch.save({"model": older, "best_iteration": 3, "config": {"model": "unit"}}, tmp_path / "unit.ckpt")
    loaded = load_mmf_unit(system, tmp_path / "unit.ckpt", data_sets=DATA_SETS)
    assert not loaded.missing
    assert torch.equal(system.state_dict()["queries.vqa"], weights["unit_base_model.query_embeds.vl.vqa2.weight"])


def test_what_is_missing_or_of_another_size_is_said() -> None:
    system = unit()
    weights = published(system, heads={**HEADS, "vqa2": ("vl", 3, 9, 0)})
    del weights["unit_base_model.transformer.encoder.layers.0.linear1.weight"]
    loaded = load_mmf_unit(system, weights, data_sets=DATA_SETS)
    assert loaded.missing == ("vision.layers.layers.0.mlp.up.weight",)
    assert [name for name, _, _ in loaded.mismatched] == ["classifiers.vl.vqa2.1.weight", "classifiers.vl.vqa2.1.bias"]
    with pytest.raises(ConfigError, match=r"got none for \['boxes', 'pair', 'vqa'\]; want MMF's name"):
        load_mmf_unit(system, weights)
    with pytest.raises(CheckpointError, match="want MMF's names"):
        load_mmf_unit(system, {"weight": torch.zeros(1)}, data_sets=DATA_SETS)
