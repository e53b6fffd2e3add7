"""Rows of data with what is true of them: drawn where it has a place, texts where it has words."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from motet.core import BoxSet, Dense, Example, MemoryImage
from motet.data.source import Source
from motet.report.cards.annotations import HEIGHT, draw_annotation, row_card, row_cards
from motet.report.draw.dense import map_class_colours
from motet.report.pages.data import data_page
from motet.tasks import (
    classification,
    depth,
    detection,
    edges,
    question_answering,
    referring,
    semantic_segmentation,
    surface_normals,
)

MAPS = (semantic_segmentation("streets", ("sky", "road", "car")), depth(), surface_normals(), edges())
NORMALS = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (30, 40, 3))


def maps():
    classes = np.zeros((30, 40), dtype=np.int64)
    classes[20:], classes[:, :4] = 2, -1
    metres = np.linspace(1.0, 5.0, 1200).reshape(30, 40)
    lines = np.zeros((30, 40))
    lines[15] = 1.0
    return {"segmentation": classes, "depth": metres, "normals": NORMALS, "edges": lines}


def row(labels, *, images=1, text=""):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 90, 200)).save(file, format="PNG")
    files = tuple(MemoryImage(f"i{place}", file.getvalue()) for place in range(images))
    ids = tuple(f"i{place}" for place in range(images))
    return Example(id="a/0", images=files, image_ids=ids, text=text, labels=labels)


@dataclass(frozen=True)
class Rows:
    """The same row, five times."""

    labels: dict = field(default_factory=maps)

    def __len__(self):
        return 5

    def keys(self, index):
        return ("i0",)

    def __getitem__(self, index):
        return row(self.labels)


def image(shown, place):
    return np.asarray(Image.open(io.BytesIO(shown.images[place][1])).convert("RGB"))


def test_maps_stand_beside_the_image_each_with_its_legend() -> None:
    shown = row_card(row(maps()), MAPS)
    assert [title for title, _ in shown.images] == ["image", "streets", "depth", "normals", "edges"]
    drawn = image(shown, 1)
    assert drawn.shape[0] > HEIGHT
    sky, _, car = map_class_colours(3)
    assert (drawn[10, 200] == sky).all()
    assert (drawn[HEIGHT - 5, 200] == car).all()
    assert (drawn[HEIGHT:].reshape(-1, 3) == car).all(axis=-1).any()
    assert dict(shown.annotations) == {
        "streets": "sky 67 %, car 33 %; 10 % not annotated",
        "depth": "1.00 to 5.00 m",
        "normals": "mean direction +0.00 right, +0.00 down, +1.00 to the viewer",
        "edges": "3.3 % edges",
    }


def test_thin_edges_stay_where_most_pixels_are_left_out() -> None:
    lines = np.zeros((1000, 800))
    lines[501, :] = 1.0
    lines[:, 402] = 1.0
    drawn = np.asarray(draw_annotation(lines, Dense(1, "probability"), (100, 80)).convert("L"))[:100]
    assert drawn[:, 5].min() < 128
    assert drawn[5].min() < 128
    assert drawn[20, 20] == 255


def test_boxes_and_places_are_drawn_and_answers_said() -> None:
    cat = BoxSet(np.array([[4.0, 4.0, 20.0, 20.0]]), np.array([1]), np.ones(1))
    labels = {"boxes": cat, "region": (2.0, 2.0, 30.0, 20.0), "class": 0, "answers": ("yes", "yes", "no")}
    kind, ask = classification("kind", ("red", "blue")), question_answering("ask")
    tasks = (detection("pets", ("dog", "cat")), referring(), kind, ask)
    shown = row_card(row(labels, text="is it blue ?"), tasks)
    texts = dict(shown.annotations)
    assert "is it blue ?" in texts["prompt"]
    assert texts["pets"] == "1 cat"
    assert texts["kind"] == "red"
    assert "yes / no" in texts.values()
    assert "box 2 2 30 20" in texts.values()
    assert [title for title, _ in shown.images][:2] == ["image", "pets"]
    assert len(shown.images) == 3


def test_an_annotation_that_cannot_be_is_told_and_a_missing_one_passed_over() -> None:
    labels = {"segmentation": np.full((30, 40), 7), "depth": maps()["depth"]}
    shown = row_card(row(labels), MAPS)
    assert shown.problems == (("streets", "got the classes 7; want 0 to 2, or -1 where there is none"),)
    assert [title for title, _ in shown.images] == ["image", "depth"]
    page = data_page("Data", [("streets <train>", [shown])], ("Drawings: someone",))
    assert "streets &lt;train&gt;" in page
    assert "got the classes 7" in page
    assert "Drawings: someone" in page
    assert page.count("data:image/png") == 2


def test_a_sample_is_spread_over_the_source() -> None:
    source = Source(name="s", reader=Rows(), tasks=MAPS, role="test")
    assert len(list(row_cards(source, 2))) == 2
    assert len(list(row_cards(source, 99))) == 5


@pytest.mark.parametrize("images", [0, 9])
def test_rows_without_an_image_and_rows_of_many_are_shown(images: int) -> None:
    shown = row_card(row({"class": 1}, images=images), (classification("kind", ("red", "blue")),))
    assert len(shown.images) == min(images, 4)
    assert dict(shown.annotations) == {"kind": "blue"}
