"""Captions name every thing, in sentences that are right in each language."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import ConfigError, rng_for
from motet.scenes import LANGUAGES, Scene, Scenes, Thing, nouns_of
from motet.scenes.captions import caption, phrase
from motet.scenes.drawings import COLOURS, colour_of, drawing_name
from motet.scenes.grounds import sample_ground
from motet.scenes.nouns import WRITTEN_LANGUAGES

GROUND = sample_ground(rng_for("ground"), "light")


def row_of(*drawn: tuple[str, str]) -> Scene:
    things = [Thing(name, drawing, 0.1 + 0.2 * i, 0.5, 0.25, "small", i) for i, (name, drawing) in enumerate(drawn)]
    return Scene(tuple(things), GROUND)


TWO_DOGS = row_of(("dog", "🐕"), ("apple", "🍎"), ("dog", "🐕"))


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 10**6), kinds=st.sampled_from([None, 20]), language=st.sampled_from(WRITTEN_LANGUAGES))
def test_captions_mention_every_thing_as_often_as_it_is_there(index: int, kinds: int | None, language: str) -> None:
    reader = Scenes(part="train", count=10**6 + 1, kinds=kinds, captions=("list", "order", "colours"))
    scene = reader.scene(index)
    forms = {noun.name: noun.forms[language] for noun in reader.nouns}
    listed, ordered, coloured = (
        caption(scene, reader.nouns, language, style) for style in ("list", "order", "colours")
    )
    for thing in scene.things:
        count = sum(other.name == thing.name for other in scene.things)
        assert phrase(forms[thing.name], count, language) in listed
        assert phrase(forms[thing.name], 1, language) in ordered
        same = [o for o in scene.things if (o.name, colour_of(o.drawing)) == (thing.name, colour_of(thing.drawing))]
        assert phrase(forms[thing.name], len(same), language, colour_of(thing.drawing)) in coloured
    assert ordered.count(",") == max(0, len(scene.things) - 2)


@pytest.mark.parametrize(
    ("language", "listed", "coloured"),
    [
        ("en", "two dogs and an apple", "two orange dogs and a red apple"),
        ("de", "zwei Hunde und ein Apfel", "zwei orangefarbene Hunde und ein roter Apfel"),
        ("fr", "deux chiens et une pomme", "deux chiens orange et une pomme rouge"),
        ("es", "dos perros y una manzana", "dos perros naranjas y una manzana roja"),
        ("it", "due cani e una mela", "due cani arancioni e una mela rossa"),
        ("pt", "dois cachorros e uma maçã", "dois cachorros laranja e uma maçã vermelha"),
    ],
)
def test_templates_by_hand(language: str, listed: str, coloured: str) -> None:
    assert caption(TWO_DOGS, nouns_of(20), language) == listed
    assert caption(TWO_DOGS, nouns_of(20), language, "colours") == coloured


def test_things_are_named_from_left_to_right() -> None:
    assert caption(TWO_DOGS, nouns_of(20), "en", "order") == "from left to right: a dog, an apple and a dog"
    assert caption(TWO_DOGS, nouns_of(20), "de", "order") == "von links nach rechts: ein Hund, ein Apfel und ein Hund"


def test_articles_of_italian_and_numbers_of_portuguese() -> None:
    italian = {noun.name: noun.forms["it"] for noun in nouns_of()}
    assert phrase(italian["musical instrument"], 1, "it") == "uno strumento musicale"
    assert phrase(italian["bird"], 1, "it") == "un uccello"
    assert phrase(italian["star"], 1, "it") == "una stella"
    portuguese = {noun.name: noun.forms["pt"] for noun in nouns_of()}
    assert phrase(portuguese["flower"], 2, "pt", "white") == "duas flores brancas"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language not in WRITTEN_LANGUAGES])
def test_other_languages_name_the_drawings(language: str) -> None:
    text = caption(TWO_DOGS, nouns_of(20), language)
    assert text.count(drawing_name("🐕", language)) == 2
    assert drawing_name("🍎", language) in text


def test_every_noun_has_every_form() -> None:
    for noun in (*nouns_of(), *nouns_of(40)):
        assert set(noun.forms) == set(WRITTEN_LANGUAGES)
        for language, form in noun.forms.items():
            assert form.singular
            assert form.plural
            assert form.singular == form.singular.strip()
            assert form.gender in ("m", "f") or language in ("en", "de")
            for colour in COLOURS:
                for count in (1, 2, 3):
                    said = phrase(form, count, language, colour)
                    assert (form.singular if count == 1 else form.plural) in said


def test_labels_hold_captions_by_language() -> None:
    labels = Scenes(part="train", count=1, kinds=20, captions=("list", "order"))[0].labels
    assert labels["captions"] == labels["captions_en"]
    assert len(labels["captions_de"]) == 2
    assert all(f"captions_{language}" in labels for language in LANGUAGES)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'xx'"):
        caption(TWO_DOGS, nouns_of(20), "xx")
