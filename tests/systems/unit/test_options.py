"""Bad options are one line that names the option, the value found and the value wanted."""

import pytest

from motet.core import ConfigError
from motet.systems.unit import DetectionConfig, ShortestSide, TextLimits, UniTConfig


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (DetectionConfig, {"background": 0.0}, "DetectionConfig.background: got 0.0; want above 0 and at most 1"),
        (DetectionConfig, {"relu": "none"}, "DetectionConfig.relu: got 'none'; want 'between' or 'after'"),
        (DetectionConfig, {"max_attributes": 0}, "DetectionConfig.max_attributes: got 0; want at least 1"),
        (ShortestSide, {"sizes": (0, 32)}, "ShortestSide: got sizes .*; want at least 1 each"),
        (ShortestSide, {"sizes": ()}, "ShortestSide.sizes: got none; want at least one"),
        (ShortestSide, {"max_side": 700}, "ShortestSide.max_side: got 700; want at least the size, 800"),
        (ShortestSide, {"crop_side": (9, 8)}, r"ShortestSide.crop_side: got \(9, 8\); want the smaller side first"),
        (ShortestSide, {"crop_probability": 2.0}, "ShortestSide.crop_probability: got 2.0; want from 0 to 1"),
        (TextLimits, {"max_tokens": 3}, "TextLimits.max_tokens: got 3 and 25 with an image; want at least 8"),
    ],
)
def test_a_bad_option_is_named(build, changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**changes)


def test_a_configuration_of_some_tasks_says_nothing_of_the_others() -> None:
    whole = UniTConfig(queries={"a": 3, "b": 4}, text_limits=TextLimits(cls_only={"a": True, "b": False}))
    part = whole.restrict(["b"], [])
    assert (part.queries, part.text_limits.cls_only) == ({"b": 4}, {"b": False})
    assert part.width == whole.width
