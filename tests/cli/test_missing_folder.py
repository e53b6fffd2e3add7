"""Every command that takes a run says first that there is no such folder."""

from __future__ import annotations

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

COMMANDS = {
    "evaluate": ("evaluate", "runs/nothing"),
    "predict": ("predict", "runs/nothing"),
    "export": ("export", "runs/nothing", "--merge-experts", "out"),
    "compare": ("compare", "runs/nothing"),
    "consistency": ("analyse", "consistency", "runs/nothing"),
    "interference": ("analyse", "interference", "runs/nothing"),
    "affinity": ("analyse", "affinity", "runs/nothing"),
}


@pytest.mark.parametrize("typed", COMMANDS.values(), ids=COMMANDS)
def test_a_run_that_is_not_there_is_one_line(motet, tmp_path, monkeypatch, typed) -> None:
    def offline(*_, **__):
        raise LocalEntryNotFoundError("Cannot find an appropriate cached snapshot folder")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    ran = motet(*typed)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "runs/nothing" in ran.err
    assert "got no such folder" in ran.err
    assert ("the Hub could not be reached" in ran.err) == (typed[0] == "predict")
    assert not list(tmp_path.iterdir())


def test_baseline_takes_what_is_no_folder_for_a_recipe(motet) -> None:
    ran = motet("baseline", "runs/nothing")
    assert ran.code == 2
    assert "recipe 'runs/nothing': got no file" in ran.err
