"""Regions of a source: the first of them, their classes, and features of extra boxes."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from toy_twelve_in_one import SIZE_HW, NamedRegions, row, task

from motet.core import ConfigError, DataError, Match
from motet.preprocess.regions import ImageRegions
from motet.systems.twelve_in_one.image_inputs import collate_images
from motet.systems.twelve_in_one.region_inputs import DetectedRegionInputs

POINT = task("point", Match("regions"))
INPUTS = DetectedRegionInputs(source=NamedRegions())


def test_the_first_regions_of_every_image_are_read() -> None:
    first, second = replace(INPUTS, max_regions=2).read(row(0, 2), [], None)
    regions = NamedRegions().regions(None, "p0-1")
    assert first.size_hw == SIZE_HW
    np.testing.assert_array_equal(second.arrays["regions"], regions.features[:2])
    np.testing.assert_array_equal(second.arrays["boxes"], regions.boxes_xyxy[:2] / np.float32([40, 20, 40, 20]))
    np.testing.assert_array_equal(second.arrays["classes"], regions.classes[:2])
    assert {array.dtype for name, array in second.arrays.items() if name != "valid"} == {np.dtype(np.float32)}


def test_a_batch_masks_the_padding_of_images_with_fewer_regions() -> None:
    rows = [INPUTS.read(row(index), [], None) for index in range(4)]
    counts = [len(images[0].arrays["regions"]) for images in rows]
    inputs = collate_images(rows)
    assert len(set(counts)) > 1
    assert inputs["valid"].sum(-1).flatten().tolist() == counts
    assert inputs["classes"].shape == (4, 1, max(counts), 4)


@dataclass(frozen=True)
class Plain:
    """A source of one region whose detector gives no classes, or none for this image; it has no features of boxes."""

    width: int = 3
    num_classes: int = 0

    features: int = 3

    def regions(self, image, image_id: str) -> ImageRegions:
        return ImageRegions(np.ones((1, self.features), np.float32), np.ones((1, 4), np.float32), (8, 8))


def test_classes_follow_the_source() -> None:
    (without,) = DetectedRegionInputs(source=Plain()).read(row(0), [], None)
    assert "classes" not in without.arrays
    (unknown,) = DetectedRegionInputs(source=Plain(num_classes=2)).read(row(0), [], None)
    assert unknown.arrays["classes"].tolist() == [[0, 0]]


def test_features_of_another_width_are_an_error_of_the_image() -> None:
    with pytest.raises(DataError, match="regions of 'p0-0': got features of 3 numbers; want 5, the width of the"):
        DetectedRegionInputs(source=Plain(width=5)).read(row(0), [], None)


def test_extra_boxes_have_the_sources_features_in_their_order() -> None:
    value = INPUTS.extra_regions(POINT, row(0), np.array([[0, 0, 4, 4], [0, 0, 1, 1]], np.float32))
    assert value["extra_features"].tolist() == [[8] * 6, [2] * 6]
    assert value["valid"].tolist() == [True, True]


def test_a_source_is_not_asked_for_features_of_no_box() -> None:
    nothing = DetectedRegionInputs(source=Plain()).extra_regions(POINT, row(0), np.zeros((0, 4), np.float32))
    assert (nothing["extra_features"].shape, nothing["valid"].shape) == ((0, 3), (0,))


def test_each_task_reads_its_own_source() -> None:
    inputs = DetectedRegionInputs(source=NamedRegions(), by_task={"point": Plain(width=6, num_classes=4, features=6)})
    (own,), (other,) = inputs.read(row(0), [POINT], None), inputs.read(row(0), [task("refer", Match("regions"))], None)
    assert own.arrays["regions"].tolist() == [[1] * 6]
    assert len(other.arrays["regions"]) >= 3
    assert INPUTS.extra_regions(POINT, row(0), np.ones((1, 4), np.float32))["extra_features"].shape == (1, 6)
    with pytest.raises(AttributeError, match="at"):  # that source has no features of boxes
        inputs.extra_regions(POINT, row(0), np.ones((1, 4), np.float32))


def test_two_sources_of_one_row_are_refused() -> None:
    inputs = DetectedRegionInputs(source=NamedRegions(), by_task={"point": Plain()})
    with pytest.raises(ConfigError, match=r"source_of: got several sources for the tasks \['point', 'refer'\] of one"):
        inputs.read(row(0), [POINT, task("refer", Match("regions"))], None)
