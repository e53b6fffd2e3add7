"""OpenMP's threads spin shortly while they wait, unless the user has decided it."""

import os
import subprocess
import sys

import pytest

from motet.cli.waiting_threads import OWN_CHOICES, choose_waiting_threads, waiting_threads


@pytest.mark.parametrize("name", OWN_CHOICES)
def test_what_the_user_has_set_stays(name: str) -> None:
    assert waiting_threads({name: "1"}) == {}


def test_the_environment_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN_CHOICES:
        monkeypatch.setenv(name, "1")  # whatever is set below is undone afterwards
        monkeypatch.delenv(name)
    choose_waiting_threads()
    assert os.environ["GOMP_SPINCOUNT"] == "3000"
    assert "OMP_WAIT_POLICY" not in os.environ


def test_the_command_line_chooses_before_torch_is_imported() -> None:
    script = (
        "import os, sys\nfrom motet.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules, file=sys.stderr)"
    )
    plain = {name: value for name, value in os.environ.items() if name not in OWN_CHOICES}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=plain)
    assert ran.stderr.strip() == "3000 False"
