"""Reading of published weights, copying them, and the report of unmatched names."""

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from motet.core import CheckpointError
from motet.nn.pretrained.files import PublishedWeights, copy_published, read_published


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


def test_weights_are_copied_where_names_and_shapes_fit() -> None:
    own = {name: torch.zeros(2) for name in ("a", "b", "c", "d")}
    one = torch.ones(2)
    renamed = {"x": {"a": one, "b": 2 * one}, "y": {}, "z": {"c": one, "e": one}, "w": {"d": torch.ones(3)}}
    report = copy_published(own, renamed)
    assert [value.tolist() for value in own.values()] == [[1, 1], [2, 2], [0, 0], [0, 0]]
    assert report.loaded == ("a", "b")
    assert report.unexpected == ("y", "z"), "a weight is copied whole or not at all"
    assert report.mismatched == (("w", (3,), (2,)),)


def test_parameters_are_written_in_place_without_a_gradient() -> None:
    layer = torch.nn.Linear(2, 1)
    copy_published(layer.state_dict(), {"fc.bias": {"bias": torch.tensor([5.0])}})
    assert layer.bias.tolist() == [5.0]
    assert layer.bias.is_leaf


class Command:
    def __reduce__(self):
        return os.system, ("true",)


def test_files_of_pytorch_are_read_as_data(tmp_path) -> None:
    weights = {"a": torch.arange(3.0), "step": torch.tensor(2)}
    for name in ("x.pth", "x.pt", "x.ckpt", "pytorch_model.bin"):
        torch.save({"state": weights, "epoch": 3}, tmp_path / name)
        source = tmp_path if name == "pytorch_model.bin" else tmp_path / name
        found = read_published(source, inside="state")
        assert {key: value.tolist() for key, value in found.items()} == {"a": [0.0, 1.0, 2.0], "step": 2}
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert set(read_published(tmp_path / "old.pth", inside="state")) == {"a", "step"}


def test_no_code_of_a_file_is_run(tmp_path) -> None:
    torch.save({"model": Command()}, tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"model": Command()}))
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("bad", "plain", "cut", "none"):
        with pytest.raises(CheckpointError, match=rf"{name}\.pth: got .*; want a complete"):
            read_published(tmp_path / f"{name}.pth", inside="model")
    with pytest.raises(CheckpointError, match=r"list\.pth: got a list; want weights by name"):
        read_published(tmp_path / "list.pth", inside="model")


def test_names_that_nothing_becomes_are_missing() -> None:
    own = {name: torch.zeros(2) for name in ("part.a", "part.b", "part.num_batches_tracked", "other.c")}
    report = copy_published(own, {"x": {"part.a": torch.ones(3)}}, expected=("part.",))
    assert report.missing == ("part.b",)
    assert copy_published(own, {}).missing == ()
