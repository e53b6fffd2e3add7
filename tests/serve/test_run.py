"""Settings for workers, the places of single-task models, and the command as a process: started, asked, stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_predictor import GreyConfig, grey_png, toy_task

from motet.core.model_folder import write_model
from motet.serve.limits import Limits
from motet.serve.models import single_task_folders
from motet.serve.run import ServeSettings


def test_settings_come_back_from_the_environment() -> None:
    settings = ServeSettings(
        model="m", trust=("a", "b"), workers=3, limits=Limits(rows=7, seconds=1.5), allowed_hosts=("c",)
    )
    assert ServeSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    assert ServeSettings(model="m", host=host).is_local is local


def test_single_task_models_are_found_where_baseline_and_demo_put_them(tmp_path: Path) -> None:
    for place in (
        "run-single/a/step-000002",
        "demo/single/b/step-000001",
        "run-single/other/step-000001",
        "run-single/b",
    ):
        (tmp_path / place).mkdir(parents=True)
    tasks = {"a": 0, "b": 0}
    assert single_task_folders(tmp_path / "run", tasks) == {"a": tmp_path / "run-single" / "a"}
    assert single_task_folders(tmp_path / "demo" / "multi", tasks) == {"b": tmp_path / "demo" / "single" / "b"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_command_serves_and_stops_at_a_signal(tmp_path: Path, workers: int) -> None:
    write_model(tmp_path / "model", GreyConfig().build([toy_task("bright")], texts=tuple))
    port = free_port()
    support = str(Path(__file__).parent.parent / "support")
    path = os.pathsep.join([support, *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "motet.cli", "serve", str(tmp_path / "model"), "--port", str(port), "--trust"]
    process = subprocess.Popen(
        [*words, "toy_predictor", "--workers", str(workers), "--device", "cpu"],
        env=os.environ | {"PYTHONPATH": path, "MOTET_TOKEN": "t0ken"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        status = None
        end = time.monotonic() + 180
        while status is None and time.monotonic() < end and process.poll() is None:
            try:
                status = answer_of(port, {"authorization": "Bearer t0ken"})
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        assert status == 200
        assert answer_of(port, {}) == 401
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert out.splitlines()[-1] == "stopped; all requests were answered"
    assert "Traceback" not in out


def answer_of(port: int, headers: dict[str, str]) -> int:
    body = b'--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n' + grey_png() + b"\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(
            "POST", "/predict/bright", body, {"content-type": "multipart/form-data; boundary=x", **headers}
        )
        return connection.getresponse().status
    finally:
        connection.close()
