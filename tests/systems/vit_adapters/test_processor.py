"""Images with many maps: one geometry for all of them, rows with some of them, what no map may be."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toys import label_task

from motet.core import DataError, Dense, Example, MemoryImage, Task, rng_for
from motet.preprocess.crops import Crop, RandomCrop, Whole
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, decode
from motet.systems.base import ImageInputs
from motet.systems.vit_adapters.processor import ViTAdaptersProcessor

HEIGHT, WIDTH = 20, 30
CLASS = label_task("class")


def dense(name: str, spec: Dense, **options: Any) -> Task:
    changes = {"equivariant": frozenset({"hflip", "crop"})} | options
    return Task(
        name=name, inputs=frozenset({"image"}), label=name, target=spec, metrics=label_task("x").metrics, **changes
    )


SEG = dense("seg", Dense(3, "class", ("sky", "road", "car")))
DEPTH = dense("depth", Dense(1, "metre"))
NORMALS = dense("normals", Dense(3, "unit vector"))
EDGES = dense("edges", Dense(1, "probability"))
TASKS = (SEG, DEPTH, NORMALS, EDGES)


def maps() -> dict[str, np.ndarray]:
    """Each pixel of each map tells where it is, and what stands in the image there; a corner is unknown."""
    rows, columns = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    depth = (rows * WIDTH + columns).astype(np.float32) / 100
    angle = columns / WIDTH * 2 - 1
    normals = np.stack([np.sin(angle), np.zeros_like(angle), -np.cos(angle)], axis=-1).astype(np.float32)
    found = {
        "seg": (columns * 3 // WIDTH).astype(np.int64),
        "depth": depth,
        "normals": normals,
        "edges": (rows / HEIGHT).astype(np.float32),
    }
    for name, values in found.items():
        values[:3, :4] = -1 if name == "seg" else np.nan
    return found


def example(name: str = "e/0", labels: Mapping[str, Any] | None = None) -> Example:
    """Red tells the row, green the column."""
    rows, columns = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    pixels = np.stack([rows * 10, columns * 8, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    given = {**maps(), "class": 1} if labels is None else labels
    return Example(id=name, images=(MemoryImage("0.png", buffer.getvalue()),), image_ids=(name,), labels=given)


def processor(crop: Crop | None = None, **options: bool) -> ViTAdaptersProcessor:
    transform = ImageTransform((16, 24), crop=crop or Whole(), antialias=True)
    return ViTAdaptersProcessor(ImageInputs(transform=transform), **options)


def only(*names: str) -> dict[str, np.ndarray]:
    return {name: values for name, values in maps().items() if name in names}


def trained(make: ViTAdaptersProcessor, rows: list[Example], tasks=TASKS, key: int = 0):
    return make.collate([make.row(row, tasks, rng_for("draw", row.id, key)) for row in rows], keep_annotations=False)


def test_every_map_of_a_row_has_the_form_of_its_kind() -> None:
    found = trained(processor(), [example("a"), example("b")])
    assert found.inputs["pixels"].shape == (2, 3, 16, 24)
    assert found.inputs["pixels"].dtype == torch.float32
    assert set(found.inputs) == {"pixels"}
    shapes = {name: tuple(target.value["map"].shape) for name, target in found.targets.items()}
    assert shapes == {"seg": (2, 16, 24), "depth": (2, 1, 16, 24), "normals": (2, 3, 16, 24), "edges": (2, 1, 16, 24)}
    assert found.targets["seg"].value["map"].dtype == torch.int64
    assert {target.value["map"].dtype for name, target in found.targets.items() if name != "seg"} == {torch.float32}
    for target in found.targets.values():
        assert target.rows.tolist() == [0, 1]
        assert target.value["valid"].shape == (2, 16, 24)
        assert target.value["valid"].dtype == torch.bool
        assert 0 < int((~target.value["valid"]).sum()) < 2 * 16 * 24 / 10
        assert target.value["geometry"].shape == (2, 9)
        assert target.annotations == ()


def test_a_row_carries_the_tasks_it_has_annotations_of() -> None:
    rows = [example("a", only("depth")), example("b", only("seg", "edges")), example("c", only("depth", "edges"))]
    found = trained(processor(), rows)
    assert {name: target.rows.tolist() for name, target in found.targets.items()} == {
        "depth": [0, 2], "seg": [1], "edges": [1, 2],
    }  # fmt: skip
    assert len(found.targets["edges"].value["map"]) == 2


def test_a_row_with_none_of_them_is_an_error_and_where_it_adapts_a_row_of_the_target() -> None:
    rows = [example("a", only("depth")), example("b", {"class": 1})]
    with pytest.raises(DataError, match=r"b: annotations: got \['class'\]; want at least one of \['depth', 'edges'"):
        trained(processor(), rows)
    found = trained(processor(adapting=True), rows)
    assert found.inputs["domain"].tolist() == [False, True]
    assert found.targets["depth"].rows.tolist() == [0]
    assert set(found.targets) == {"depth"}
    make = processor(adapting=True)
    evaluated = make.collate([make.row(row, TASKS, None) for row in rows], keep_annotations=False)
    assert evaluated.inputs["domain"].tolist() == [False, False]


@pytest.mark.parametrize("crop", [Whole(), RandomCrop(0.6)], ids=["whole", "cropped"])
def test_image_and_maps_share_one_geometry(crop: Crop) -> None:
    """Where a pixel of a map came from, by its own words, is where the image's pixel came from."""
    make, flips = processor(crop), set()
    for key in range(30):
        row = make.row(example(), TASKS, rng_for("draw", key))
        geometry = row.entries[0].geometry
        flips.add(geometry.hflip)
        value = {entry.task: entry.value for entry in row.entries}
        valid = value["depth"]["valid"]
        for name in ("seg", "normals", "edges"):
            assert np.array_equal(value[name]["valid"], valid)
        place = np.round(value["depth"]["map"][0] * 100)
        source_row, source_column = place // WIDTH, place % WIDTH
        step_y, step_x = (kept / seen for kept, seen in zip(_kept(geometry), geometry.size_hw, strict=True))
        red, green = (row.image[:2] + 1) * 127.5
        assert np.abs(red / 10 - source_row)[valid].max() <= step_y / 2 + 0.51
        assert np.abs(green / 8 - source_column)[valid].max() <= step_x / 2 + 0.51
        assert np.array_equal(value["seg"]["map"][valid], (source_column * 3 // WIDTH)[valid])
        np.testing.assert_allclose(value["edges"]["map"][0][valid], (source_row / HEIGHT)[valid], atol=1e-6)
        angle = source_column / WIDTH * 2 - 1
        turned = -1 if geometry.hflip else 1
        np.testing.assert_allclose(value["normals"]["map"][0][valid], turned * np.sin(angle)[valid], atol=1e-5)
        np.testing.assert_allclose(value["normals"]["map"][2][valid], -np.cos(angle)[valid], atol=1e-5)
    assert flips == {True, False}


def _kept(geometry: Geometry) -> tuple[int, int]:
    x0, y0, x1, y1 = geometry.crop_xyxy
    return y1 - y0, x1 - x0


def test_unknown_stays_unknown() -> None:
    row = processor().row(example(), TASKS, None)
    for entry in row.entries:
        unknown = ~entry.value["valid"]
        values = entry.value["map"]
        assert unknown.any()
        if entry.task == "seg":
            assert (values[unknown] == -1).all()
        else:
            assert np.isnan(values[:, unknown]).all()
            assert np.isfinite(values[:, ~unknown]).all()


def test_what_one_task_of_the_row_does_not_allow_is_never_done() -> None:
    fixed = dense("depth", Dense(1, "metre"), equivariant=frozenset({"crop"}))
    make = processor(RandomCrop(0.6))
    for key in range(12):
        together = make.row(example(), (SEG, fixed), rng_for("draw", key))
        assert not together.entries[0].geometry.hflip
        with_class = make.row(example(), (SEG, CLASS), rng_for("draw", key))
        assert with_class.entries[0].geometry == Geometry((0, 0, WIDTH, HEIGHT), False, (16, 24), (HEIGHT, WIDTH))
    # A task the row has no annotation of has no say.
    alone = [make.row(example("a", only("seg")), (SEG, fixed), rng_for("draw", key)) for key in range(12)]
    assert {row.entries[0].geometry.hflip for row in alone} == {True, False}


def test_depth_is_scaled_by_the_zoom_only_where_it_is_asked_for() -> None:
    plain, scaled = (processor(RandomCrop(0.5), scale_depth=on) for on in (False, True))
    for key in range(5):
        rows = [make.row(example(), (DEPTH,), rng_for("draw", key)) for make in (plain, scaled)]
        assert rows[0].entries[0].geometry == rows[1].entries[0].geometry
        assert rows[0].entries[0].geometry.zoom == pytest.approx(2.0)
        annotation, halved = (row.entries[0].value["map"] for row in rows)
        np.testing.assert_allclose(halved, annotation / 2)
    assert np.nanmax(scaled.row(example(), (DEPTH,), None).entries[0].value["map"]) == pytest.approx(5.99, abs=0.4)


def test_classes_stand_beside_maps() -> None:
    found = trained(processor(), [example("a"), example("b", only("depth"))], (DEPTH, CLASS))
    assert found.targets["class"].value["label"].tolist() == [1]
    assert found.targets["class"].rows.tolist() == [0]
    assert set(found.targets["class"].value) == {"label"}


def test_evaluation_keeps_the_annotations_there_are() -> None:
    make, rows = processor(), [example("a", only("depth")), example("b", only("seg", "depth"))]
    encoded = [make.row(row, TASKS, None) for row in rows]
    kept = make.collate(encoded, keep_annotations=True)
    assert {name: target.rows.tolist() for name, target in kept.targets.items()} == {"depth": [0, 1], "seg": [1]}
    assert kept.targets["depth"].annotations[1] is rows[1].labels["depth"]
    assert kept.targets["depth"].value["map"].shape == (2, 1, 16, 24)
    # Answers without truths: every task of every row.
    asked = make.collate(encoded, keep_annotations=False)
    assert all(target.rows.tolist() == [0, 1] for target in asked.targets.values())
    assert set(asked.targets["edges"].value) == set(asked.targets["seg"].value) == {"geometry"}
    assert set(asked.targets["depth"].value) == {"map", "valid", "geometry"}
    bare = [make.row(example("c", {}), TASKS, None)]
    assert set(make.collate(bare, keep_annotations=False).targets) == {"seg", "depth", "normals", "edges"}
    with pytest.raises(DataError, match="c: got no annotation; want one"):
        make.collate(bare, keep_annotations=True)


class Decoded(dict[str, Any]):
    """Annotations that remember which of them were asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(given)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


def test_only_the_maps_of_the_tasks_are_decoded() -> None:
    labels = Decoded(**maps())
    processor().row(example("a", labels), (DEPTH, SEG), rng_for("draw"))
    assert labels.asked == {"depth", "seg"}


class Store:
    """Gives a view of one number, and remembers what it was allowed."""

    def __init__(self, view: int) -> None:
        self.asked, self.view = [], view

    def read_view(self, image, allowed, rng):
        self.asked.append(allowed)
        return np.full((4, 6), self.view, dtype=np.float16), self.view


def test_maps_go_where_a_stored_view_took_them() -> None:
    make = processor(RandomCrop(0.6))
    for view in (0, 1, 2):
        store = Store(view)
        stored = make.with_features(store)
        row = stored.row(example(), TASKS, rng_for("draw"))
        assert store.asked == [frozenset({"hflip", "crop"})]
        image = example().images[0]
        np.testing.assert_array_equal(
            make.images.transform(decode(image), row.entries[0].geometry), make.view(image, view)
        )
        np.testing.assert_array_equal(row.entries[0].value["valid"], row.entries[0].geometry.map(maps()["seg"] >= 0))
        found = stored.collate([row, row], keep_annotations=False)
        assert found.inputs["features"].shape == (2, 4, 6)
        assert set(found.inputs) == {"features"}


def bent(name: str, **changes: Any) -> dict[str, np.ndarray]:
    """One map with a pixel, given as row_column, of another value."""
    values = maps()[name]
    for place, value in changes.items():
        row, column = map(int, place[1:].split("_"))
        values[row, column] = value
    return {name: values}


def unknown(name: str) -> dict[str, np.ndarray]:
    return {name: np.full_like(maps()[name], -1 if name == "seg" else np.nan)}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"depth": maps()["depth"][:-1]}, "task 'depth': got a map of 19 x 30 pixels; want 20 x 30, the size of"),
        ({"seg": maps()["seg"].T}, "task 'seg': got a map of 30 x 20 pixels; want 20 x 30"),
        ({"normals": maps()["depth"]}, r"task 'normals': got a map of shape \(20, 30\); want \(20, 30, 3\)"),
        ({"depth": maps()["normals"]}, r"task 'depth': got a map of shape \(20, 30, 3\); want \(20, 30\)"),
        ({"depth": "depth.png"}, "task 'depth': got a str; want an array of numbers"),
        ({"seg": maps()["seg"] > 0}, "task 'seg': got an array of bool; want an array of numbers"),
        ({"seg": maps()["edges"]}, "task 'seg': got an array of float32; want integers, one number per class"),
        (bent("seg", p5_5=3), "task 'seg': got class 3; want 0 to 2, or -1 where none is known"),
        (bent("seg", p5_5=-2), "task 'seg': got class -2; want 0 to 2, or -1"),
        (bent("depth", p5_5=np.inf), "task 'depth': got an infinite value; want finite numbers, or NaN"),
        (bent("depth", p5_5=-0.5), "task 'depth': got a depth of -0.5 m; want 0 or more"),
        (bent("edges", p5_5=1.5), "task 'edges': got 1.5; want probabilities from 0 to 1"),
        (bent("edges", p5_5=-0.5), "task 'edges': got -0.5; want probabilities from 0 to 1"),
        (bent("normals", p5_5=(0, 2, 0)), "task 'normals': got a normal of length 2; want unit length"),
        (unknown("seg"), "task 'seg': got a map that is -1 everywhere; want at least one pixel that is known"),
        (unknown("depth"), "task 'depth': got a map that is NaN everywhere; want at least one pixel"),
        (unknown("normals"), "task 'normals': got a map that is NaN everywhere"),
        ({"class": 3}, "task 'class': got 3; want a class from 0 to 2"),
        ({"class": True}, "task 'class': got True; want a class from 0 to 2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("training", [True, False])
def test_what_no_annotation_may_be(labels: dict[str, Any], message: str, training: bool) -> None:
    with pytest.raises(DataError, match=f"e/0: {message}"):
        processor().row(example(labels=labels), (*TASKS, CLASS), rng_for("draw") if training else None)


def test_odd_maps_that_are_legal() -> None:
    labels = {
        "seg": maps()["seg"].astype(np.int16)[..., None],
        "depth": np.full((HEIGHT, WIDTH, 1), 3, dtype=np.uint16),
        "normals": bent("normals", p5_5=(np.nan, 1, 0))["normals"] * np.float32(1.01),
        "edges": np.ones((HEIGHT, WIDTH), dtype=np.float64),
    }
    found = trained(processor(), [example("a", labels)])
    assert set(found.targets) == {"seg", "depth", "normals", "edges"}
    assert float(found.targets["depth"].value["map"].max()) == 3.0
    assert not bool(found.targets["normals"].value["valid"].all())


def test_a_crop_may_show_nothing_that_is_known() -> None:
    labels = {"depth": np.where(np.arange(WIDTH) == 0, 1.0, np.nan) * np.ones((HEIGHT, 1))}
    make = processor(RandomCrop(0.5))
    rows = [make.row(example("a", labels), TASKS, rng_for("draw", key)) for key in range(20)]
    assert not all(row.entries[0].value["valid"].any() for row in rows)


def test_no_image_or_two_or_a_broken_one() -> None:
    image = example().images[0]
    for images, message in (((), "got 0; want exactly one"), ((image, image), "got 2; want exactly one")):
        with pytest.raises(DataError, match=f"x: images: {message}"):
            processor().row(Example(id="x", images=images, labels=maps()), TASKS, None)
    with pytest.raises(DataError, match=r"cut\.png"):
        processor().row(
            Example(id="x", images=(MemoryImage("cut.png", image.read()[:-60]),), labels=maps()), TASKS, None
        )
