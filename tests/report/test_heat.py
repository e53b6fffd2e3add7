"""Numbers as colours."""

from matplotlib.colors import to_rgb

from motet.report.heat import HeatCell, HeatTable, heat
from motet.report.plots import DARK, LIGHT, svg

CELLS = {("a", "b"): HeatCell(2.0, 0.5), ("b", "a"): HeatCell(-2.0, 3.0), ("a", "mean"): HeatCell(-0.01)}
TABLE = HeatTable("pairs", ("a", "b", "mean"), ("a", "b", "mean"), CELLS, "mean")
TRIPLES = HeatTable("triples", ("a", "b", "mean"), ("a + b", "mean"), {("a", "a + b"): HeatCell(1.0)}, "mean")


def test_a_cell_has_its_number_its_spread_and_a_colour_by_its_sign() -> None:
    (axes,) = heat([TABLE], label="%").axes
    said = {text.get_text(): text.get_fontweight() for text in axes.texts}
    assert said == {"+2.0": "bold", "± 0.5": "normal", "-2.0": "normal", "± 3.0": "normal", "+0.0": "normal"}
    helps, harms, nothing = [patch.get_facecolor()[:3] for patch in axes.patches]
    assert helps == to_rgb(LIGHT.series[0])
    assert harms == to_rgb(LIGHT.baseline)
    assert min(nothing) > 0.9


def test_averages_stand_apart_and_empty_places_stay_empty() -> None:
    (axes,) = heat([TABLE], label="%").axes
    assert [float(place) for place in axes.get_xticks()] == [0.5, 1.5, 2.75]
    assert len(axes.patches) == 3


def test_tables_share_their_scale_their_rows_and_the_height_of_their_titles() -> None:
    left, right = heat([TABLE, TRIPLES], label="%").axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b", "mean"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["", "", ""]
    assert {label.get_text().count("\n") for axes in (left, right) for label in axes.get_xticklabels()} == {1}
    assert right.patches[0].get_facecolor()[:3] != to_rgb(LIGHT.series[0])


def test_images_are_the_same_each_time_and_differ_by_theme() -> None:
    assert svg(heat([TABLE], label="%")) == svg(heat([TABLE], label="%"))
    assert svg(heat([TABLE], label="%")) != svg(heat([TABLE], label="%", theme=DARK))
    assert heat([HeatTable("none", ("a",), ("b",), {})], label="%").axes
