"""Tasks that the adapters support, and their annotations as arrays."""

from typing import Any

import numpy as np
import pytest
from toys import label_task

from motet.core import DataError, Dense, Label, Task, UnsupportedTask
from motet.preprocess.geometry import Geometry
from motet.systems.vit_adapters.targets import check_supported, encode_target, parse_map


def dense(name: str, spec: Dense, **options: Any) -> Task:
    return Task(
        name=name, inputs=frozenset({"image"}), label=name, target=spec, metrics=label_task("x").metrics, **options
    )


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (dense("d", Dense(2, "metre")), "in unit 'metre': got 2; want 1"),
        (dense("d", Dense(1, "unit vector")), "in unit 'unit vector': got 1; want 3"),
        (dense("d", Dense(4, "class", ("a", "b"))), "in unit 'class': got 4; want one for each name"),
        (dense("d", Dense(3, "probability")), "in unit 'probability': got 3; want 1, or 2"),
    ],
)
def test_maps_with_a_wrong_number_of_channels_are_refused(task: Task, message: str) -> None:
    with pytest.raises(UnsupportedTask, match=message):
        check_supported(task)


def test_tasks_that_read_a_text_are_refused() -> None:
    target = Label(("a",))
    metrics = label_task("x").metrics
    for sees in ({"text"}, {"image", "text"}, set()):
        with pytest.raises(UnsupportedTask, match="the adapters read one image"):
            check_supported(Task(name="t", inputs=frozenset(sees), label="t", target=target, metrics=metrics))


def test_a_map_is_transformed_with_its_image_and_depth_by_the_zoom() -> None:
    task = dense("depth", Dense(1, "metre"))
    annotation = np.arange(24, dtype=np.float32).reshape(4, 6) + 1
    geometry = Geometry((0, 0, 3, 2), True, (2, 3), (4, 6))
    plain = encode_target(task, annotation, "e/0", geometry)
    assert plain["map"].tolist() == [annotation[:2, 2::-1].tolist()]
    assert plain["valid"].all()
    scaled = encode_target(task, annotation, "e/0", geometry, scale_depth=True)
    np.testing.assert_allclose(scaled["map"], plain["map"] / geometry.zoom)
    assert geometry.zoom > 1


def test_the_mask_is_of_pixels_with_a_known_value() -> None:
    classes, known = parse_map(Dense(3, "class"), np.array([[0, -1], [2, 1]]), "x", (2, 2))
    assert classes.dtype == np.int64
    assert known.tolist() == [[True, False], [True, True]]
    normals = np.zeros((1, 2, 3), dtype=np.float32)
    normals[..., 2] = 1
    normals[0, 1, 0] = np.nan
    assert parse_map(Dense(3, "unit vector"), normals, "x", (1, 2))[1].tolist() == [[True, False]]
    with pytest.raises(DataError, match=r"x: got a normal of length 1\.03; want unit length"):
        parse_map(Dense(3, "unit vector"), np.full((1, 1, 3), 1.03 / 3**0.5, dtype=np.float32), "x", (1, 1))
