"""The command `serve`: what cannot be served is one line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from command_line import call
from toy_predictor import GreyConfig, toy_task

from motet.core.model_folder import write_model


def test_what_cannot_be_served_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "got no such folder" in call("serve", tmp_path / "nothing").err
    (tmp_path / "empty").mkdir()
    assert "want the folder of a saved model" in call("serve", tmp_path / "empty", "--workers", "2").err
    write_model(tmp_path / "model", GreyConfig().build([toy_task("bright")], texts=tuple))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = call("serve", tmp_path / "model", "--trust", "toy_predictor", "--port", port)
    assert (ran.code, f"got 127.0.0.1:{port} (" in ran.err) == (2, True)
    monkeypatch.setattr("motet.cli.serve.EXTRA", ("no_such_package",))
    assert "pip install 'motet[serve]'" in call("serve", tmp_path / "model").err
    assert "pip install 'motet[serve]'" in call("demo", "--serve", "--folder", tmp_path / "demo").err
    assert not (tmp_path / "demo").exists()
