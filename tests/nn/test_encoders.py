"""Image encoders, pretrained or not."""

import os
from pathlib import Path

import pytest
import timm
import torch
from timm.data import ImageNetInfo

from motet.core import ConfigError, DiskImage
from motet.nn.encoders import BundledLite0, PlainViT, TimmEncoder
from motet.nn.pretrained.lite0 import load_lite0
from motet.nn.transformer import sincos_positions
from motet.preprocess.images import Geometry, ImageTransform, decode


@pytest.mark.parametrize(
    ("config", "tokens", "width"),
    [
        (TimmEncoder("test_vit", size=32), 4, 64),
        (TimmEncoder("test_vit", size=32, stage=-2), 4, 64),
        (TimmEncoder("test_resnet", size=64), 4, 96),
        (TimmEncoder("test_resnet", size=64, stage=-2), 16, 192),
        (TimmEncoder("test_efficientnet", size=64), 4, 64),
        (BundledLite0(size=64), 4, 320),
        (BundledLite0(size=64, stage=-2), 16, 112),
        (BundledLite0(size=64, stage=(-2, -1)), 16, 432),
        (PlainViT(size=16, patch=8, width=12, depth=1, heads=2), 4, 12),
        (PlainViT(size=16, patch=8, width=12, depth=1, heads=2, positions="sincos2d"), 4, 12),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_encoder_gives_the_tokens_it_says(config, tokens: int, width: int) -> None:
    encoder = config.build(pretrained=False).eval()
    assert (encoder.num_tokens, encoder.width) == (tokens, width)
    out = encoder(torch.randn(2, 3, *encoder.pixels.size_hw))
    assert out.shape == (2, tokens, width)


@pytest.mark.parametrize(
    "config", [TimmEncoder("test_vit", size=32), TimmEncoder("test_resnet", size=64, stage=-2), BundledLite0(size=64)]
)
def test_no_parameter_is_there_for_nothing(config) -> None:
    encoder = config.build(pretrained=False)
    encoder(torch.randn(2, 3, *encoder.pixels.size_hw)).square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None] == []


def test_a_ViT_reads_its_last_block_after_the_final_norm() -> None:
    torch.manual_seed(0)
    encoder = TimmEncoder("test_vit", size=32).build(pretrained=False).eval()
    torch.manual_seed(0)
    model = timm.create_model("test_vit", img_size=32).eval()
    pixels = torch.randn(1, 3, 32, 32)
    whole = model.forward_features(pixels)[:, model.num_prefix_tokens :]
    torch.testing.assert_close(encoder(pixels), whole)


def test_tokens_of_several_stages_stand_behind_each_other_each_in_its_place() -> None:
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    apart = [BundledLite0(size=64, stage=stage, placed=False).build(pretrained=True).eval() for stage in (-2, -1)]
    fine, coarse = (encoder(pixels) for encoder in apart)
    both = BundledLite0(size=64, stage=(-2, -1), placed=False).build(pretrained=True).eval()(pixels)
    torch.testing.assert_close(both[..., :112], fine)
    grown = coarse.view(1, 2, 2, 320).repeat_interleave(2, 1).repeat_interleave(2, 2).flatten(1, 2)
    torch.testing.assert_close(both[..., 112:], grown)


def test_a_placed_map_is_normed_and_says_where_each_token_is() -> None:
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    raw, placed = (
        BundledLite0(size=64, placed=placed).build(pretrained=True).eval()(pixels) for placed in (False, True)
    )
    where = placed - torch.nn.functional.layer_norm(raw, (320,))
    torch.testing.assert_close(where[0], sincos_positions(2, 2, 320), atol=1e-4, rtol=0)


def test_an_encoder_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"got 'test_vitt'; want a model of timm, did you mean 'test_vit"):
        TimmEncoder("test_vitt").build(pretrained=False)
    with pytest.raises(ConfigError, match="stage -9"):
        TimmEncoder("test_resnet", stage=-9).build(pretrained=False)
    with pytest.raises(ConfigError, match="TypeError"):
        TimmEncoder("test_resnet", options={"wings": 2}).build(pretrained=False)
    with pytest.raises(ConfigError, match=r"PlainViT.patch: got 7"):
        PlainViT(size=16, patch=7)


def test_the_backbones_own_pooling_head_is_there_when_it_has_one() -> None:
    options = {"img_size": 16, "patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2}
    with_head = TimmEncoder("vit_base_patch16_siglip_224", size=16, options=options).build(pretrained=False).eval()
    head = with_head.pool()
    assert head is not None
    assert head(with_head(torch.randn(2, 3, 16, 16))).shape == (2, 12)
    assert TimmEncoder("test_resnet").build(pretrained=False).pool() is None


def test_the_wheel_fits_the_model_that_pads_as_TensorFlow_does() -> None:
    model = timm.create_model("tf_efficientnet_lite0").eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    load_lite0(model)
    state = model.state_dict()
    assert [
        name for name in state if not name.endswith("num_batches_tracked") and torch.equal(before[name], state[name])
    ] == []
    ours = BundledLite0(size=64, placed=False).build(pretrained=True).eval()
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    (stage,) = model.forward_intermediates(pixels, indices=[-1], intermediates_only=True)
    torch.testing.assert_close(ours(pixels), stage.flatten(2).transpose(1, 2))


def test_the_other_lite0_of_timm_takes_the_weights_too_and_is_not_the_one_used() -> None:
    # It loads without a word and loses eight points on ImageNet: its padding and its norms' epsilon differ.
    other = timm.create_model("efficientnet_lite0").eval()
    load_lite0(other)
    ours = BundledLite0(size=64, placed=False).build(pretrained=True).eval()
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    (stage,) = other.forward_intermediates(pixels, indices=[-1], intermediates_only=True)
    assert (ours(pixels) - stage.flatten(2).transpose(1, 2)).abs().mean() > 0.1
    assert ours.pixels.mean == (0.5, 0.5, 0.5)


DATA = os.environ.get("MOTET_DATA")


@pytest.mark.real_data
@pytest.mark.skipif(DATA is None, reason="MOTET_DATA is not set")
def test_the_wheel_knows_imagenet() -> None:
    files = sorted((Path(DATA or "") / "imagenet_sample").glob("n*_*.JPEG"))
    keys = ImageNetInfo().label_names()
    model = timm.create_model("tf_efficientnet_lite0").eval()
    load_lite0(model)
    transform = ImageTransform((224, 224), antialias=True)
    right = 0
    for path in files[::6]:
        image = decode(DiskImage(path))
        side = round(min(image.size) * 224 / 256)
        x0, y0 = (image.width - side) // 2, (image.height - side) // 2
        geometry = Geometry((x0, y0, x0 + side, y0 + side), False, (224, 224), (image.height, image.width))
        with torch.no_grad():
            label = int(model(torch.from_numpy(transform(image, geometry))[None]).argmax())
        right += keys[label] == path.name.split("_")[0]
    assert right >= 0.75 * len(files[::6])  # 84 % of all
