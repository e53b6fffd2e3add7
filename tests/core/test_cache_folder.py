"""The folder of what can be made again is the user's, or the one that the environment names."""

from pathlib import Path

import pytest

from motet.core.cache_folder import cache_folder


def test_the_environment_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("MOTET_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "motet"
