"""OpenMP's threads sleep while they wait beside other work, and only where the user has not decided it."""

import os
import subprocess
import sys

import pytest

from motet.cli.waiting_threads import OWN_CHOICES, choose_waiting_threads, waiting_threads


@pytest.mark.parametrize(("load", "cores"), [(1.0, 2), (2.0, 2), (32.0, 64)])
def test_beside_other_work_threads_sleep(load: float, cores: int) -> None:
    assert waiting_threads({}, load, cores) == {"OMP_WAIT_POLICY": "PASSIVE"}


@pytest.mark.parametrize(("load", "cores"), [(0.0, 2), (0.9, 2), (20.0, 64)])
def test_on_idle_cores_they_spin_as_torch_has_it(load: float, cores: int) -> None:
    assert waiting_threads({}, load, cores) == {}


@pytest.mark.parametrize("name", OWN_CHOICES)
def test_what_the_user_has_set_stays(name: str) -> None:
    assert waiting_threads({name: "1"}, 8.0, 2) == {}


@pytest.mark.parametrize(("load", "want"), [(100.0, "PASSIVE"), (0.0, None)])
def test_the_environment_gets_it(monkeypatch: pytest.MonkeyPatch, load: float, want: str | None) -> None:
    for name in OWN_CHOICES:
        monkeypatch.setenv(name, "1")  # whatever is set below is undone afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    choose_waiting_threads()
    assert os.environ.get("OMP_WAIT_POLICY") == want


def test_the_command_line_chooses_before_torch_is_imported() -> None:
    script = (
        "import os, sys\nos.getloadavg = lambda: (1000.0, 0.0, 0.0)\nfrom motet.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules, file=sys.stderr)"
    )
    plain = {name: value for name, value in os.environ.items() if name not in OWN_CHOICES}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=plain)
    assert ran.stderr.strip() == "PASSIVE False"
