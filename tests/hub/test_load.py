"""A system comes back from its folder as it was, and other tasks find their own heads in it."""

from __future__ import annotations

import errno
import json
import logging
import os

import pytest
import torch

from motet.core import CheckpointError, Report, Result
from motet.core.model_folder import step_folder, write_model
from motet.hub import load_system, load_system_with_match, save_pretrained
from motet.hub.load import read_report


def test_a_system_comes_back_bit_equal(make, tmp_path, trust):
    system = make("animal", "caption")
    save_pretrained(system, tmp_path / "model")
    back = load_system(tmp_path / "model", trust=trust)
    assert back.config == system.config
    assert list(back.tasks.values()) == list(system.tasks.values())
    assert back.assets() == {"words.txt": b"a cat\na dog"}
    assert not back.training
    for name, value in system.state_dict().items():
        assert torch.equal(back.state_dict()[name], value)


def test_saving_again_replaces_what_was_there(make, tmp_path, trust):
    save_pretrained(make("animal"), tmp_path / "model")
    save_pretrained(make("caption", "vqa"), tmp_path / "model")
    assert list(load_system(tmp_path / "model", trust=trust).tasks) == ["caption", "vqa"]


def test_a_full_disk_leaves_the_earlier_save_whole(make, tmp_path, monkeypatch):
    place = save_pretrained(make("animal"), tmp_path / "model")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}

    def half_written(folder, system):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("motet.hub.load.write_model", half_written)
    with pytest.raises(CheckpointError, match=r"^saving \S+: got No space left on device; want a folder with room"):
        save_pretrained(make("caption"), place)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_run_folder_gives_its_last_step(make, tmp_path, trust):
    for step, width in ((5, 2), (30, 4)):
        write_model(step_folder(tmp_path, step), make("animal", width=width))
    assert load_system(tmp_path, trust=trust).config.width == 4


def test_other_tasks_keep_heads_by_name_and_the_rest_is_reported(make, tmp_path, trust, tasks, caplog):
    system = make("animal", "caption")
    save_pretrained(system, tmp_path / "model")
    with caplog.at_level(logging.WARNING, logger="motet.hub"):
        back = load_system(tmp_path / "model", tasks=tasks("vqa", "animal"), trust=trust)
    assert list(back.tasks) == ["vqa", "animal"]
    assert torch.equal(back.heads["animal"].weight, system.heads["animal"].weight)
    assert torch.equal(back.trunk.weight, system.trunk.weight)
    assert "heads.vqa.weight" in caplog.text
    assert "heads.caption.weight" in caplog.text
    _, matched = load_system_with_match(tmp_path / "model", tasks=tasks("vqa", "animal"), trust=trust)
    assert matched.missing == ("heads.vqa.weight", "heads.vqa.bias")
    assert set(matched.unused) == {"heads.caption.weight", "heads.caption.bias"}


def test_a_model_without_its_tokeniser_does_not_train_another(make, tmp_path, trust):
    save_pretrained(make("animal"), tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    (tmp_path / "model/config.json").write_text(json.dumps(config | {"assets": {}}))
    with pytest.raises(CheckpointError, match="got no tokenizer; want the one saved with the model"):
        load_system(tmp_path / "model", trust=trust)


def test_weights_of_another_shape_are_refused(make, tmp_path, trust):
    save_pretrained(make("animal"), tmp_path / "model")
    write_model(tmp_path / "other", make("animal", width=5))
    (tmp_path / "other/model.safetensors").rename(tmp_path / "model/model.safetensors")
    with pytest.raises(CheckpointError, match="want \\(3,"):
        load_system(tmp_path / "model", trust=trust)


def test_code_that_was_not_named_is_not_imported(make, tmp_path):
    save_pretrained(make("animal"), tmp_path / "model")
    with pytest.raises(CheckpointError, match="got code outside motet"):
        load_system(tmp_path / "model")


def test_the_report_of_a_run_is_read_back(tmp_path):
    assert read_report(tmp_path) is None
    result = Result(task="a", source="s", metric="accuracy", value=50.0, unit="%", higher_is_better=True, count=4)
    (tmp_path / "report.json").write_text(json.dumps(Report(step=3, results=(result,)).to_dict()))
    assert read_report(tmp_path).main("a") == result
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(CheckpointError, match="want a report"):
        read_report(tmp_path)
