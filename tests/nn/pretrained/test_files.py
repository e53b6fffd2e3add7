"""Reading of published weights, and the report of unmatched names."""

import pytest
import torch
from safetensors.torch import save_file

from motet.core import CheckpointError
from motet.nn.pretrained.files import PublishedWeights, read_published


def test_only_mismatches_are_reported() -> None:
    assert PublishedWeights(("a",), (), ()).lines() == ()
    assert PublishedWeights((), (), (), ("b", "c")).lines() == ("not in the weights: b, c",)


def test_a_mapping_a_file_and_a_folder_give_the_same(tmp_path) -> None:
    weights = {"a": torch.arange(3.0)}
    save_file(weights, tmp_path / "model.safetensors")
    for source in (weights, {"state": weights, "epoch": torch.tensor(3)}, tmp_path, tmp_path / "model.safetensors"):
        found = read_published(source, inside="state")
        assert {name: value.tolist() for name, value in found.items()} == {"a": [0.0, 1.0, 2.0]}


def test_a_weight_that_is_called_like_the_mapping_is_a_weight() -> None:
    assert set(read_published({"model": torch.zeros(1), "b": torch.zeros(1)}, inside="model")) == {"model", "b"}


def test_a_broken_file_and_a_missing_one_are_named(tmp_path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    for name in ("bad", "none"):
        with pytest.raises(CheckpointError, match=rf"{name}\.safetensors: got .*; want a complete"):
            read_published(tmp_path / f"{name}.safetensors", inside="model")
