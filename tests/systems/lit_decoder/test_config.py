import pytest

from motet.core import ConfigError
from motet.systems.lit_decoder import LiTDecoderConfig


def test_the_defaults_are_the_papers() -> None:
    config = LiTDecoderConfig()
    assert (config.depth, config.width, config.heads, config.max_tokens) == (12, 768, 12, 64)
    assert (config.dropout, config.label_smoothing, config.loss_on_prefix) == (0.1, 0.1, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 0}, "depth: got 0; want at least 1"),
        ({"dropout": 1.0}, r"dropout: got 1\.0; want at least 0 and below 1"),
        ({"width": 10, "heads": 3}, "heads: got 3; want a divisor of the width, 10"),
        ({"max_tokens": 18}, "max_tokens: got 18; want at least 19"),
        ({"answers": "all"}, "answers: got 'all'; want 'drawn' or 'most common'"),
    ],
)
def test_numbers_out_of_range_are_refused(changes, message) -> None:
    with pytest.raises(ConfigError, match=f"LiTDecoderConfig.{message}"):
        LiTDecoderConfig(**changes)
