"""Classification."""

import pytest

from motet.core import ConfigError, Label
from motet.tasks import classification


@pytest.mark.parametrize(("hflip", "crop", "expected"), [
    (True, True, {"hflip", "crop"}), (False, True, {"crop"}), (True, False, {"hflip"}), (False, False, set()),
])  # fmt: skip
def test_augmentations_that_keep_the_class(hflip: bool, crop: bool, expected: set[str]) -> None:
    assert classification("t", ["a", "b"], hflip=hflip, crop=crop).invariant == expected


def test_classes_keep_their_order() -> None:
    assert classification("t", ["b", "a"]).target == Label(("b", "a"))


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_no_class_and_a_class_twice_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigError):
        classification("t", names)
