"""Nouns and their drawings."""

import pytest

from motet.core import ConfigError
from motet.scenes.nouns import WRITTEN_LANGUAGES, noun_by_name, nouns_of


@pytest.mark.parametrize("kinds", [None, 40])
def test_every_noun_has_all_forms_and_drawings_of_its_own(kinds: int | None) -> None:
    nouns = nouns_of(kinds)
    assert len({noun.name for noun in nouns}) == len(nouns)
    for noun in nouns:
        assert tuple(noun.forms) == WRITTEN_LANGUAGES
        assert all(form.singular and form.plural for form in noun.forms.values())
    drawings = [drawing for noun in nouns for drawing in noun.drawings]
    assert len(set(drawings)) == len(drawings)


def test_genders_are_those_of_the_languages() -> None:
    assert noun_by_name("dog", 20).forms["de"].gender == "m"
    for noun in nouns_of(40):
        assert noun.forms["en"].gender == "n"
        assert {noun.forms[language].gender for language in ("fr", "es", "it", "pt")} <= {"m", "f"}


def test_smaller_worlds_begin_larger_ones() -> None:
    assert nouns_of(20)[:5] == nouns_of(5)


@pytest.mark.parametrize("kinds", [1, 0, -3, 41])
def test_a_world_that_cannot_be_is_refused(kinds: int) -> None:
    with pytest.raises(ConfigError, match=rf"kinds: got {kinds}; want 2 to 40"):
        nouns_of(kinds)


def test_an_unknown_noun_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="noun: got 'dgo'; want one of dog, car, tree"):
        noun_by_name("dgo", 3)
