"""Damaged and hostile files end in one line, before they take memory; folders in use are left alone."""

from pathlib import Path

import pytest
import torch
from published_names import detr, tensors, trunk

from motet.core import CheckpointError, DataError, MotetError
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published.import_release import import_release, model_of
from motet.recipes.published.model import ExtraFiles


def release(**changes: torch.Tensor) -> Release:
    from torchvision.models import resnet18

    body = trunk(resnet18().state_dict(), "backbone.0.body.")
    sizes = {"channels": 512, "width": 16, "depth": 1, "hidden": 16, "queries": 3, "classes": 91}
    return Release(Path("detr.pth"), forms.DETR, {**tensors(detr(body, **sizes)), **changes})


@pytest.mark.parametrize(
    "name", ["query_embed.weight", "class_embed.weight", "transformer.encoder.layers.0.linear1.weight"]
)
def test_an_array_without_a_shape_is_one_line(name: str) -> None:
    with pytest.raises(MotetError, match="want a complete file of DETR") as caught:
        model_of(release(**{name: torch.zeros(())}), ExtraFiles())
    assert "\n" not in str(caught.value)


def test_an_array_of_another_shape_is_reported() -> None:
    _, found = model_of(release(**{"input_proj.bias": torch.zeros(3)}), ExtraFiles())
    assert found.match.unused == ("input_proj.bias (shape (3,), here (16,))",)


def test_sizes_that_the_weights_cannot_fill_take_no_memory() -> None:
    """A width of a million would need terabytes."""
    with pytest.raises(CheckpointError, match="want those of the"):
        model_of(release(**{"query_embed.weight": torch.zeros(1, 1_000_000)}), ExtraFiles())
    deep = {"transformer.encoder.layers.100000000.norm1.weight": torch.zeros(16)}
    with pytest.raises(CheckpointError, match="want those of the"):
        model_of(release(**deep), ExtraFiles())


def test_a_folder_in_use_is_left_alone(tmp_path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="got one that is not empty; want a new folder"):
        import_release(tmp_path / "nothing.pth", tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["mine.txt"]


def test_names_that_are_no_list_are_refused(tmp_path) -> None:
    import json
    import pickle

    from motet.training.published_names import read_names

    for name, content in {"a.json": {"5000000000": "x"}, "b.json": [1, 2], "c.json": {"a": "b"}, "d.json": []}.items():
        (tmp_path / name).write_text(json.dumps(content))
        with pytest.raises(CheckpointError, match="want a list of names"):
            read_names(tmp_path / name)
    (tmp_path / "e.json").write_text(json.dumps({"id2label": {"1": "dog", "0": "cat", "3": "cow"}}))
    assert read_names(tmp_path / "e.json") == ("cat", "dog", "N/A", "cow")
    (tmp_path / "f.pkl").write_bytes(pickle.dumps(["yes", "no"]))
    assert read_names(tmp_path / "f.pkl") == ("yes", "no")
    (tmp_path / "g.txt").write_text("dog,puppy\ncat\n")
    assert read_names(tmp_path / "g.txt") == ("dog,puppy", "cat")
    assert read_names(tmp_path / "g.txt", synonyms=True) == ("dog", "cat")
    with pytest.raises(DataError, match=r"got No such file or directory.*h\.txt"):
        read_names(tmp_path / "h.txt")
