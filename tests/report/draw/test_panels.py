"""Images put together: every one whole, titles above, words below."""

import numpy as np
from PIL import Image

from motet.report.draw import GROUND_TRUTH_COLOUR, framed, side_by_side, with_caption, with_weights


def test_images_side_by_side_keep_their_shape():
    whole = side_by_side([("true", Image.new("RGB", (40, 20))), ("said", Image.new("RGB", (20, 20)))], height=100)
    assert whole.size == (200 + 6 + 100, 120)


def test_words_stand_below_the_whole_image():
    image = Image.new("RGB", (120, 50), "red")
    whole = with_caption(image, "a long answer that needs more than one line of this picture")
    assert whole.width == 120
    assert whole.height > 50 + 2 * 14
    assert whole.crop((0, 0, 120, 50)).tobytes() == image.tobytes()


def test_images_that_keep_their_size_stand_at_the_top():
    whole = side_by_side([("a", Image.new("RGB", (30, 40), "red")), ("b", Image.new("RGB", (20, 90)))], height=None)
    assert whole.size == (30 + 6 + 20, 90 + 20)
    assert whole.getpixel((5, 21)) == (255, 0, 0)
    assert whole.getpixel((5, 70)) == whole.getpixel((32, 30))


def test_a_frame_lies_within_a_copy():
    image = Image.new("RGB", (60, 40), "white")
    assert framed(image, GROUND_TRUTH_COLOUR).getpixel((59, 20)) == GROUND_TRUTH_COLOUR
    assert framed(image, GROUND_TRUTH_COLOUR).getpixel((30, 20)) == image.getpixel((0, 0)) == (255, 255, 255)


def test_bars_are_as_long_as_their_weights_and_only_the_heaviest_words_are_written():
    image, weights = Image.new("RGB", (200, 60), "white"), [0.4, 0.1, 0.2, 0.0, 0.3]
    whole = with_weights(image, ["a", "b", "an extraordinarily long word", "d", "e"], weights, most=4)
    assert whole.size == (200, 60 + 17 * 4 + 6)
    bars = (np.asarray(whole)[60:] == (196, 84, 44)).all(axis=2)
    lengths = [int(np.flatnonzero(bars[4 + 17 * row + 4]).max() - 89) for row in range(4)]
    assert lengths[0] > lengths[3] > lengths[2] > lengths[1] > 0


def test_words_without_any_weight_and_no_words_cost_nothing():
    assert with_weights(Image.new("RGB", (90, 30)), ["a"], [0.0]).height > 30
    assert with_weights(Image.new("RGB", (90, 30)), [], []).height == 36
