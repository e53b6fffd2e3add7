"""The configuration as a whole: the paper's table A.1 by default, and numbers outside their range."""

from typing import Any

import pytest

from motet.core import ConfigError
from motet.systems.unit import DetectionConfig, FixedSize, TextLimits, UniTConfig


def test_the_defaults_are_those_of_table_a_1() -> None:
    config = UniTConfig()
    assert (config.image_width, config.image_heads, config.image_depth) == (256, 8, 6)
    assert (config.width, config.heads, config.depth) == (768, 8, 6)
    assert (config.hidden, config.dropout, config.attention_dropout) == (2048, 0.1, 0.1)
    assert (config.box_queries, config.other_queries) == (100, 25)
    assert (config.residual, config.shared, config.task_token, config.pre_norm) == (True, True, True, False)
    assert (config.answers, config.every_layer) == ("binary", False)


def test_the_losses_of_boxes_are_detrs() -> None:
    detection = DetectionConfig()
    assert (detection.label, detection.l1, detection.giou, detection.background) == (1.0, 5.0, 2.0, 0.1)
    assert (detection.costs.label, detection.costs.l1, detection.costs.giou) == (1.0, 5.0, 2.0)
    assert (detection.attribute, detection.max_attributes) == (1.0, 16)
    assert detection.every_layer
    assert not detection.balanced


def test_texts_are_as_long_as_in_the_official_configurations() -> None:
    limits = TextLimits()
    assert (limits.max_tokens, limits.max_tokens_with_image) == (128, 25)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "UniTConfig.width: got 0; want at least 1"),
        ({"depth": -1}, "UniTConfig.depth: got -1; want at least 1"),
        ({"hidden": 0}, "UniTConfig.hidden: got 0; want at least 1"),
        ({"box_queries": 0}, "UniTConfig.box_queries: got 0; want at least 1"),
        ({"other_queries": 0}, "UniTConfig.other_queries: got 0; want at least 1"),
        ({"image_depth": -1}, "UniTConfig.image_depth: got -1; want at least 0"),
        ({"attention_dropout": -0.1}, r"UniTConfig.attention_dropout: got -0\.1; want from 0 to below 1"),
        ({"heads": 7}, "UniTConfig.heads: got 7; want a divisor of the width, 768"),
        ({"image_heads": 3}, "UniTConfig.image_width: got 256; want a multiple of 4 and of image_heads, 3"),
        ({"image_width": 6, "image_heads": 3}, "UniTConfig.image_width: got 6; want a multiple of 4"),
        ({"answers": "both"}, "UniTConfig.answers: got 'both'; want 'binary' or 'softmax'"),
        ({"queries": {"a": 3, "b": 0}}, r"UniTConfig.queries: got \{'a': 3, 'b': 0\}; want at least 1 each"),
        ({"frozen": ("text", "trunk")}, r"UniTConfig.frozen: got \['trunk'\]; want 'vision', 'text' or 'decoder'"),
    ],
)
def test_a_number_outside_its_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        UniTConfig(**changes)


def test_images_may_pass_no_layer_of_the_encoder() -> None:
    assert UniTConfig(image_depth=0).image_depth == 0


def test_a_model_of_some_tasks_keeps_every_other_option() -> None:
    whole = UniTConfig(
        queries={"a": 3, "b": 4},
        text_limits=TextLimits(64, 32, {"a": True, "c": False}),
        views=FixedSize(),
        frozen=("vision",),
        shared=False,
    )
    part = whole.restrict(["a"], ["source"])
    assert part.queries == {"a": 3}
    assert part.text_limits == TextLimits(64, 32, {"a": True})
    assert (part.frozen, part.shared, part.width) == (("vision",), False, 768)
    assert part.restrict(["a"], []) == part
