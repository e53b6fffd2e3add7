"""Bad options are one line that names the option, the value found and the value wanted; options of some tasks."""

import pytest

from motet.core import ConfigError
from motet.systems.twelve_in_one import ReferringConfig, RegionMasking, TwelveInOneConfig


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (ReferringConfig, {"threshold": 1.5}, "ReferringConfig.threshold: got 1.5; want from 0 to 1"),
        (ReferringConfig, {"border_px": -1.0}, "ReferringConfig.border_px: got -1.0; want 0 or more"),
        (RegionMasking, {"word_probability": 2.0}, "RegionMasking.word_probability: got 2.0; want from 0 to 1"),
        (RegionMasking, {"target": "boxes"}, "RegionMasking.target: got 'boxes'; want one of"),
        (RegionMasking, {"neighbours": "hidden"}, "RegionMasking.neighbours: got 'hidden'; want one of"),
        (TwelveInOneConfig, {"bins": 0}, "TwelveInOneConfig.bins: got 0; want at least 1"),
        (TwelveInOneConfig, {"max_tokens_of": {"a": 3}}, "TwelveInOneConfig.max_tokens: got 3; want at least 4"),
        (TwelveInOneConfig, {"dropout": 1.0}, "TwelveInOneConfig.dropout: got 1.0; want from 0 to below 1"),
        (TwelveInOneConfig, {"initial_std": 0.0}, "TwelveInOneConfig.initial_std: got 0.0; want above 0"),
        (TwelveInOneConfig, {"fusion": "max"}, "TwelveInOneConfig.fusion: got 'max'; want 'product' or 'sum'"),
        (TwelveInOneConfig, {"task_token": "all"}, "TwelveInOneConfig.task_token: got 'all'; want"),
    ],
)
def test_a_bad_option_is_named(build, changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**changes)


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
