import pytest

from motet.core import ConfigError
from motet.systems.lit_decoder import ByTask, LinearProjection, MapPooling


def test_a_projection_cannot_widen() -> None:
    with pytest.raises(ConfigError, match=r"LinearProjection\.factor: got 0; want at least 1"):
        LinearProjection(0)


def test_options_are_values() -> None:
    assert ByTask({"a": "b"}) == ByTask({"a": "b"})
    assert MapPooling(2) != MapPooling(4)
