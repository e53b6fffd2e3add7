"""A run of a study in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time

from motet.cli.subprocesses import wait


def test_a_run_that_takes_too_long_is_asked_to_stop():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    started = time.monotonic()
    assert wait(process, 0.5) == "took more than 0.00833333 minutes"
    assert process.poll() is not None
    assert time.monotonic() - started < 60


def test_a_run_in_time_has_no_reason():
    assert wait(subprocess.Popen([sys.executable, "-c", ""]), 600) == ""


def test_a_run_without_a_limit_is_waited_for():
    assert wait(subprocess.Popen([sys.executable, "-c", ""]), float("inf")) == ""
