"""The catalogue: how much there is, and that all of it can be drawn, named and told by colour."""

import numpy as np
import pytest

from motet.core import ConfigError
from motet.scenes.drawings import (
    CATEGORIES,
    COLOURS,
    MIXED,
    NAME_LANGUAGES,
    PARTS,
    catalogue,
    colour_of,
    drawing_image,
    drawing_name,
    drawings_of,
    smallest_sufficient_drawing,
)
from motet.scenes.nouns import noun_by_name, nouns_of


def test_there_are_a_thousand_drawings_in_forty_categories() -> None:
    assert len(set(catalogue())) == len(catalogue()) >= 1000
    assert len(set(CATEGORIES)) == len(CATEGORIES) >= 40


def test_every_drawing_is_drawn_not_too_thin_and_has_a_name_in_every_language() -> None:
    small = [drawing for noun in nouns_of(40) for drawing in noun.drawings]
    for drawing in (*catalogue(), *small):
        cut = drawing_image(drawing)
        assert max(cut.size) <= 2.85 * min(cut.size), f"{drawing}: {cut.size} would make size words doubtful"
        assert (np.asarray(cut.getchannel("A")) >= 128).mean() > 0.14
        assert colour_of(drawing) in (*COLOURS, MIXED)
        assert all(drawing_name(drawing, language) for language in NAME_LANGUAGES)


def test_different_drawings_look_different() -> None:
    looks = {drawing_image(drawing, 96).tobytes() + bytes(drawing_image(drawing, 96).size) for drawing in catalogue()}
    assert len(looks) >= 1000


@pytest.mark.parametrize(
    ("drawing", "colour"),
    [
        ("🍎", "red"),
        ("🍏", "green"),
        ("🍌", "yellow"),
        ("🐘", "grey"),
        ("🍇", "purple"),
        ("🥕", "orange"),
        ("⚫", "black"),
    ],
)
def test_colours_are_those_a_person_sees(drawing: str, colour: str) -> None:
    assert colour_of(drawing) == colour


def test_people_have_no_colour() -> None:
    assert {colour_of(drawing) for drawing in noun_by_name("person").drawings} == {MIXED}


def test_disjoint_parts_split_each_noun() -> None:
    for noun in nouns_of():
        parts = [set(drawings_of(noun, part, shared=False)) for part in PARTS]
        assert set.union(*parts) == set(noun.drawings)
        assert sum(map(len, parts)) == len(noun.drawings)
        assert all(parts)


def test_a_line_drawing_keeps_the_shape_and_loses_the_colour() -> None:
    coloured, line = np.asarray(drawing_image("♌")), np.asarray(drawing_image("♌", style="line"))
    np.testing.assert_array_equal(coloured[..., 3], line[..., 3])
    assert (line[..., 0] == line[..., 2]).all()
    assert 0.05 < (line[..., 0] < 128).mean() < 0.6  # the sign inside the square can still be read


def test_a_large_image_is_not_an_enlarged_small_one() -> None:
    assert max(smallest_sufficient_drawing("🐶", 300, "colour").size) > 300
    assert smallest_sufficient_drawing("🐶", 40, "colour") is smallest_sufficient_drawing("🐶", 50, "colour")


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'xx'"):
        drawing_name("🐶", "xx")
    with pytest.raises(ConfigError, match="got 'dog'"):
        drawing_name("dog")
    with pytest.raises(ConfigError, match="got 'unicorns'"):
        noun_by_name("unicorns")
