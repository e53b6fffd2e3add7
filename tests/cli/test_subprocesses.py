"""A cell of a grid in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from toy_grid import ToyGrid

from motet.cli import subprocesses
from motet.cli.subprocesses import only_words, run_only, run_words, wait
from motet.experiments.run_grid import Cell

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def never():
    return False


def test_a_run_that_takes_too_long_is_asked_to_stop():
    process = subprocess.Popen(SLEEP)
    started = time.monotonic()
    assert wait(process, 0.5, never) == "took more than 0.00833333 minutes"
    assert process.poll() is not None
    assert time.monotonic() - started < 60


def test_a_run_that_is_to_stop_is_asked_to():
    process = subprocess.Popen(SLEEP)
    assert wait(process, 600, lambda: True) == "stopped"
    assert process.poll() == -signal.SIGTERM


def test_a_run_in_time_has_no_reason():
    assert wait(subprocess.Popen([sys.executable, "-c", ""]), 600, never) == ""


def test_a_run_without_a_limit_is_waited_for():
    assert wait(subprocess.Popen([sys.executable, "-c", ""]), float("inf"), never) == ""


def script(tmp_path, monkeypatch, text):
    """Lets this program stand for `python -m motet.cli`."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setattr(subprocesses.sys, "executable", str(path))


def test_no_shell_reads_a_cells_name(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, 'printf "%s|" "$@"')
    words = only_words(("study", "--folder=x", "--", "f.py"), Cell(name="a; touch b $(c) --x", log="l"))
    assert run_words(words, tmp_path / "logs/l", minutes=1, stopping=never, environment={}) == ""
    assert (tmp_path / "logs/l").read_text() == "-m|motet.cli|study|--folder=x|--only=a; touch b $(c) --x|--|f.py|"


def test_a_failure_is_its_last_line(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "echo one; echo two >&2; exit 3")
    assert run_words((), tmp_path / "l", minutes=1, stopping=never, environment={}) == "two"


def test_a_run_gets_its_variables_and_its_folder(tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "echo $CUDA_VISIBLE_DEVICES $PWD")
    gpu = {"CUDA_VISIBLE_DEVICES": "3"}
    run_words((), tmp_path / "l", minutes=1, stopping=never, environment=gpu, folder=tmp_path)
    assert (tmp_path / "l").read_text() == f"3 {tmp_path}\n"


def test_a_run_ends_with_the_process_that_has_started_it(tmp_path, monkeypatch):
    """It holds the other end of the run's standard input: nobody closes that but the system, at its death."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.dup2(read, 0)
        monkeypatch.setenv(subprocesses.ENDS_WITH_STDIN, "1")
        run_only(ToyGrid(tmp_path, ("a",), seconds=60), "a")
        os._exit(0)
    os.close(read)
    while not (tmp_path / "began").exists():
        time.sleep(0.01)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.close(write)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
