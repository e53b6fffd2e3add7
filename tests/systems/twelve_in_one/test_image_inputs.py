"""Images as pixels, as stored maps and with the boxes of a source; rows with different numbers of images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_twelve_in_one import SIZE_HW, row, task

from motet.core import DataError, Label, Match, Region
from motet.preprocess.crops import Whole
from motet.preprocess.images import ImageTransform
from motet.systems.twelve_in_one.image_inputs import (
    TwelveInOneImage,
    TwelveInOneImageInputs,
    collate_images,
    images_with_ids,
    relative_boxes,
)

PIXELS = TwelveInOneImageInputs(transform=ImageTransform((4, 6), crop=Whole()))
FLIPPED = task("label", Label(("no", "yes")), invariant=frozenset({"hflip", "crop"}))
PLACES = [
    task("refer", Region(), invariant=frozenset({"hflip"})),
    task("point", Match("regions"), invariant=frozenset({"hflip"})),
]


class Corners:
    """Three boxes per image: the left half, the right half, one a pixel too high."""

    def boxes_for(self, image, image_id: str) -> np.ndarray:
        assert image_id == image.name
        return np.array([[0, 0, 20, 20], [20, 0, 40, 20], [0, -1, 10, 10]], np.float32)


def draws(inputs: TwelveInOneImageInputs, *tasks) -> list[np.ndarray]:
    return [inputs.read(row(0), tasks, np.random.default_rng(seed))[0].arrays["pixels"] for seed in range(12)]


def test_every_image_is_read_whole_with_the_size_of_its_file() -> None:
    example = row(0, 2)
    first, second = PIXELS.read(example, [FLIPPED], None)
    assert first.size_hw == second.size_hw == SIZE_HW
    np.testing.assert_array_equal(first.arrays["pixels"], PIXELS.view(example.images[0], 0))
    np.testing.assert_array_equal(second.arrays["pixels"], PIXELS.view(example.images[1], 0))


def test_an_image_is_flipped_in_training_if_every_task_allows_it() -> None:
    plain = PIXELS.read(row(0), [FLIPPED], None)[0].arrays["pixels"]
    drawn = draws(PIXELS, FLIPPED)
    kinds = {"plain" if np.array_equal(one, plain) else "flipped" for one in drawn}
    assert kinds == {"plain", "flipped"}
    assert all(np.allclose(one, plain) or np.allclose(one, plain[:, :, ::-1], atol=1e-6) for one in drawn)
    for tasks in ((FLIPPED, task("other", Label(("no", "yes")))), *([FLIPPED, one] for one in PLACES)):
        assert all(np.array_equal(one, plain) for one in draws(PIXELS, *tasks))


def test_boxes_of_a_source_are_relative_and_hold_the_image_still() -> None:
    inputs = replace(PIXELS, box_source=Corners())
    boxes = inputs.read(row(0), [FLIPPED], None)[0].arrays
    # The third is clipped at the border.
    assert boxes["boxes"].tolist() == [[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0, 0, 0.25, 0.5]]
    assert boxes["valid"].tolist() == [True] * 3
    assert len({one.tobytes() for one in draws(inputs, FLIPPED)}) == 1
    assert len(replace(inputs, max_regions=2).read(row(0), [FLIPPED], None)[0].arrays["boxes"]) == 2


class Store:
    """Returns the number of the image and records what may be done to it."""

    def __init__(self) -> None:
        self.allowed = []

    def read(self, image, invariant, rng):
        self.allowed.append(set(invariant))
        return np.full((2, 3), int(image.name[-1]), dtype=np.float16)


def test_a_store_takes_the_place_of_pixels() -> None:
    store = Store()
    read = PIXELS.with_store(store).read(row(0, 2), [FLIPPED], np.random.default_rng(0))
    assert [one.arrays["features"].tolist() for one in read] == [[[0] * 3] * 2, [[1] * 3] * 2]
    assert [one.size_hw for one in read] == [SIZE_HW] * 2
    PIXELS.with_store(store).read(row(0), PLACES, None)
    # Never a crop: boxes are relative to the whole image.
    assert store.allowed == [{"hflip"}, {"hflip"}, set()]


def test_extra_regions_have_no_features_before_the_model_pools_them() -> None:
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    value = PIXELS.extra_regions(task("point", Match("regions")), row(0), boxes)
    assert {name: array.tolist() for name, array in value.items()} == {"extra_boxes": [[1, 2, 3, 4]], "valid": [True]}


def test_ids_are_as_many_as_images_or_none() -> None:
    assert [name for _, name in images_with_ids(row(0, 2))] == ["p0-0", "p0-1"]
    assert [name for _, name in images_with_ids(row(0, 2, image_ids=()))] == ["", ""]
    with pytest.raises(DataError, match="e/0: image_ids: got 1; want as many as images, 2"):
        images_with_ids(row(0, 2, image_ids=("p",)))


def encoded(height: int, **arrays) -> TwelveInOneImage:
    return TwelveInOneImage((height, 10), {name: np.array(value, np.float32) for name, value in arrays.items()})


def test_rows_are_padded_to_the_most_images_and_the_most_regions() -> None:
    first, second = encoded(1, regions=[[1, 1]]), encoded(2, regions=[[2, 2], [3, 3]])
    inputs = collate_images([(first,), (first, second), ()])
    assert inputs["present"].tolist() == [[True, False], [True, True], [False, False]]
    assert inputs["size_hw"][1].tolist() == [[1, 10], [2, 10]]
    assert inputs["size_hw"][2].tolist() == [[1, 1], [1, 1]]
    assert inputs["regions"][1].tolist() == [[[1, 1], [0, 0]], [[2, 2], [3, 3]]]
    assert not inputs["regions"][2].any()
    assert inputs["regions"].dtype == torch.float32


def test_pixels_have_an_axis_of_images_only_if_a_row_has_several() -> None:
    one = TwelveInOneImage(
        (1, 1), {"pixels": np.ones((3, 4, 6), np.float32), **relative_boxes(np.ones((2, 4)), (1, 1))}
    )
    alone = collate_images([(one,), (one,)])
    assert alone["pixels"].shape == (2, 3, 4, 6)
    assert alone["boxes"].shape == (2, 1, 2, 4)
    several = collate_images([(one,), (one, one)])
    assert several["pixels"].shape == (2, 2, 3, 4, 6)
    assert several["pixels"].sum((2, 3, 4)).tolist() == [[72, 0], [72, 72]]
    assert several["valid"].sum(-1).tolist() == [[2, 0], [2, 2]]


def test_images_without_any_region_have_one_of_padding() -> None:
    nothing = TwelveInOneImage((5, 5), relative_boxes(np.zeros((0, 4), np.float32), (5, 5)))
    inputs = collate_images([(nothing,)])
    assert inputs["boxes"].shape == (1, 1, 1, 4)
    assert inputs["valid"].tolist() == [[[False]]]


def test_the_plain_view_is_what_evaluation_reads() -> None:
    assert PIXELS.view_changes(0) == frozenset()
    assert PIXELS.view_key() != replace(PIXELS, transform=ImageTransform((4, 6), hflip=False)).view_key()
