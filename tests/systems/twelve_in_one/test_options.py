"""Bad options are one line that names the option, the value found and the value wanted."""

import pytest

from motet.core import ConfigError
from motet.systems.twelve_in_one import ReferringConfig, RegionMasking


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (ReferringConfig, {"threshold": 1.5}, "ReferringConfig.threshold: got 1.5; want from 0 to 1"),
        (ReferringConfig, {"border_px": -1.0}, "ReferringConfig.border_px: got -1.0; want 0 or more"),
        (RegionMasking, {"word_probability": 2.0}, "RegionMasking.word_probability: got 2.0; want from 0 to 1"),
        (RegionMasking, {"overlap": -0.1}, "RegionMasking.overlap: got -0.1; want from 0 to 1"),
        (RegionMasking, {"target": "boxes"}, "RegionMasking.target: got 'boxes'; want one of"),
        (RegionMasking, {"neighbours": "hidden"}, "RegionMasking.neighbours: got 'hidden'; want one of"),
        (RegionMasking, {"mismatched": "both"}, "RegionMasking.mismatched: got 'both'; want one of"),
    ],
)
def test_a_bad_option_is_named(build, changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**changes)
