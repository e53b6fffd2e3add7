"""The package's front door costs nothing until it is used."""

import subprocess
import sys

import pytest

import motet


def test_import_brings_nothing_heavy():
    script = "import sys, motet; print([m for m in ('torch', 'numpy', 'PIL', 'transformers') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_name_of_the_front_door_is_there():
    for name in motet.__all__:
        assert getattr(motet, name)
        assert name in dir(motet)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        motet.laod  # noqa: B018
