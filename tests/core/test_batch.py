"""Batches move to a device with everything in them; losses are sums with weights."""

import torch

from motet.core import Batch, Loss, Losses, Target


def batch() -> Batch:
    value = {"map": torch.ones(2, 3), "parts": [torch.zeros(1), (torch.ones(1), "name")]}
    targets = {"depth": Target(torch.tensor([0, 2]), value, ("a", "b")), "none": Target(torch.tensor([1]), None)}
    return Batch(("x", "y", "z"), {"pixels": torch.zeros(3, 2)}, targets)


def test_the_length_is_the_number_of_rows() -> None:
    assert len(batch()) == 3


def test_every_tensor_moves_and_everything_else_stays() -> None:
    moved = batch().to("meta")
    value = moved.targets["depth"].value
    tensors = [
        moved.inputs["pixels"], moved.targets["depth"].rows, value["map"], value["parts"][0], value["parts"][1][0],
    ]  # fmt: skip
    assert [tensor.device.type for tensor in tensors] == ["meta"] * 5
    assert value["parts"][1][1] == "name"
    assert moved.targets["depth"].annotations == ("a", "b")
    assert moved.targets["none"].value is None
    assert moved.ids == ("x", "y", "z")


def test_containers_keep_their_type() -> None:
    parts = batch().to("cpu").targets["depth"].value["parts"]
    assert isinstance(parts, list)
    assert isinstance(parts[1], tuple)


def test_losses_have_no_terms_by_default() -> None:
    losses = Losses({"a": Loss(torch.tensor(6.0), torch.tensor(3.0))})
    assert (dict(losses.aux), dict(losses.terms)) == ({}, {})
