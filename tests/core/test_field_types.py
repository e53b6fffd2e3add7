from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Protocol

import pytest

from motet.core.field_types import fits, wrong_field
from motet.core.target import Label, TargetSpec, Text
from motet.core.task import Task


class Reads(Protocol):
    def read(self) -> int: ...


class Reader:
    def read(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1, int), (1, float), (1.5, float), ("a", str), (True, bool), (None, None), (None, int | None), (5, Any),
        ((1, 2), tuple[int, int]), ((), tuple[int, ...]), (("a",), Sequence[str]), (("a",), list[str]), ((1,), tuple),
        (frozenset("a"), frozenset[str]), ({"a": (1,)}, Mapping[str, tuple[int, ...]]), ({}, dict), ("a/b", Path),
        ("a", Literal["a", "b"]), (Label(("a",)), TargetSpec), (Label, type),
        (len, Callable[..., int]), (Reader(), Reads),
        (1, Annotated[int, "x"]), (3, NewType("Index", int)), (object(), object),
    ],
)  # fmt: skip
def test_a_value_of_its_type_fits(value, hint) -> None:
    assert fits(value, hint)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1", int), (True, int), (1.0, int), (True, float), (1, str), (1, bool), (0, None), ("a", int | None),
        ((1,), tuple[int, int]), (("a",), tuple[int, ...]), ("ab", Sequence[str]), ((1,), frozenset[int]), ((), dict),
        ({"a": 1}, Mapping[str, str]), (5, Path), ("c", Literal["a", "b"]), (True, Literal[1]), (5, TargetSpec),
        (Text, TargetSpec), ("x", type), (5, Callable[..., int]), ("a", Reads), (object(), Reads), (5, Task),
    ],
)  # fmt: skip
def test_a_value_of_another_type_does_not(value, hint) -> None:
    assert not fits(value, hint)


def test_the_first_wrong_field_is_named() -> None:
    assert wrong_field(Text, {"max_words": 5}) is None
    assert wrong_field(Task, {"name": "a", "prompt": 5, "label": 6}) == "prompt"
    assert wrong_field(Text, {"unknown": 5}) is None  # the class itself refuses it
