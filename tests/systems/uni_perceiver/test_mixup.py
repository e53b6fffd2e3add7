"""Mixup of images and labels."""

import pytest
import torch

from motet.core import Batch, Target
from motet.systems.uni_perceiver import LossConfig
from motet.systems.uni_perceiver.mixup import mix, smoothed_classes

PLAIN = LossConfig(smoothing=0.0)


def test_images_and_labels_are_mixed_with_the_same_weight() -> None:
    torch.manual_seed(0)
    # Each image is its class, so that a mixed image is its soft target.
    labels = torch.tensor([0, 2, 1, 2])
    pixels = torch.nn.functional.one_hot(labels, 3).float()
    batch = Batch(tuple("abcd"), {"pixels": pixels, "ids": torch.arange(4)}, {})
    found, target = mix(batch, Target(torch.arange(4), {"label": labels}), 3, PLAIN)
    assert torch.allclose(found.inputs["pixels"], target.value["label"])
    assert torch.allclose(target.value["label"].sum(-1), torch.ones(4))
    assert not torch.equal(target.value["label"], pixels)
    assert torch.equal(found.inputs["ids"], torch.arange(4))
    assert torch.equal(batch.inputs["pixels"], torch.nn.functional.one_hot(labels, 3).float()), "unchanged"


def test_rows_of_other_tasks_are_unchanged() -> None:
    torch.manual_seed(0)
    pixels = torch.rand(4, 3)
    batch = Batch(tuple("abcd"), {"pixels": pixels}, {})
    found, _ = mix(batch, Target(torch.tensor([1, 3]), {"label": torch.tensor([0, 1])}), 2, PLAIN)
    assert torch.equal(found.inputs["pixels"][[0, 2]], pixels[[0, 2]])
    assert not torch.equal(found.inputs["pixels"][1], pixels[1])
    assert torch.allclose(found.inputs["pixels"][[1, 3]].sum(0), pixels[[1, 3]].sum(0))


def test_cutmix_puts_a_box_of_the_partner_in_and_weighs_classes_by_its_area() -> None:
    config = LossConfig(smoothing=0.0, mixup_alpha=0.8, cutmix_alpha=1.0)
    labels = torch.tensor([0, 1])
    pixels = labels.view(2, 1, 1, 1).expand(2, 3, 8, 8).float()
    batch, kinds = Batch(("a", "b"), {"pixels": pixels}, {}), set()
    for seed in range(20):
        torch.manual_seed(seed)
        found, target = mix(batch, Target(torch.arange(2), {"label": labels}), 2, config)
        image = found.inputs["pixels"][0]
        # The share of pixels of class 1 in image 0, mixed or cut, is the weight of class 1.
        assert torch.allclose(image.mean(), target.value["label"][0, 1], atol=1e-5)
        kinds.add("cut" if set(image.unique().tolist()) <= {0.0, 1.0} else "mixed")
    assert kinds == {"cut", "mixed"}


def test_stored_features_are_mixed_and_never_cut() -> None:
    torch.manual_seed(1)
    features = torch.tensor([0.0, 1.0]).view(2, 1, 1).expand(2, 6, 4)
    batch, config = Batch(("a", "b"), {"features": features}, {}), LossConfig(smoothing=0.0, cutmix_alpha=1.0)
    for _ in range(8):
        found, _ = mix(batch, Target(torch.arange(2), {"label": torch.tensor([0, 1])}), 2, config)
        assert len(found.inputs["features"][0].unique()) == 1


def test_soft_targets_are_smoothed() -> None:
    torch.manual_seed(0)
    batch = Batch(("a", "b"), {"pixels": torch.rand(2, 3, 4, 4)}, {})
    _, target = mix(batch, Target(torch.arange(2), {"label": torch.tensor([0, 0])}), 4, LossConfig(smoothing=0.1))
    wanted = smoothed_classes(torch.tensor([0, 0]), 4, 0.1)
    assert torch.allclose(target.value["label"], wanted)
    assert wanted[0].tolist() == pytest.approx([0.925, 0.025, 0.025, 0.025])
