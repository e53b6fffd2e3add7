"""A signal ends a command with 130 or 143 and one line that says how to go on; a forked worker ends in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from motet.cli import inspect
from motet.cli.stop import Stopped, continued_by, is_stopping, stopping
from motet.cli.subprocesses import wait


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_with_the_signals_code_and_one_line(motet, monkeypatch, number, code) -> None:
    def killed(*_):
        with continued_by("the same command continues"), continued_by("continue with: motet list x"):
            os.kill(os.getpid(), number)
            time.sleep(5)

    monkeypatch.setattr(inspect, "_listed", killed)
    before = signal.getsignal(number)
    ran = motet("list")
    assert ran.code == code
    assert ran.err == f"motet: stopped by {number.name}; continue with: motet list x\n"
    assert signal.getsignal(number) == before


def test_of_several_processes_one_says_it(motet, monkeypatch) -> None:
    monkeypatch.setattr(inspect, "_listed", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setenv("RANK", "1")
    ran = motet("list")
    assert (ran.code, ran.err) == (143, "")


def test_a_second_ctrl_c_says_how_to_go_on_too() -> None:
    with pytest.raises(Stopped) as stopped, continued_by("the same command continues"):
        raise KeyboardInterrupt
    assert str(stopped.value) == "stopped by SIGINT; the same command continues"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_forked_process_ends_without_our_line(number, code) -> None:
    with stopping():
        child = os.fork()
        if not child:
            try:
                os.kill(os.getpid(), number)
                time.sleep(5)
            except KeyboardInterrupt:
                os._exit(1)
            except SystemExit as error:
                os._exit(error.code)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code


def test_a_thread_that_waits_for_a_process_ends_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(wait(process, 600, is_stopping)))
    with stopping():
        thread.start()
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
        assert is_stopping()
        thread.join(30)
    assert said == ["stopped"]
    assert process.returncode == -signal.SIGTERM
    assert not is_stopping()
