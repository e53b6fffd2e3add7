"""Dense maps in panels."""

import numpy as np
from PIL import Image

from motet.core import Dense
from motet.report.cards.maps import draw_map_panels, resize_for_drawing

DEPTH = Dense(1, "metre")
IMAGE = Image.new("RGB", (40, 20), "navy")


def test_a_prediction_alone_has_two_panels_and_with_ground_truth_four() -> None:
    predicted = np.full((20, 40), 2.0)
    two = draw_map_panels(IMAGE, predicted, DEPTH, height=50)
    four = draw_map_panels(IMAGE, predicted, DEPTH, ground_truth=predicted, height=50)
    assert two.width == 2 * 100 + 6
    assert four.width == 4 * 100 + 3 * 6


def test_equal_depths_have_equal_colours_in_both_maps() -> None:
    # The prediction covers 2 to 4 m, the ground truth 2 to 8 m: drawn with its own range, 4 m would be the brightest.
    predicted, ground_truth = np.full((20, 40), 4.0), np.full((20, 40), 8.0)
    predicted[:, :20], ground_truth[:, :20] = 2.0, 4.0
    panels = np.asarray(draw_map_panels(IMAGE, predicted, DEPTH, ground_truth=ground_truth, height=20))
    row, step = 20 + 10, 40 + 6
    assert (panels[row, 2 * step + 30] == panels[row, step + 10]).all()
    assert (panels[row, step + 30] != panels[row, step + 10]).any()


def test_edges_of_one_pixel_survive_reduction_also_beside_pixels_that_are_not_annotated() -> None:
    edges = np.full((8, 8), np.nan)
    edges[3, 5] = 1.0
    reduced = resize_for_drawing(edges, Dense(1, "probability"), (2, 2))
    assert reduced[0, 1] == 1.0
    assert np.isnan(reduced).sum() == 3


def test_an_enlarged_map_of_edges_is_resampled() -> None:
    assert resize_for_drawing(np.eye(2), Dense(1, "probability"), (6, 4)).shape == (6, 4)
