"""Texts read as declared types: what was written comes back, what does not fit is refused in one sentence."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.config.values import choices, read_text
from motet.core import ConfigError

Metres = NewType("Metres", float)


class Mode(Protocol):
    def lr_scale_of(self) -> float: ...


@dataclass(frozen=True)
class Frozen:
    def lr_scale_of(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Finetune:
    lr_scale: float = 0.1
    sizes: tuple[int, ...] = ()

    def lr_scale_of(self) -> float:
        return self.lr_scale


@dataclass(frozen=True)
class Wrapped:
    mode: Mode
    name: str = "w"


@dataclass(frozen=True)
class Unlike:
    number: int = 3


@given(st.integers())
def test_whole_numbers_come_back(value):
    assert read_text(str(value), int) == value


@given(st.floats(allow_nan=False))
def test_numbers_come_back(value):
    assert read_text(repr(value), float) == value
    assert read_text(repr(value), float | None) == value


@given(st.booleans())
def test_booleans_come_back(value):
    assert read_text(str(value), bool) is value


@given(st.text().map(str.strip).filter(lambda text: not {"'", '"'} & set(text)))
def test_texts_stay_as_they_are(value):
    assert read_text(value, str) == value


@given(st.lists(st.integers(), min_size=1))
def test_tuples_come_back_written_plainly_and_as_python(value):
    assert read_text(",".join(map(str, value)) + ("," if len(value) == 1 else ""), tuple[int, ...]) == tuple(value)
    assert read_text(str(tuple(value)), tuple[int, ...]) == tuple(value)
    assert read_text(str(value), list[int]) == value
    assert read_text(str(value), frozenset[int]) == frozenset(value)


@given(st.dictionaries(st.text(), st.integers()))
def test_mappings_come_back(value):
    assert read_text(repr(value), Mapping[str, int]) == value


@given(st.floats(min_value=0, max_value=10), st.lists(st.integers()))
def test_dataclasses_come_back_as_their_repr(scale, sizes):
    value = Finetune(lr_scale=scale, sizes=tuple(sizes))
    assert read_text(repr(value), Frozen | Finetune) == value
    assert read_text(repr(Wrapped(mode=value)), Wrapped) == Wrapped(mode=value)


@given(st.text(max_size=30), st.sampled_from([int, float, bool, tuple[int, int], Literal["a", "b"], Frozen | Finetune]))
def test_any_text_is_read_or_refused(text, hint):
    with contextlib.suppress(ConfigError):
        read_text(text, hint)


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("none", float | None, None),
        ("None", int | None, None),
        ("none", str, "none"),
        ("3", str | int, 3),
        ("three", str | int, "three"),
        ("off", bool, False),
        ("1", bool, True),
        ("1", int, 1),
        ("2", float, 2.0),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("runs/new one", Path, Path("runs/new one")),
        ("runs/a", str | Path | None, "runs/a"),
        ("a,b c", tuple[str, ...], ("a", "b c")),
        ("", tuple[str, ...], ()),
        ("()", tuple[str, ...], ()),
        ("one", tuple[str, ...], ("one",)),
        ("one.two", tuple[str, ...], ("one.two",)),
        ("3, x", tuple[int, str], (3, "x")),
        ("'quoted, text'", str, "quoted, text"),
        ("0.5", Annotated[float, "scale"], 0.5),
        ("2.5", Metres, 2.5),
        ("Frozen", Frozen | Finetune, Frozen()),
        ("Frozen()", Mode, Frozen()),
        ("Finetune(0.5)", Mode, Finetune(0.5)),
        ("Finetune(lr_scale=1, sizes=(1, 2))", Frozen | Finetune | None, Finetune(1.0, (1, 2))),
        ("none", Frozen | Finetune | None, None),
        ("Wrapped(Finetune(0.25), name=x)", Wrapped, Wrapped(Finetune(0.25), "x")),
        ("{'a': (1, 2)}", Mapping[str, tuple[int, ...]], {"a": (1, 2)}),
        ("[1, 2]", Any, (1, 2)),
        ("some words", Any, "some words"),
    ],
)
def test_reads(text, hint, value):
    got = read_text(text, hint)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "hint", "message"),
    [
        ("ten", int, "got 'ten'; want a whole number"),
        ("1.5", int, "want a whole number"),
        ("nan", float, "want a number"),
        ("maybe", bool, "want true or false"),
        ("ten", int | None, "want a whole number"),
        ("bfloat", Literal["bfloat16", "float32"], "did you mean 'bfloat16'"),
        ("1,2,3", tuple[int, int], "want 2 values"),
        ("1,x", tuple[int, ...], "got 'x'; want a whole number"),
        ("Finetun()", Frozen | Finetune, "got 'Finetun'; did you mean 'Finetune'"),
        ("Finetun()", Mode, "did you mean 'Finetune'"),
        ("Unlike()", Mode, "got 'Unlike'"),
        ("3", Mode, r"want one of Finetune\(...\), Frozen\(...\)"),
        ("Finetune(lrscale=3)", Mode, "got no field 'lrscale'; did you mean 'lr_scale'"),
        ("Finetune(lr_scale=much)", Mode, "Finetune.lr_scale: got 'much'; want a number"),
        ("Finetune(1, (2,), 3)", Mode, "got 3 values without a name; want at most 2"),
        ("Wrapped()", Wrapped, r"got no 'mode'; want Wrapped\(mode=...\)"),
        ("__import__('os').system('x')", Mode, "want one of"),
        ("Finetune(**x)", Mode, r"got no field '\*\*'"),
        ("print", typing.Callable[[], int], "has no text form"),
        ("a", Mapping[str, int], "want {'name': value"),
    ],
)
def test_refuses_in_one_sentence(text, hint, message):
    with pytest.raises(ConfigError, match=message) as error:
        read_text(text, hint)
    assert "\n" not in str(error.value)


def test_an_interface_offers_the_dataclasses_beside_it_that_have_its_methods():
    assert set(choices(Mode)) == {"Frozen", "Finetune"}
