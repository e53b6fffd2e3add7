"""Options that do not fit the tasks or the encoders are one line."""

import pytest
from toy_twelve_in_one import NamedRegions

from motet.core import ConfigError, Label, Masked, Match, Region, Task
from motet.metrics import Accuracy
from motet.systems.twelve_in_one import RegionMasking, TwelveInOneConfig
from motet.systems.twelve_in_one.checks import check_classes, check_names, check_tokens


def task(name: str, target) -> Task:
    return Task(name=name, inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,))


TASKS = (task("pair", Label(("no", "yes"))), task("refer", Region()), task("regions", Masked("regions")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": {"x": "y"}}, r"TwelveInOneConfig.head: got \['x'\]; want names of tasks, of"),
        ({"max_tokens_of": {"x": 9}}, r"TwelveInOneConfig.max_tokens_of: got \['x'\]"),
        ({"pairs": ("refer",)}, r"TwelveInOneConfig.pairs: got \['refer'\]; want names of tasks of a Label"),
        ({"binary": ("x",)}, r"TwelveInOneConfig.binary: got \['x'\]"),
        ({"masking": RegionMasking(alignment_task="refer")}, r"masking.alignment_task: got \['refer'\]"),
    ],
)
def test_names_that_do_not_fit(changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_names(TwelveInOneConfig(**changes), TASKS)


def test_names_that_fit() -> None:
    options = TwelveInOneConfig(pairs=("pair",), head={"refer": "x"}, masking=RegionMasking(alignment_task="pair"))
    check_names(options, TASKS)


def test_texts_as_long_as_the_positions() -> None:
    options = TwelveInOneConfig(max_tokens=30, max_tokens_of={"pair": 60})
    check_tokens(options, 60)
    with pytest.raises(ConfigError, match="got texts of 60 tokens; want at most 59"):
        check_tokens(options, 59)


def test_classes_need_a_detector_with_classes() -> None:
    check_classes(TwelveInOneConfig(), TASKS, 5)
    check_classes(TwelveInOneConfig(), TASKS[:2], 0)
    check_classes(TwelveInOneConfig(masking=RegionMasking(target="features")), TASKS, 0)
    with pytest.raises(ConfigError, match=r"task 'regions': TwelveInOneConfig.masking.target: got 'classes'"):
        check_classes(TwelveInOneConfig(), TASKS, 0)


def test_a_source_of_an_unknown_task_and_of_another_width_are_refused() -> None:
    config = TwelveInOneConfig(source=NamedRegions(), source_of={"other": NamedRegions()})
    with pytest.raises(ConfigError, match=r"source_of: got \['other'\]; want names of tasks"):
        check_names(config, [task("point", Match("regions"))])
    assert config.restrict(["point"], []).source_of == {}
    with pytest.raises(ConfigError, match="source_of: 'point': got features of 5 numbers and 4 classes; want 6 and 4"):
        TwelveInOneConfig(source=NamedRegions(), source_of={"point": NamedRegions(width=5)})
    with pytest.raises(ConfigError, match="source_of: got it without source"):
        TwelveInOneConfig(source_of={"point": NamedRegions()})
