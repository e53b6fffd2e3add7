import io

from PIL import Image

from motet.report.plots import (
    DARK,
    LIGHT,
    ScorePoint,
    TimedScore,
    curves,
    horizontal_bars,
    overlaid_curves,
    png,
    score_against_time,
    score_points,
    status_timeline,
    svg,
)


def test_every_task_has_a_panel_with_its_baseline() -> None:
    points = {f"task{n}": [(0, 1.0), (10, 2.0)] for n in range(4)}
    figure = curves(points, label={"task0": "accuracy"}, baselines={"task1": 1.5})
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["task0  ·  accuracy", "task1", "task2", "task3"]
    assert [len(axes.lines) for axes in figure.axes] == [1, 2, 1, 1]


def test_a_dot_with_an_interval_has_a_line_and_one_without_has_none() -> None:
    figure = score_points(
        [ScorePoint("vqa", "multi-task", 60, 55, 65), ScorePoint("vqa", "single-task", 58)], label="%"
    )
    (axes,) = figure.axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[55, 65]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["multi-task", "single-task"]
    heights = [collection.get_offsets()[0][1] for collection in axes.collections]
    assert heights[0] != heights[1]


def test_time_is_shown_in_milliseconds() -> None:
    figure = score_against_time([TimedScore("beam 4", "caption", 0.009, 64)], label="CIDEr")
    (axes,) = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[9.0, 64.0]]


def test_a_panel_a_task_and_a_look_for_each_kind_of_method() -> None:
    kinds = [f"kind {number}" for number in range(7)]
    tasks = ("read", "count", "exist", "caption", "largest")
    values = [TimedScore("", kind, s / 1000, s, task) for task in tasks for kind in kinds for s in (4, 1, 2)]
    axes = score_against_time(values, label="%").axes
    first = axes[0]
    assert tuple(panel.get_title(loc="left") for panel in axes) == (*tasks, "", "", "")
    assert [panel.axison for panel in axes] == [True] * 5 + [False] * 3
    assert [list(line.get_xdata()) for line in first.lines] == [[1, 2, 4]] * 7
    assert len({(line.get_color(), line.get_marker()) for line in first.lines}) == 7


def test_figures_are_the_same_bytes_each_time_and_differ_by_theme() -> None:
    assert svg(horizontal_bars({"a": 3.0}, label="rows")) == svg(horizontal_bars({"a": 3.0}, label="rows"))
    assert svg(horizontal_bars({"a": 3.0}, label="rows", theme=LIGHT)) != svg(
        horizontal_bars({"a": 3.0}, label="rows", theme=DARK)
    )


def test_a_png_is_an_image_on_white() -> None:
    image = Image.open(io.BytesIO(png(horizontal_bars({"a": 3.0}, label="rows"), dots_per_inch=50)))
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_no_figure_is_left_in_a_global_list() -> None:
    from matplotlib import pyplot

    horizontal_bars({"a": 1.0}, label="rows")
    assert pyplot.get_fignums() == []


def test_a_task_is_thick_where_it_goes_thin_where_it_stands_and_absent_while_it_waits() -> None:
    changes = {"vqa": [(0, "go"), (30, "stop"), (90, "go")], "entail": [(0, "wait"), (50, "go")]}
    figure = status_timeline(changes, steps=100)
    (axes,) = figure.axes
    drawn = [
        [(box.x0, box.x1, round(box.height, 2)) for path in found.get_paths() for box in [path.get_extents()]]
        for found in axes.collections
    ]
    assert drawn == [[(0, 30, 0.62), (90, 100, 0.62)], [(30, 90, 0.1)], [(50, 100, 0.62)], []]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["vqa", "entail"]
    assert [text.get_text() for text in axes.texts] == ["40%", "50%"]


def test_runs_keep_their_colour_and_a_task_without_a_number_has_no_axes() -> None:
    nan = float("nan")
    lines = {
        "pets": {"a": [(1, 1.0)], "b": [(1, 2.0)]},
        "nothing": {"a": [(1, nan)], "b": []},
        "read": {"b": [(1, 3.0)]},
    }
    figure = overlaid_curves(lines, label="loss", baselines={})
    assert [axes.get_title(loc="left").split()[0] for axes in figure.axes] == ["pets", "read"]
    first, second = figure.axes
    assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert not curves({"pets": [(1, 1.0)]}, label="loss", baselines={}).legends


def test_the_points_of_a_task_stay_in_its_row_however_many_runs_there_are() -> None:
    values = [ScorePoint(task, f"run {n}", float(n), 0.0, 9.0) for task in ("a", "b") for n in range(9)]
    values += [ScorePoint("c", "run 8", 1.0)]
    (axes,) = score_points(values, label="%").axes
    places = [float(y) for points in axes.collections for y in points.get_offsets()[:, 1]]
    rows = [round(y) for y in places]
    assert sorted(rows) == [0] * 9 + [1] * 9 + [2]
    assert max(abs(y - row) for y, row in zip(places, rows, strict=True)) < 0.45
    assert places[-1] == 2.0  # alone in its row
    looks = {(str(points.get_facecolor()), points.get_paths()[0].vertices.tobytes()) for points in axes.collections}
    assert len(looks) == 9
