"""The processor of UniT: pairs and long texts, boxes transformed with the image, errors of annotations."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from motet.core import BoxSet, DataError, rng_for
from motet.preprocess.crops import RandomCrop
from motet.preprocess.images import decode
from motet.systems.unit import FixedSize, ShortestSide, TextLimits


def test_a_pair_has_two_types_and_an_empty_half_is_legal(make, rows, batch) -> None:
    system = make("pair")
    value = batch(system, [rows(0), rows(1, text=("a cat", ""))]).targets["pair"].value
    assert value["types"][0].max() == 1
    assert value["attention_mask"].sum(1)[0] > value["attention_mask"].sum(1)[1]
    assert torch.isfinite(system.losses(batch(system, [rows(0, text=("", ""))])).tasks["pair"].total)


def test_ten_thousand_words_are_cut(make, rows, batch) -> None:
    system = make("pair", "vqa", text_limits=TextLimits(max_tokens=20, max_tokens_with_image=9))
    found = batch(system, [rows(0, text="cat " * 10_000)]).targets
    assert found["pair"].value["ids"].shape == (1, 20)
    assert found["vqa"].value["ids"].shape == (1, 9)


def test_boxes_by_centre_and_size_in_parts_of_the_image(make, rows, batch) -> None:
    value = batch(make("boxes"), [rows(0), rows(1), rows(2)]).targets["boxes"].value
    assert value["boxes"].shape == (3, 2, 4)
    assert value["valid"].tolist() == [[True, True], [True, False], [False, False]]
    assert value["boxes"][0, 0].tolist() == pytest.approx([7 / 40, 11.5 / 24, 10 / 40, 17 / 24])
    assert value["attributes"][0, :, :3].tolist() == [[0, 1, -1], [1, -1, -1]]


@pytest.mark.parametrize(
    "views",
    [FixedSize(RandomCrop(0.6)), ShortestSide(32, 64, (24, 32), 0.7, (24, 32), (16, 28))],
    ids=["fixed", "ragged"],
)
def test_boxes_move_with_the_image(make, maps, rows, batch, views) -> None:
    """A box that was moved and moved back is the box, where nothing cut it."""
    from motet.preprocess.geometry import Geometry

    system = make("boxes", config=maps, views=views)
    task = system.tasks["boxes"]
    num_boxes, flips, sizes = 0, set(), set()
    for index in range(60):
        encoded = system.processor.row(rows(0, (48, 80)), [task], rng_for("draw", index))
        value = system.processor.collate([encoded], keep_annotations=False).targets["boxes"].value
        geometry = Geometry.of(value["geometry"][0].tolist())
        flips.add(geometry.hflip)
        sizes.add(geometry.size_hw)
        height, width = geometry.size_hw
        assert encoded.image.shape == (3, height, width)
        for box, label in zip(value["boxes"][0][value["valid"][0]], value["labels"][0], strict=False):
            centre, size = box[:2].numpy(), box[2:].numpy()
            corners = np.concatenate([centre - size / 2, centre + size / 2]) * [width, height, width, height]
            (back,) = geometry.boxes_back(corners[None])
            whole = np.array([[2.0, 3, 12, 20], [20, 1, 38, 15]])[int(label)]
            x0, y0, x1, y1 = geometry.crop_xyxy
            assert np.allclose(back, np.clip(whole, (x0, y0, x0, y0), (x1, y1, x1, y1)), atol=1e-3)
            num_boxes += 1
    assert num_boxes > 20
    assert flips == {True, False}
    assert len(sizes) > 1 or isinstance(views, FixedSize)


def test_a_task_that_allows_no_change_gets_the_plain_view(make, maps, rows) -> None:
    system = make("vqa", config=maps, views=FixedSize(RandomCrop(0.5)))
    plain = system.processor.row(rows(0), [system.tasks["vqa"]], None)
    for index in range(8):
        drawn = system.processor.row(rows(0), [system.tasks["vqa"]], rng_for("draw", index))
        assert np.array_equal(drawn.image, plain.image)


class Store:
    """Returns one view, and records the allowed changes of each request."""

    def __init__(self, view: int) -> None:
        self.requests, self.view = [], view

    def read_view(self, image, allowed, rng):
        self.requests.append(allowed)
        return np.zeros((4, 16), dtype=np.float16), self.view

    def read(self, image, allowed, rng):
        return self.read_view(image, allowed, rng)[0]


def test_boxes_go_where_a_stored_view_took_them(make, maps, rows) -> None:
    """View 2 is cropped and mirrored: its boxes are those that the same view of the pixels would have."""
    system = make("boxes", config=maps, views=FixedSize(RandomCrop(0.5)))
    example, task = rows(0, (48, 80)), system.tasks["boxes"]
    for view, changes in ((0, set()), (1, {"crop"}), (2, {"crop", "hflip"})):
        store = Store(view)
        geometry = system.processor.with_features(store).row(example, [task], rng_for("draw")).entries[0].geometry
        assert store.requests == [task.equivariant]
        assert geometry.source_hw == (48, 80)
        assert (geometry.crop_xyxy != (0, 0, 80, 48)) == ("crop" in changes)
        assert geometry.hflip == ("hflip" in changes)
        image = example.images[0]
        transformed = system.processor.images.transform(decode(image), geometry)
        np.testing.assert_array_equal(transformed, system.processor.view(image, view))


def test_a_stored_view_of_a_question_is_one_it_is_invariant_to(make, rows) -> None:
    system, store = make("vqa"), Store(0)
    encoded = system.processor.with_features(store).row(rows(0), [system.tasks["vqa"]], rng_for("draw"))
    assert encoded.entries[0].geometry is None
    assert store.requests == [frozenset()]


def boxes(box=(1.0, 2.0, 5.0, 9.0), **changes) -> BoxSet:
    return replace(BoxSet(np.array([box]), np.array([0]), np.ones(1)), **changes)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (boxes((1, np.nan, 5, 9)), r"box: got \[1.0, nan, 5.0, 9.0\]; want four finite numbers"),
        (boxes(labels=np.array([3])), "box label: got 3; want from 0 to 2"),
        (boxes(labels=np.array([0, 1])), "got 2 labels of 1 boxes"),
        (boxes(attributes=((7,),)), r"box attributes: got \(7,\); want from 0 to 1"),
        ("a box", "got a str; want a BoxSet"),
        (boxes(boxes_xyxy=np.zeros((1, 3))), r"got shape \(1, 3\)"),
    ],
)
def test_a_bad_box_is_named_with_its_row(make, rows, annotation, message: str) -> None:
    system = make("boxes")
    example = rows(0)
    with pytest.raises(DataError, match=f"e/0: task 'boxes': .*{message}"):
        system.processor.row(replace(example, labels={"boxes": annotation}), [system.tasks["boxes"]], None)


def test_boxes_outside_of_no_area_and_of_crowds_are_not_learned(make, rows, batch) -> None:
    system = make("boxes")
    found = BoxSet(
        np.array([[100.0, 100, 120, 120], [5, 5, 5, 9], [1, 1, 30, 20], [-5, -5, 10, 10]]), np.array([0, 1, 2, 1]),
        np.ones(4), crowd=np.array([False, False, True, False]),
    )  # fmt: skip
    value = batch(system, [rows(0, labels={"boxes": found})]).targets["boxes"].value
    assert value["valid"].tolist() == [[True]]
    assert value["labels"].tolist() == [[1]]
    assert value["boxes"][0, 0].tolist() == pytest.approx([5 / 40, 5 / 24, 10 / 40, 10 / 24])


def test_a_phrase_without_referent_has_no_weight(make, rows, batch) -> None:
    system = make("place")
    nothing = replace(rows(1), labels={"place": None})
    loss = system.losses(batch(system, [rows(0), nothing])).tasks["place"]
    assert float(loss.weight) == 1


@pytest.mark.parametrize(("name", "annotation"), [("pair", 2), ("pair", True), ("pair", None), ("vqa", ()), ("vqa", 3)])
def test_a_bad_class_or_answer_is_named(make, rows, name: str, annotation) -> None:
    system = make(name)
    with pytest.raises(DataError, match=f"e/0: task '{name}': got"):
        system.processor.row(rows(0, labels={name: annotation}), [system.tasks[name]], None)
