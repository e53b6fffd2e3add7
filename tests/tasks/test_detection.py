"""Detection."""

import pytest

from motet.core import ConfigError
from motet.tasks import detection


def test_attributes_add_two_metrics_at_the_end() -> None:
    plain, described = detection("t", ["cat"]), detection("t", ["cat"], attributes=["red"])
    names = [metric().name for metric in described.metrics]
    assert names[: len(plain.metrics)] == [metric().name for metric in plain.metrics]
    assert len(names) == len(plain.metrics) + 2
    assert described.target.attributes == ("red",)


def test_boxes_move_with_the_image() -> None:
    task = detection("t", ["cat"], hflip=False)
    assert (task.invariant, task.equivariant) == (frozenset(), frozenset({"crop"}))


@pytest.mark.parametrize(("names", "attributes", "message"), [
    ([], [], "names: got none; want at least one"), (["a", "b", "a"], [], r"names: got \['a'\] more than once"),
    (["a"], ["x", "x"], r"attributes: got \['x'\] more than once"),
])  # fmt: skip
def test_names_that_cannot_be_are_refused(names: list[str], attributes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=f"detection 't': {message}"):
        detection("t", names, attributes=attributes)
