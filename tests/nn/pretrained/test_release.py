"""Published releases on disk and on the Hub: which file is read, what lies beside it, and what is refused."""

import json
import pickle
import time
import zipfile

import numpy as np
import pytest
import torch
from published_names import arrays, big_vision_vit, detr, tensors
from safetensors.torch import save_file

from motet.core import CheckpointError
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import open_release

DETR = tensors(detr({}, channels=8, width=8, depth=1, hidden=8, queries=2, classes=3))
VIT = arrays(big_vision_vit(patch=2, places=4, width=8, depth=1, heads=2, hidden=8, scanned=True))


def test_a_folder_as_transformers_saves_it(tmp_path) -> None:
    save_file(DETR, tmp_path / "model.safetensors")
    torch.save(DETR, tmp_path / "pytorch_model.bin")
    torch.save({"lr": 1}, tmp_path / "training_args.bin")
    (tmp_path / "config.json").write_text(json.dumps({"num_queries": 2}))
    release = open_release(tmp_path)
    assert (release.path.name, release.form) == ("model.safetensors", forms.DETR)
    assert release.options() == {"num_queries": 2}
    assert release.numbers == sum(value.numel() for value in DETR.values())
    (tmp_path / "model.safetensors").unlink()
    assert open_release(tmp_path).path.name == "pytorch_model.bin"
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(CheckpointError, match=r"config\.json: got"):
        release.options()


def test_files_of_every_kind(tmp_path) -> None:
    torch.save({"model": DETR, "epoch": 3}, tmp_path / "detr.pth")
    np.savez(tmp_path / "vit.npz", **VIT)
    assert open_release(tmp_path / "detr.pth").form is forms.DETR
    (tmp_path / "empty").mkdir()
    found = open_release(tmp_path / "vit.npz")
    assert found.form is forms.VIT
    assert set(found.arrays) == set(VIT)
    with pytest.raises(CheckpointError, match=r"got a folder without \*\.safetensors"):
        open_release(tmp_path / "empty")


def test_several_files_are_not_guessed_among(tmp_path) -> None:
    for name in ("a.pth", "b.pth"):
        torch.save(DETR, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"got 2 files of weights \(a\.pth, b\.pth\); want the path of one"):
        open_release(tmp_path)


class _Call:
    def __reduce__(self):
        return (print, ("run",))


def test_nothing_in_a_file_is_run_and_nothing_grows(tmp_path, capsys) -> None:
    torch.save({"model": _Call()}, tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Call()))
    np.savez(tmp_path / "objects.npz", **{"embedding/kernel": np.array([_Call()], dtype=object)})
    for name in ("bad.pth", "plain.pth", "objects.npz"):
        with pytest.raises(CheckpointError, match=name):
            open_release(tmp_path / name)
    assert capsys.readouterr().out == ""
    huge = torch.zeros(1).expand(1 << 20, 1 << 20)
    torch.save({**DETR, "class_embed.weight": huge}, tmp_path / "huge.pth")
    with pytest.raises(CheckpointError, match=r"class_embed\.weight: \(1048576, 1048576\) of fewer stored numbers"):
        open_release(tmp_path / "huge.pth")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(100 * 2**20))
    with pytest.raises(CheckpointError, match="that unpack to 104,857,600; want weights"):
        open_release(tmp_path / "bomb.npz")


def _cached(cache, files) -> None:
    """A repository in the cache of huggingface_hub, in its layout."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = cache / "models--facebook--detr-resnet-50"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit).mkdir(parents=True)
    for name, write in files.items():
        write(repository / "snapshots" / commit / name)


def test_a_name_goes_through_the_hubs_own_code(tmp_path, monkeypatch) -> None:
    """The cache of huggingface_hub holds what an earlier download left; no network is asked."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: False)
    _cached(tmp_path, {
        "model.safetensors": lambda path: save_file(DETR, path),
        "config.json": lambda path: path.write_text('{"num_queries": 2}'),
    })  # fmt: skip
    release = open_release("facebook/detr-resnet-50")
    assert release.form is forms.DETR
    assert release.options() == {"num_queries": 2}


def test_without_network_it_is_one_line_in_time(tmp_path, monkeypatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: False)
    started = time.monotonic()
    with pytest.raises(CheckpointError, match=r"'facebook/nothing': got no such folder, and the Hub could not be"):
        open_release("facebook/nothing")
    with pytest.raises(CheckpointError, match=r"weights 'detr\.pth': got no such file or folder; want a file of"):
        open_release("detr.pth")
    assert time.monotonic() - started < 10
