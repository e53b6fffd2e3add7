import numpy as np
import pytest
from matplotlib.colors import to_rgb

from motet.report import plots
from motet.report.confusion import Confusion
from motet.report.plots_of_classes import CURVES, class_bars, confusion_matrix, precision_over_recall
from motet.report.precision_recall import PrecisionRecall


def confusion(classes: int, *, unknown: int = 0) -> Confusion:
    counts = np.zeros((classes, classes + 1), dtype=np.int64)
    np.fill_diagonal(counts, 8)
    counts[0, 1] = 2
    counts[1, -1] = unknown
    return Confusion("pets", tuple(f"class {n}" for n in range(classes)), counts)


def texts(figure) -> list[str]:
    return [one.get_text() for axes in figure.axes for one in axes.texts]


def test_a_small_matrix_has_names_and_whole_percents() -> None:
    figure = confusion_matrix(confusion(3, unknown=8))
    assert texts(figure) == ["80", "20", "50", "50", "100"]
    (axes,) = figure.axes
    assert [one.get_text() for one in axes.get_yticklabels()] == ["class 0", "class 1", "class 2"]
    assert [one.get_text() for one in axes.get_xticklabels()] == ["class 0", "class 1", "class 2", "(no class)"]


@pytest.mark.parametrize("theme", [plots.LIGHT, plots.DARK], ids=["light", "dark"])
def test_letters_differ_from_the_cell_they_are_on(theme) -> None:
    """Contrast of at least 4.5 on the page, as WCAG wants of small letters."""
    page = np.array([1.0, 1.0, 1.0]) if theme is plots.LIGHT else np.array([22, 25, 29]) / 255
    for share in np.linspace(0.01, 1.0, 25):
        counts = np.array([[round(1000 * share), 1000 - round(1000 * share), 0], [0, 1, 0]])
        figure = confusion_matrix(Confusion("pets", ("a", "b"), counts), theme=theme)
        (axes,) = figure.axes
        cell = np.asarray(axes.images[0].get_array())[0, 0]
        behind = cell[3] * cell[:3] + (1 - cell[3]) * page
        letters = luminance(np.array(to_rgb(axes.texts[0].get_color())))
        light, dark = sorted((letters, luminance(behind)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, share


def luminance(colour: np.ndarray) -> float:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_matrix_of_two_classes_is_small_and_one_of_a_thousand_fits() -> None:
    assert confusion_matrix(confusion(2)).get_figwidth() < 4
    large = confusion_matrix(confusion(1000))
    assert max(large.get_size_inches()) <= 9
    (image,) = large.axes[0].images
    assert image.get_array().shape == (200, 200, 4)
    # The confused pair, in a cell with four others, is not lost, and is fainter than those of the diagonal.
    assert 0 < image.get_array()[0, 0, 3] <= 1
    assert texts(large) == []
    assert len(plots.svg(large)) < 200_000


def curve(name: str, boxes: int, points: int = 3) -> PrecisionRecall:
    return PrecisionRecall(
        "find", name, boxes, np.linspace(1, 0.5, points), np.linspace(0.2, 0.8, points), np.linspace(0.9, 0.1, points)
    )


def test_each_class_has_a_panel_with_its_ap50_those_with_most_boxes_first() -> None:
    figure = precision_over_recall([curve("cat", 2), curve("dog", 9), curve("cow", 1, 0)])
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left").split()[0] for axes in shown] == ["dog", "cat", "cow"]
    assert [len(axes.lines) for axes in shown] == [1, 1, 0]
    assert texts(figure) == ["no detection"]
    many = precision_over_recall([curve(str(n), n) for n in range(100)])
    assert len([axes for axes in many.axes if axes.axison]) == CURVES


def test_classes_stand_by_their_number_and_one_without_an_annotation_has_words() -> None:
    (axes,) = class_bars({"road": 90.0, "pole": 10.25, "train": None}, mean=50.125, label="miou (%)").axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["road", "pole", "train"]
    assert [bar.get_width() for bar in axes.patches] == [90.0, 10.25, 0.0]
    assert [text.get_text() for text in axes.texts] == ["90.0", "10.2", "no ground truth"]
    assert list(axes.lines[0].get_xdata()) == [50.125, 50.125]


def test_many_classes_stand_in_columns_none_is_left_out() -> None:
    values = {f"a class of a long name {place:03}": float(place) for place in range(48)}
    panels = class_bars(values, mean=23.5, label="miou (%)").axes
    assert [len(axes.patches) for axes in panels] == [16, 16, 16]
    assert [axes.patches[0].get_width() for axes in panels] == [47.0, 31.0, 15.0]
    assert max(len(text.get_text()) for text in panels[0].get_yticklabels()) == 24
