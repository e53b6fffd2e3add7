"""Mixup of images and labels."""

import torch

from motet.core import Batch, Target
from motet.systems.uni_perceiver.mixup import mixup


def test_images_and_labels_are_mixed_with_the_same_weight() -> None:
    torch.manual_seed(0)
    # Each image is its class, so that a mixed image is its soft target.
    labels = torch.tensor([0, 2, 1, 2])
    pixels = torch.nn.functional.one_hot(labels, 3).float()
    batch = Batch(tuple("abcd"), {"pixels": pixels, "ids": torch.arange(4)}, {})
    found, target = mixup(batch, Target(torch.arange(4), {"label": labels}), 3, 0.8)
    assert torch.allclose(found.inputs["pixels"], target.value["label"])
    assert torch.allclose(target.value["label"].sum(-1), torch.ones(4))
    assert not torch.equal(target.value["label"], pixels)
    assert torch.equal(found.inputs["ids"], torch.arange(4))
    assert torch.equal(batch.inputs["pixels"], torch.nn.functional.one_hot(labels, 3).float()), "unchanged"


def test_rows_of_other_tasks_are_unchanged() -> None:
    torch.manual_seed(0)
    pixels = torch.rand(4, 3)
    batch = Batch(tuple("abcd"), {"pixels": pixels}, {})
    found, _ = mixup(batch, Target(torch.tensor([1, 3]), {"label": torch.tensor([0, 1])}), 2, 0.8)
    assert torch.equal(found.inputs["pixels"][[0, 2]], pixels[[0, 2]])
    assert not torch.equal(found.inputs["pixels"][1], pixels[1])
    assert torch.allclose(found.inputs["pixels"][[1, 3]].sum(0), pixels[[1, 3]].sum(0))
