"""Attributes of tokens: both schemes, and combinations that contradict each other."""

import itertools

import pytest

from motet.core import ConfigError
from motet.systems.uni_perceiver.attributes import TokenAttributes, entries_of


def every() -> list[TokenAttributes]:
    """Returns all attributes that do not contradict each other."""
    found = []
    for values in itertools.product((False, True), repeat=7):
        try:
            found.append(TokenAttributes(*values))
        except ConfigError:
            continue
    return found


@pytest.mark.parametrize("scheme", ["paper", "code"])
def test_bits_and_attributes_are_one_to_one(scheme) -> None:
    bits = [attributes.bits(scheme) for attributes in every()]
    assert len(set(bits)) == len(bits) > 20
    assert [TokenAttributes.of_bits(each, scheme) for each in bits] == every()


def test_a_token_has_exactly_one_modality() -> None:
    assert all(sum(attributes.bits("paper")[4:6]) == 1 for attributes in every())


def test_causal_tokens_are_input_texts() -> None:
    causal = [attributes for attributes in every() if attributes.causal]
    assert causal
    assert all(not attributes.visual and not attributes.target for attributes in causal)


@pytest.mark.parametrize("bits", [(1,) * 7, (0, 2, 0, 1, 0, 1, 0, 1), (1, 1, 0, 1, 1, 1, 0, 1)])
def test_bits_that_encode_nothing(bits) -> None:
    with pytest.raises(ConfigError, match="want eight of 0 and 1, and exactly one of numbers 4"):
        TokenAttributes.of_bits(bits, "paper")


def test_contradictions_and_unknown_entries() -> None:
    with pytest.raises(ConfigError, match="which no entry of the official table has"):
        entries_of((0, 1, 1, 1, 0, 1, 0, 1), "paper")
    with pytest.raises(ConfigError, match="got a visual token, but the inputs have no such modality"):
        TokenAttributes(text_inputs=True, text_targets=True, visual=True)
    with pytest.raises(ConfigError, match="got a causal token of an image or a target"):
        TokenAttributes(visual_inputs=True, visual=True, causal=True)
