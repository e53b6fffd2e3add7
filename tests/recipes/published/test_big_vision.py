"""Classifiers of big_vision by one command, and the sizes of released encoders."""

from pathlib import Path

import numpy as np
import pytest
import torch
from published_names import arrays, big_vision_vit
from torch.nn import functional as F

from motet.core import CheckpointError, ConfigError
from motet.hub import load_system
from motet.nn.encoders import PlainViT, TimmEncoder
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published import published_model
from motet.recipes.published.big_vision import plain_vit
from motet.recipes.published.import_release import import_release
from motet.recipes.published.model import ExtraFiles

SMALL = {"patch": 4, "places": 4, "width": 16, "depth": 2, "heads": 2, "hidden": 32}


def meta(shapes, form) -> Release:
    """A release whose arrays have shapes and one number each."""
    found = {name: np.broadcast_to(np.zeros((), np.float32), shape) for name, shape in shapes.items()}
    return Release(Path("released.npz"), form, arrays=found)


@pytest.mark.parametrize("pooled", [True, False])
@torch.no_grad()
def test_a_classifier_answers_by_its_own_pooling_and_head(tmp_path, pooled: bool) -> None:
    found = arrays(big_vision_vit(**SMALL, scanned=False, map_head=pooled))
    found |= {"head/kernel": np.float32(np.eye(16)[:, :3] * 9), "head/bias": np.float32([0, 1, 2])}
    np.savez(tmp_path / "vit.npz", **{f"params/{name}": value for name, value in found.items()})
    (tmp_path / "names.txt").write_text("cat\nN/A\ndog\n")
    report = import_release(
        tmp_path / "vit.npz", tmp_path / "model", given=ExtraFiles({"head": tmp_path / "names.txt"})
    )
    assert report.match.missing == report.match.unused == ()
    system = load_system(tmp_path / "model")
    assert system.tasks["classes"].target.names == ("cat", "dog")
    tokens = system.encode(torch.randn(2, 3, 8, 8))
    head = system.heads["classes"]
    mean = head.pool(tokens)
    if not pooled:
        assert torch.equal(mean, tokens.mean(1))
    wanted = F.linear(mean, torch.from_numpy(found["head/kernel"].T), torch.from_numpy(found["head/bias"]))
    torch.testing.assert_close(head(tokens), wanted[:, [0, 2]])


def test_sizes_of_released_encoders() -> None:
    siglip = {"patch": 16, "places": 196, "width": 768, "depth": 12, "heads": 12, "hidden": 3072, "scanned": True}
    named = {f"params/img/{name}": shape for name, shape in big_vision_vit(**siglip).items()}
    assert plain_vit(meta(named, forms.SIGLIP)) == PlainViT(224, 16, 768, 12, 12, 4.0)
    # So400m/14 of PaliGemma: 27 layers of 1,152 channels, MLPs of 4,304.
    so400m = {"patch": 14, "places": 256, "width": 1152, "depth": 27, "heads": 16, "hidden": 4304, "scanned": True}
    named = {f"params/img/{name}": shape for name, shape in big_vision_vit(**so400m, map_head=False).items()}
    assert plain_vit(meta(named, forms.PALIGEMMA)) == PlainViT(224, 14, 1152, 27, 16, 4304 / 1152)
    plain = big_vision_vit(**siglip, map_head=False)
    with_token = plain | {"cls": (1, 1, 768), "pos_embedding": (1, 197, 768)}
    assert plain_vit(meta(with_token, forms.VIT)) == TimmEncoder("vit_base_patch16_224")
    fixed = {name: shape for name, shape in plain.items() if name != "pos_embedding"}
    assert plain_vit(meta(fixed, forms.VIT)).positions == "sincos2d"
    with pytest.raises(CheckpointError, match="got 7 positions; want a square"):
        plain_vit(meta(plain | {"pos_embedding": (1, 7, 768)}, forms.VIT))


def test_encoders_alone_answer_nothing() -> None:
    shapes = big_vision_vit(**SMALL, scanned=False)
    with pytest.raises(ConfigError, match="got a ViT without a head, which answers nothing by itself; want --into"):
        published_model(meta(shapes, forms.VIT), ExtraFiles())
    with pytest.raises(ConfigError, match="got SigLIP of big_vision, of which only an encoder is used"):
        published_model(meta(shapes, forms.SIGLIP), ExtraFiles())
    with pytest.raises(CheckpointError, match=r"got 5 classes and 0 names; want --names head=FILE"):
        published_model(meta(shapes | {"head/kernel": (16, 5)}, forms.VIT), ExtraFiles())


def test_imagenets_names_are_known() -> None:
    head = {"head/kernel": (16, 1000), "head/bias": (1000,)}
    (task,) = published_model(meta(big_vision_vit(**SMALL, scanned=False) | head, forms.VIT), ExtraFiles()).tasks
    assert task.target.names[:2] == ("tench", "goldfish")
    assert len(set(task.target.names)) == 1000
