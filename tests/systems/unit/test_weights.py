"""DETR's weights under both kinds of names: our image encoder and our decoder return the same numbers."""

import argparse
from dataclasses import replace

import pytest
import torch

from motet.core import CheckpointError, ConfigError
from motet.nn.feature_maps import TimmMap
from motet.nn.tower import FromScratch
from motet.systems.unit.weights import load_detr, load_text_encoder

TRUNK = TimmMap("resnet10t", size=64, frozen_norms=True)


@pytest.fixture(scope="module")
def detr():
    """A tiny DETR of transformers at random weights."""
    from transformers import DetrConfig, DetrForObjectDetection
    from transformers.models.timm_backbone import TimmBackboneConfig

    torch.manual_seed(1)
    backbone = TimmBackboneConfig(backbone="resnet10t", out_indices=[4], use_pretrained_backbone=False)
    config = DetrConfig(
        backbone_config=backbone, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, num_queries=6, num_labels=3,
    )  # fmt: skip
    model = DetrForObjectDetection(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1.0, 0.1)
    return model


@pytest.fixture(scope="module")
def alike(make):
    """A UniT of the same shape, without the parts that a DETR lacks."""
    return lambda **changes: make(
        "boxes", "vqa",
        **{"trunk": TRUNK, "mode": FromScratch(), "width": 32, "depth": 2, "heads": 4, "image_width": 32,
           "image_depth": 2, "image_heads": 4, "hidden": 48, "residual": False, "task_token": False} | changes,
    ).eval()  # fmt: skip


@torch.no_grad()
def test_it_detects_as_detr_does(detr, alike) -> None:
    system = alike()
    loaded = load_detr(system, detr.state_dict(), task="boxes")
    assert loaded.lines() == ()
    pixels = torch.randn(2, 3, 64, 96)
    valid = torch.ones(2, 64, 96, dtype=torch.bool)
    valid[1, :, 64:] = False
    theirs = detr(pixel_values=pixels, pixel_mask=valid.long())
    features, grid_hw = system.vision.features(pixels)
    from motet.systems.unit.vision import downsample_mask

    small = downsample_mask(valid, grid_hw)
    memory, positions, real = system.vision.layers(features, grid_hw, small, "boxes")
    known = real[..., None]
    assert torch.allclose(memory * known, theirs.encoder_last_hidden_state * known, atol=1e-4)
    states = system.decoder(system.queries["boxes"], memory, positions, real)
    head = system.heads["boxes"]
    assert torch.allclose(head.classes(states[-1]), theirs.logits, atol=1e-4)
    assert torch.allclose(head.boxes(states[-1]), theirs.pred_boxes, atol=1e-4)


def original_names(state: dict) -> dict:
    """Renames the weights as in facebookresearch/detr, with queries, keys and values in one matrix."""
    found: dict = {}
    for name, value in state.items():
        parts = name.split(".")
        if name.startswith(("model.encoder.layers", "model.decoder.layers")):
            kind, index, rest = parts[1], parts[3], ".".join(parts[4:])
            norms = ("self_attn", "final") if kind == "encoder" else ("self_attn", "encoder_attn", "final")
            for number, norm in enumerate(norms, 1):
                rest = rest.replace(f"{norm}_layer_norm", f"norm{number}")
            rest = rest.replace("mlp.", "").replace("fc1", "linear1").replace("fc2", "linear2")
            rest = rest.replace("encoder_attn", "multihead_attn").replace("o_proj", "out_proj")
            at = f"transformer.{kind}.layers.{index}."
            if rest.split(".")[1:2] and rest.split(".")[1] in ("q_proj", "k_proj", "v_proj"):
                attention, part, which = rest.split(".")
                key = f"{at}{attention}.in_proj_{which}"
                found.setdefault(key, {})["qkv".index(part[0])] = value
            else:
                found[at + rest] = value
        elif "backbone" in name:
            body = name.split("model.", 1)[1]
            for start in ("backbone.", "conv_encoder.", "model.", "_backbone."):
                body = body.removeprefix(start)
            found[f"backbone.0.body.{body.removeprefix('_backbone.')}"] = value
        else:
            for theirs, ours in (
                ("model.decoder.layernorm", "transformer.decoder.norm"), ("model.input_projection", "input_proj"),
                ("model.query_position_embeddings", "query_embed"), ("class_labels_classifier", "class_embed"),
                ("bbox_predictor", "bbox_embed"),
            ):  # fmt: skip
                name = name.replace(theirs, ours)
            found[name] = value
    return {k: torch.cat([v[i] for i in range(3)]) if isinstance(v, dict) else v for k, v in found.items()}


def test_original_names_fill_the_same_places(detr, alike) -> None:
    by_hf, by_original = alike(), alike()
    load_detr(by_hf, detr.state_dict())
    loaded = load_detr(by_original, {"model": original_names(detr.state_dict()), "epoch": torch.tensor(3)})
    assert loaded.lines() == ()
    for name, value in by_hf.state_dict().items():
        if not name.startswith(("text.", "heads.vqa", "queries.vqa", "heads.boxes.attributes")):
            assert torch.equal(value, by_original.state_dict()[name]), name


def test_mismatches_are_reported(detr, alike) -> None:
    system = alike(width=48)
    before = system.decoder.norm.weight.clone()
    loaded = load_detr(system, {**detr.state_dict(), "model.extra.weight": torch.zeros(2)})
    assert any(name == "model.decoder.layernorm.weight" for name, _, _ in loaded.mismatched)
    assert loaded.unexpected == ("model.extra.weight",)
    assert any("got shape (32,); want (48,)" in line for line in loaded.lines())
    assert "vision.layers.layers.0.mlp.up.weight" in loaded.loaded
    assert torch.equal(before, system.decoder.norm.weight)


def test_a_file_of_safetensors_and_errors(detr, alike, make, tmp_path) -> None:
    from safetensors.torch import save_file

    system = alike()
    save_file({name: value.clone() for name, value in detr.state_dict().items()}, tmp_path / "model.safetensors")
    assert load_detr(system, tmp_path).lines() == ()
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"bad\.safetensors: got"):
        load_detr(system, tmp_path / "bad.safetensors")
    with pytest.raises(CheckpointError, match="want a DETR's names"):
        load_detr(system, {"weight": torch.zeros(1)})
    with pytest.raises(ConfigError, match="want a task of boxes"):
        load_detr(system, detr.state_dict(), task="vqa")
    with pytest.raises(ConfigError, match="without image inputs"):
        load_detr(make("pair"), detr.state_dict())


def test_weights_that_the_file_lacks_are_said(detr, alike) -> None:
    whole = detr.state_dict()
    some = {name: value for name, value in whole.items() if not ("encoder.layers" in name and "fc" in name)}
    loaded = load_detr(alike(), some, task="boxes")
    assert len(loaded.missing) == 8
    assert all(name.startswith("vision.layers.layers.") and ".mlp." in name for name in loaded.missing)
    assert loaded.lines() == (f"not in the weights: {', '.join(loaded.missing)}",)


def test_a_published_pth_is_read_and_runs_nothing(detr, alike, tmp_path) -> None:
    original = original_names(detr.state_dict())
    torch.save({"model": original, "args": argparse.Namespace(lr=1e-4), "epoch": 3}, tmp_path / "detr.pth")
    system = alike()
    assert load_detr(system, tmp_path / "detr.pth").lines() == ()
    assert torch.equal(system.state_dict()["vision.layers.input.bias"], original["input_proj.bias"])


def test_a_bert_fills_the_text_encoder(make) -> None:
    system, other = make("pair"), make("pair")
    torch.nn.init.ones_(other.text.tower.encoder.model.encoder.layer[0].output.dense.weight)
    weights = {f"bert.{name}": value for name, value in other.text.tower.encoder.model.state_dict().items()}
    load_text_encoder(system, weights | {"cls.predictions.bias": torch.zeros(3)})
    assert bool((system.text.tower.encoder.model.encoder.layer[0].output.dense.weight == 1).all())
    with pytest.raises(CheckpointError, match="others; want a BERT's weights"):
        load_text_encoder(system, {})
    with pytest.raises(ConfigError, match="without text inputs"):
        load_text_encoder(make("boxes"), weights)
    assert replace(system.config, depth=1).depth == 1
