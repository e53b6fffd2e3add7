"""The paper's sizes; bad options are one line that names the option, the value found and the value wanted."""

import pytest
from toy_twelve_in_one import NamedRegions

from motet.core import ConfigError
from motet.preprocess.regions import DetectedBoxes, StandOut
from motet.systems.twelve_in_one import RegionMasking, TwelveInOneConfig

BOXES = DetectedBoxes(NamedRegions())


def test_widths_and_depths_default_to_the_papers() -> None:
    config = TwelveInOneConfig()
    assert (config.image_width, config.image_depth, config.image_heads, config.image_hidden) == (1024, 6, 8, 1024)
    assert (config.co_width, config.co_heads, config.max_regions, config.head_lr_scale) == (1024, 8, 100, 5.0)
    assert (config.dropout, config.attention_dropout, config.initial_std, config.fusion) == (0.1, 0.1, 0.02, "product")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bins": 0}, "bins: got 0; want at least 1"),
        ({"co_heads": 0}, "co_heads: got 0; want at least 1"),
        ({"max_regions": 0}, "max_regions: got 0; want at least 1"),
        ({"image_depth": -1}, "image_depth: got -1; want at least 0"),
        ({"max_tokens": 3}, "max_tokens: got 3; want at least 4"),
        ({"max_tokens_of": {"a": 3}}, "max_tokens: got 3; want at least 4"),
        ({"dropout": 1.0}, "dropout: got 1.0; want from 0 to below 1"),
        ({"attention_dropout": -0.1}, "attention_dropout: got -0.1; want from 0 to below 1"),
        ({"head_lr_scale": 0.0}, "head_lr_scale: got 0.0; want above 0"),
        ({"initial_std": 0.0}, "initial_std: got 0.0; want above 0"),
        ({"fusion": "max"}, "fusion: got 'max'; want 'product' or 'sum'"),
        ({"task_token": "all"}, "task_token: got 'all'; want 'task', 'head' or 'none'"),
        (
            {"box_source": BOXES, "stand_out": StandOut()},
            "box_source: got it with source or stand_out; want one of",
        ),
        ({"box_source": BOXES, "source": NamedRegions()}, "box_source: got it with source or stand_out; want one of"),
    ],
)
def test_a_bad_option_is_named(changes, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^TwelveInOneConfig.{message}"):
        TwelveInOneConfig(**changes)


def test_what_is_at_the_edge_is_legal() -> None:
    TwelveInOneConfig(image_depth=0, max_tokens=4, dropout=0.0, initial_std=None, box_source=BOXES)


def test_a_configuration_of_some_tasks_says_nothing_of_the_others() -> None:
    whole = TwelveInOneConfig(
        pairs=("a", "b"), head={"a": "x", "b": "y"}, max_tokens_of={"b": 9}, linear=("a",), binary=("b",),
        masking=RegionMasking(alignment_task="a", overlap=0.3),
    )  # fmt: skip
    part = whole.restrict(["b"], [])
    assert (part.pairs, part.head, part.linear, part.binary) == (("b",), {"b": "y"}, (), ("b",))
    assert part.masking == RegionMasking(overlap=0.3)
    assert whole.restrict(["a"], []).masking == whole.masking
    assert whole.restrict(["a"], []).max_tokens_of == {}
