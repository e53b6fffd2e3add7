"""Attention drawn on images: what each head looks at, and only of systems that tell."""

import io

import numpy as np
import pytest
from PIL import Image

from motet.core import AttentionMaps
from motet.report.cards.attention import draw_attention, mean_attention

WORDS = ("[CLS]", "\u0120the", "\u0120cat", "[SEP]")
BOXES = np.array([[0.0, 0, 80, 60], [0, 0, 20, 60], [60, 0, 80, 60]])


@pytest.fixture
def seen() -> AttentionMaps:
    """Two heads: of the words, the first looks left and the second right; marks look the other way."""
    to_regions = np.zeros((1, 2, 4, 3))
    for head, (word, mark) in enumerate(((1, 2), (2, 1))):
        to_regions[0, head, 1:3, word] = 1.0
        to_regions[0, head, [0, 3], mark] = 1.0
    to_words = np.tile(np.array([0.1, 0.2, 0.6, 0.1]), (1, 2, 3, 1))
    return AttentionMaps(WORDS, BOXES, to_regions, to_words)


def test_marks_are_left_out_of_the_mean_over_words(seen) -> None:
    left, right = mean_attention(seen, 0)
    assert left.regions.tolist() == [0, 1, 0]
    assert right.regions.tolist() == [0, 0, 1]
    assert np.allclose(left.words, [0.1, 0.2, 0.6, 0.1])


def test_a_text_of_nothing_but_marks_is_meant_as_it_is(seen) -> None:
    marks = AttentionMaps(("[CLS]", "[TASK]", "[SEP]", "[PAD]"), BOXES, seen.words_to_regions, seen.regions_to_words)
    assert mean_attention(marks, 0)[0].regions.tolist() == [0, 0.5, 0.5]


def test_each_head_is_a_panel_warm_where_it_looks(seen) -> None:
    drawn = Image.open(io.BytesIO(draw_attention(Image.new("RGB", (80, 60), "grey"), seen))).convert("RGB")
    shown = np.asarray(drawn, dtype=int).sum(axis=2)
    wide = round(80 * 168 / 60)
    assert drawn.width == 3 * wide + 2 * 6
    rows = slice(40, 160)
    first, second = (shown[rows, start : start + wide] for start in (wide + 6, 2 * (wide + 6)))
    assert first[:, 10:40].mean() > 2 * first[:, -40:-10].mean()
    assert second[:, -40:-10].mean() > 2 * second[:, 10:40].mean()
    one = Image.open(io.BytesIO(draw_attention(Image.new("RGB", (80, 60)), seen, heads=1)))
    assert one.width == 2 * wide + 6
