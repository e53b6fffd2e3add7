"""An export predicts as the system it was made from, and a folder that was changed since is refused in one line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import motet
from motet.core import CheckpointError, ConfigError
from motet.hub import from_pretrained
from motet.hub.exported import OnnxSystem
from motet.hub.predict import PredictionInput, Predictor
from motet.tasks import classification


@pytest.fixture
def copied(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_it_predicts_as_before_with_any_number_of_rows(system, folder, photos) -> None:
    inputs = [PredictionInput(image=photo) for photo in photos]
    wanted = Predictor(system).batch("animal", inputs)
    for size in (1, 2, 5):
        found = Predictor(from_pretrained(folder), batch_size=size).batch("animal", inputs)
        assert [one.name for one in found] == [one.name for one in wanted]
        np.testing.assert_allclose([one.scores for one in found], [one.scores for one in wanted], atol=1e-5)


def test_its_predictor_is_that_of_any_model(folder, photos) -> None:
    predictor = motet.load(folder)
    assert isinstance(predictor.system, OnnxSystem)
    (row,) = predictor.many("animal", [PredictionInput(image=photos[0])])
    assert row.predictions["animal"] == predictor("animal", image=photos[0])
    with pytest.raises(ConfigError, match=r"animl.*animal"):
        predictor("animl", image=photos[0])


def test_it_holds_no_weights_of_its_own(folder) -> None:
    loaded = from_pretrained(folder)
    assert list(loaded.parameters()) == []
    with pytest.raises(ConfigError, match="got an exported model; want the run"):
        loaded.losses(None)


def test_it_takes_no_other_tasks(folder) -> None:
    with pytest.raises(ConfigError, match="an exported model has its own"):
        from_pretrained(folder, tasks=[classification("other", ("a", "b"))])


@pytest.mark.parametrize("name", ["config.json", "tasks.json", "weights.bin", "encode.onnx", "scores.animal.onnx"])
def test_a_missing_file_is_one_line(copied, name) -> None:
    (copied / name).unlink()
    with pytest.raises(CheckpointError, match="want ") as caught:
        from_pretrained(copied)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tasks.json", "graphs.json", "encode.onnx", "scores.animal.onnx"])
@pytest.mark.parametrize("data", [b"", b"{}", b"[1, 2", b"\x08\x0a" * 40, b"\xff" * 100])
def test_a_damaged_file_is_one_line(copied, name, data) -> None:
    (copied / name).write_bytes(data)
    with pytest.raises(CheckpointError, match="want ") as caught:
        from_pretrained(copied)
    assert "\n" not in str(caught.value)


def test_weights_that_are_cut_are_one_line(copied) -> None:
    data = (copied / "weights.bin").read_bytes()
    (copied / "weights.bin").write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match=r"tensor '.*': got bytes .*; want its own within"):
        from_pretrained(copied)


def test_a_graph_of_another_name_is_refused(copied) -> None:
    shutil.copy(copied / "encode.onnx", copied / "scores.animal.onnx")
    with pytest.raises(CheckpointError, match=r"got \['pixels'\] to \['tokens'\]; want \['tokens'\] to \['scores'\]"):
        from_pretrained(copied)


def test_sizes_that_no_such_model_has_are_refused_before_they_are_built(copied) -> None:
    config = json.loads((copied / "config.json").read_text())
    text = json.dumps(config).replace('"width": 48', '"width": 480000')
    assert "480000" in text
    (copied / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        from_pretrained(copied)


def test_a_class_outside_motet_is_not_imported(copied) -> None:
    text = (copied / "tasks.json").read_text()
    (copied / "tasks.json").write_text(text.replace("motet.metrics", "evil.metrics"))
    with pytest.raises(CheckpointError, match="code outside motet"):
        from_pretrained(copied)


def test_programs_of_torch_export_are_not_loaded(copied) -> None:
    index = json.loads((copied / "graphs.json").read_text())
    (copied / "graphs.json").write_text(json.dumps(index | {"engine": "torch.export"}))
    with pytest.raises(CheckpointError, match=r"got format 1 for 'torch\.export'; want format 1 for 'onnx'"):
        from_pretrained(copied)


def test_an_export_in_the_cache_of_the_hub_is_loaded_by_name(system, folder, tmp_path, photos, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: False)
    repository = tmp_path / "models--me--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    shutil.copytree(folder, repository / "blobs")
    (repository / "snapshots" / "c0ffee").mkdir(parents=True)
    for path in (repository / "blobs").iterdir():  # a download is links to files of other names
        blob = path.rename(path.with_name(f"blob-{path.name}"))
        (repository / "snapshots" / "c0ffee" / path.name).symlink_to(blob)
    loaded = Predictor(from_pretrained("me/small", cache_dir=tmp_path))
    assert loaded("animal", image=photos[0]).name == Predictor(system)("animal", image=photos[0]).name
