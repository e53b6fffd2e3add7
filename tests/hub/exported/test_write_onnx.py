"""What an export writes: each weight once, all tensors in its README, 8 bits where they were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from motet.core import ConfigError, Report, Result
from motet.hub import from_pretrained
from motet.hub.exported import write_onnx
from motet.hub.exported.readme import losses_table, score_losses
from motet.hub.predict import PredictionInput, Predictor


def test_the_graphs_are_small_and_the_weights_lie_once(system, folder) -> None:
    weights = sum(parameter.numel() * 4 for parameter in system.parameters())
    assert (folder / "weights.bin").stat().st_size < 1.1 * weights
    assert sum(path.stat().st_size for path in folder.glob("*.onnx")) < weights


def test_the_readme_names_every_tensor(folder) -> None:
    text = (folder / "README.md").read_text()
    assert 'motet.load("out")("animal", image="photo.jpg")' in text
    assert "| in | `pixels` | float32 | (b, 3, 16, 16) | normalised RGB of b images |" in text
    assert "| out | `scores` | float32 | (b, 3) | log-probabilities of the names, in order |" in text


def test_a_folder_with_files_is_left_alone(system, tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match="got a file or a folder with files in it; want a new folder"):
        write_onnx(system, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_graph_that_cannot_be_converted_is_one_line_and_leaves_nothing(system, tmp_path, monkeypatch) -> None:
    def broken(*args, **kwargs):
        raise RuntimeError("step 1\nstep 2") from ValueError("no such\noperator")

    monkeypatch.setattr("torch.onnx.export", broken)
    with pytest.raises(ConfigError) as caught:
        write_onnx(system, tmp_path / "out")
    assert str(caught.value) == (
        "export: graph 'encode': got ValueError: no such operator; want what torch.onnx can convert"
    )
    assert list(tmp_path.iterdir()) == []


def test_8_bits_take_less_room_and_predict_nearly_the_same(system, folder, tmp_path, photos) -> None:
    write_onnx(system, tmp_path / "int8", int8=True)
    before, after = ((one / "weights.bin").stat().st_size for one in (folder, tmp_path / "int8"))
    assert after < 0.6 * before
    inputs = [PredictionInput(image=photo) for photo in photos]
    whole, rough = (Predictor(from_pretrained(one)).batch("animal", inputs) for one in (folder, tmp_path / "int8"))
    np.testing.assert_allclose([one.scores for one in whole], [one.scores for one in rough], atol=0.3)
    assert [one.scores for one in whole] != [one.scores for one in rough]
    assert "8-bit matrices" in (tmp_path / "int8" / "README.md").read_text()


def result(value: float, *, metric: str = "accuracy", higher: bool = True, main: bool = True) -> Result:
    return Result(
        task="animal", source="test", metric=metric, value=value, unit="%", higher_is_better=higher, count=9, main=main
    )


def test_a_loss_is_what_the_export_costs_whatever_way_a_metric_points() -> None:
    before, after = (
        Report(
            step=1,
            role="test",
            results=(result(accuracy), result(rmse, metric="rmse", higher=False), result(1, metric="f1", main=False)),
        )
        for accuracy, rmse in ((90, 2), (88, 3))
    )
    losses = score_losses(before, after)
    assert [(one.metric, one.loss, one.rows) for one in losses] == [("accuracy", 2, 9), ("rmse", 1, 9)]
    assert "| animal | accuracy | 90.00 | 88.00 | 2.00 | 9 |" in losses_table(losses, int8=True)
