"""Official weights: names, token ids and errors; their numbers are tested in `tests/golden/test_s5_model.py`."""

from pathlib import Path

import pytest
import torch

from motet.core import CheckpointError
from motet.systems.uni_perceiver.weights import load_uni_perceiver

NORM = "fused_encoder.layers.0.norm1.weight"


def test_weights_of_another_model_are_refused(make) -> None:
    with pytest.raises(CheckpointError, match=r"got 'bert\.x' and others; want 'fused_encoder\.layers"):
        load_uni_perceiver(make("class"), {"bert.x": torch.zeros(1)})


def test_rows_of_the_table_go_to_the_ids_of_the_tokeniser(make) -> None:
    system = make("class")
    before = system.embedding.words.weight.detach().clone()
    table = torch.arange(4.0)[:, None].expand(4, 16).contiguous()
    published = {NORM: torch.full((16,), 3.0), "token_embed.embeddings.weight": table}
    report = load_uni_perceiver(system, published, token_ids={0: 7, 3: 2, 9: 5, 1: 10_000})
    after = system.embedding.words.weight.detach()
    assert after[7].tolist() == [0.0] * 16
    assert after[2].tolist() == [3.0] * 16
    others = [i for i in range(len(after)) if i not in (7, 2)]
    assert torch.equal(after[others], before[others])
    assert set(report.loaded) == {"encoder.blocks.0.norm1.weight", "embedding.words.weight"}
    assert "encoder.blocks.0.norm1.bias" in report.missing
    assert system.encoder.blocks[0].norm1.weight.tolist() == [3.0] * 16


def test_other_shapes_and_unknown_names_are_reported(make) -> None:
    system = make("class")
    before = {name: value.clone() for name, value in system.state_dict().items()}
    report = load_uni_perceiver(system, {NORM: torch.zeros(5), "head.bias": torch.zeros(2)}, token_ids={})
    assert report.unexpected == ("head.bias",)
    assert report.mismatched == (("encoder.blocks.0.norm1.weight", (5,), (16,)),)
    assert all(torch.equal(value, before[name]) for name, value in system.state_dict().items())


def test_every_published_scale_finds_its_family(make) -> None:
    system = make("class", "pair", "caption", "masked", "match", "motion")
    names = {
        "img_cls": "picture", "video_cls": "video", "downstream": "sentence", "caption": "said", "text_mlm": "word",
        "retrieve": "fit",
    }  # fmt: skip
    published = {f"loss_prepare.logit_scale_{name}": torch.tensor(float(i)) for i, name in enumerate(names)}
    report = load_uni_perceiver(system, {NORM: torch.ones(16), **published}, token_ids={})
    assert not report.unexpected
    scales = system.similarity.log_scales
    assert [float(scales[key].detach()) for key in names.values()] == [0, 1, 2, 3, 4, 5]


def dense_layer(index: int, block, names: str) -> dict[str, torch.Tensor]:
    """Weights of a block under the names of a released dense model, or of the DeepSpeed file that it was made of."""
    torch.manual_seed(index)
    state = {name: torch.randn_like(value) for name, value in block.state_dict().items()}
    of = {
        "released": {
            "qkv.": "self_attn.in_proj_", "out.": "self_attn.out_proj.", "up.": "linear1.", "down.": "linear2.",
            "norm1.": "norm1.", "norm2.": "norm2.", "scale1": "gamma_1", "scale2": "gamma_2",
        },
        "deepspeed": {
            "qkv.": "attention.self.qkv_proj.", "out.": "attention.output.dense.", "up.": "ffn.dense.",
            "down.": "ffn.dense2.", "norm1.": "LayerNormModules.0.", "norm2.": "LayerNormModules.1.",
            "scale1": "attention_output.residual_scale", "scale2": "ffn_output.residual_scale",
        },
    }[names]  # fmt: skip
    encoder = {"released": "fused_encoder", "deepspeed": "encoder"}[names]
    found = {}
    for name, value in state.items():
        start = next(start for start in of if name.startswith(start))
        official = f"{encoder}.layers.{index}.{of[start]}{name.removeprefix(start)}"
        found[official] = value.view(1, 1, -1) if official.endswith("residual_scale") else value
    return found


@pytest.mark.parametrize(("names", "key"), [("released", "model"), ("deepspeed", "module")])
def test_every_weight_of_a_dense_checkpoint_is_loaded_from_its_file(make, tmp_path: Path, names: str, key: str) -> None:
    """`tools/convert_checkpoint.py` writes {"model": ...} with attention as nn.MultiheadAttention names it."""
    system = make("class", blocks=None)
    layers = [dense_layer(index, block, names) for index, block in enumerate(system.encoder.blocks)]
    published = {name: value for layer in layers for name, value in layer.items()}
    torch.save({key: published, "iteration": 90_000}, tmp_path / "uni-perceiver-base.pth")
    report = load_uni_perceiver(system, tmp_path / "uni-perceiver-base.pth", token_ids={})
    assert report.unexpected == report.mismatched == ()
    assert set(report.loaded) == {f"encoder.{name}" for name in system.encoder.state_dict()}
    assert not any(name.startswith("encoder.") for name in report.missing)
    start = (
        "fused_encoder.layers.0.self_attn.in_proj_"
        if names == "released"
        else "encoder.layers.0.attention.self.qkv_proj."
    )
    assert torch.equal(system.encoder.blocks[0].qkv.weight, published[f"{start}weight"])


def test_a_weight_of_a_layer_without_a_place_is_reported(make) -> None:
    system = make("class")
    unknown = {
        "fused_encoder.layers.0.self_attn.rotary": torch.ones(1),
        "fused_encoder.layers.0.linear1.gate.other.weight": torch.ones(1),
        "fused_encoder.layers.0.linear2.gate.wg.weight": torch.ones(1),  # never asked, there and here
    }
    report = load_uni_perceiver(system, {NORM: torch.ones(16), **unknown}, token_ids={})
    assert set(report.unexpected) == set(list(unknown)[:2])


def test_the_type_of_images_of_an_unconverted_checkpoint_is_part_of_the_bias(make) -> None:
    system = make("class")
    bias = system.embedding.patches.bias
    published = {
        "encoder.layers.0.LayerNormModules.0.weight": torch.ones(16), "visual_embed.x": torch.ones(1),
        "video_embed.embeddings.bias": torch.full_like(bias, 2.0),
        "video_embed.embeddings_type.weight": torch.ones(1, len(bias)),
    }  # fmt: skip
    load_uni_perceiver(system, published, token_ids={})
    assert bias.tolist() == [3.0] * len(bias)
