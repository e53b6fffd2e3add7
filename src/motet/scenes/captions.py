"""Captions of scenes: in six languages by templates, in eight more as lists of the drawings' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, assert_never

from motet.core import ConfigError
from motet.scenes.drawings import MIXED, NAME_LANGUAGES, colour_of, drawing_name
from motet.scenes.layout import Scene, Thing
from motet.scenes.nouns import WRITTEN_LANGUAGES, Form, Noun

CaptionStyle: TypeAlias = Literal["list", "order", "colours"]
LANGUAGES = NAME_LANGUAGES

_AND = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e"}
_ORDER = {
    "en": "from left to right",
    "de": "von links nach rechts",
    "fr": "de gauche à droite",
    "es": "de izquierda a derecha",
    "it": "da sinistra a destra",
    "pt": "da esquerda para a direita",
}
_NUMBERS = {
    "en": ("two", "three", "four", "five", "six", "seven", "eight"),
    "de": ("zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht"),
    "fr": ("deux", "trois", "quatre", "cinq", "six", "sept", "huit"),
    "es": ("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho"),
    "it": ("due", "tre", "quattro", "cinque", "sei", "sette", "otto"),
    "pt": ("dois", "três", "quatro", "cinco", "seis", "sete", "oito"),
}
# Masculine, feminine, masculine plural, feminine plural.
_ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        "red": ("rouge", "rouge", "rouges", "rouges"),
        "orange": ("orange",) * 4,
        "yellow": ("jaune", "jaune", "jaunes", "jaunes"),
        "green": ("vert", "verte", "verts", "vertes"),
        "blue": ("bleu", "bleue", "bleus", "bleues"),
        "purple": ("violet", "violette", "violets", "violettes"),
        "pink": ("rose", "rose", "roses", "roses"),
        "brown": ("marron",) * 4,
        "black": ("noir", "noire", "noirs", "noires"),
        "white": ("blanc", "blanche", "blancs", "blanches"),
        "grey": ("gris", "grise", "gris", "grises"),
    },
    "es": {
        "red": ("rojo", "roja", "rojos", "rojas"),
        "orange": ("naranja", "naranja", "naranjas", "naranjas"),
        "yellow": ("amarillo", "amarilla", "amarillos", "amarillas"),
        "green": ("verde", "verde", "verdes", "verdes"),
        "blue": ("azul", "azul", "azules", "azules"),
        "purple": ("morado", "morada", "morados", "moradas"),
        "pink": ("rosa", "rosa", "rosas", "rosas"),
        "brown": ("marrón", "marrón", "marrones", "marrones"),
        "black": ("negro", "negra", "negros", "negras"),
        "white": ("blanco", "blanca", "blancos", "blancas"),
        "grey": ("gris", "gris", "grises", "grises"),
    },
    "it": {
        "red": ("rosso", "rossa", "rossi", "rosse"),
        "orange": ("arancione", "arancione", "arancioni", "arancioni"),
        "yellow": ("giallo", "gialla", "gialli", "gialle"),
        "green": ("verde", "verde", "verdi", "verdi"),
        "blue": ("blu",) * 4,
        "purple": ("viola",) * 4,
        "pink": ("rosa",) * 4,
        "brown": ("marrone", "marrone", "marroni", "marroni"),
        "black": ("nero", "nera", "neri", "nere"),
        "white": ("bianco", "bianca", "bianchi", "bianche"),
        "grey": ("grigio", "grigia", "grigi", "grigie"),
    },
    "pt": {
        "red": ("vermelho", "vermelha", "vermelhos", "vermelhas"),
        "orange": ("laranja",) * 4,
        "yellow": ("amarelo", "amarela", "amarelos", "amarelas"),
        "green": ("verde", "verde", "verdes", "verdes"),
        "blue": ("azul", "azul", "azuis", "azuis"),
        "purple": ("roxo", "roxa", "roxos", "roxas"),
        "pink": ("rosa",) * 4,
        "brown": ("marrom", "marrom", "marrons", "marrons"),
        "black": ("preto", "preta", "pretos", "pretas"),
        "white": ("branco", "branca", "brancos", "brancas"),
        "grey": ("cinza",) * 4,
    },
}
# German stems take -er, -e, -es.
_GERMAN = {
    "red": "rot", "orange": "orangefarben", "yellow": "gelb", "green": "grün", "blue": "blau", "purple": "violett",
    "pink": "rosafarben", "brown": "braun", "black": "schwarz", "white": "weiß", "grey": "grau",
}  # fmt: skip
_COMMA = {"ja": "、", "zh": "、", "ar": "، ", "fa": "، "}


def caption(scene: Scene, nouns: Sequence[Noun], language: str = "en", style: CaptionStyle = "list") -> str:
    """Returns one sentence that names every thing.

    Styles: "list" groups equal things, ordered from left to right by the first of each ("two dogs and a car");
    "order" names them one by one from left to right; "colours" is "list" with colours. The eight languages without
    templates name the drawings themselves, one by one from left to right, whatever the style.

    Args:
        scene: to describe.
        nouns: of the scene's world.
        language: one of `LANGUAGES`.
        style: of the sentence.

    Raises:
        ConfigError: an unknown language.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language: got {language!r}; want one of {', '.join(LANGUAGES)}")
    if language not in WRITTEN_LANGUAGES:
        return _COMMA.get(language, ", ").join(drawing_name(thing.drawing, language) for thing in scene.things)
    forms = {noun.name: noun.forms[language] for noun in nouns}
    match style:
        case "list":
            return join(_grouped(scene.things, forms, language, coloured=False), language)
        case "colours":
            return join(_grouped(scene.things, forms, language, coloured=True), language)
        case "order":
            named = [phrase(forms[thing.name], 1, language) for thing in scene.things]
            return f"{_ORDER[language]}: {join(named, language)}"
    assert_never(style)


def _grouped(things: Sequence[Thing], forms: dict[str, Form], language: str, *, coloured: bool) -> list[str]:
    counts: dict[tuple[str, str], int] = {}
    for thing in things:
        key = (thing.name, colour_of(thing.drawing) if coloured else MIXED)
        counts[key] = counts.get(key, 0) + 1
    return [phrase(forms[name], count, language, colour) for (name, colour), count in counts.items()]


def join(parts: Sequence[str], language: str = "en") -> str:
    """Joins phrases with commas and the language's word for "and".

    Examples:
        >>> join(["a dog", "a cat", "two cars"])
        'a dog, a cat and two cars'
    """
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} {_AND[language]} {parts[-1]}"


def phrase(form: Form, count: int, language: str = "en", colour: str = MIXED) -> str:
    """Returns a noun phrase with an article or a number, and with a colour unless that is "mixed".

    Examples:
        >>> phrase(Form("m", "Hund", "Hunde"), 1, "de", "brown"), phrase(Form("n", "apple", "apples"), 1)
        ('ein brauner Hund', 'an apple')
    """
    noun = form.singular if count == 1 else form.plural
    match language:
        case "en":
            described = noun if colour == MIXED else f"{colour} {noun}"
        case "de":
            described = noun if colour == MIXED else f"{_GERMAN[colour]}{_german_ending(form, count)} {noun}"
        case _:
            which = (0 if form.gender == "m" else 1) + (0 if count == 1 else 2)
            described = noun if colour == MIXED else f"{noun} {_ADJECTIVES[language][colour][which]}"
    if count == 1:
        return _with_article(described, form, language)
    number = _NUMBERS[language][count - 2]
    if language == "pt" and count == 2 and form.gender == "f":
        number = "duas"
    return f"{number} {described}"


def _german_ending(form: Form, count: int) -> str:
    return "e" if count > 1 else {"m": "er", "f": "e", "n": "es"}[form.gender]


def _with_article(described: str, form: Form, language: str) -> str:
    feminine, first = form.gender == "f", described[0].lower()
    match language:
        case "en":
            article = "an" if first in "aeiou" else "a"
        case "de":
            article = "eine" if feminine else "ein"
        case "fr":
            article = "une" if feminine else "un"
        case "es":
            article = "una" if feminine else "un"
        case "pt":
            article = "uma" if feminine else "um"
        case _:
            return _italian(described, feminine)
    return f"{article} {described}"


def _italian(described: str, feminine: bool) -> str:
    first, second = described[0].lower(), described[1].lower()
    if feminine:
        return f"un'{described}" if first in "aeiou" else f"una {described}"
    impure = first in "zxy" or (first == "s" and second not in "aeiou") or described[:2].lower() in ("gn", "ps", "pn")
    return f"{'uno' if impure else 'un'} {described}"
