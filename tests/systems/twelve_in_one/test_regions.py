"""The IMG region, extra boxes, and IoU in pixels."""

import torch

from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask, iou_px, prepend_image_region

FEATURES = torch.tensor([[[1.0], [3.0], [50.0]], [[2.0], [60.0], [70.0]]])
VALID = torch.tensor([[True, True, False], [True, False, False]])
BOXES = torch.tensor([0.0, 0.0, 0.5, 0.25]).expand(2, 3, 4)
REGIONS = PaddedRegions(FEATURES, BOXES, VALID, torch.tensor([[10.0, 20.0], [30.0, 40.0]]), VALID)


def test_img_is_the_mean_of_the_valid_regions() -> None:
    features, locations, valid = prepend_image_region(REGIONS)
    assert features[:, 0, 0].tolist() == [2.0, 2.0]
    assert locations[0, 0].tolist() == [0, 0, 1, 1, 1]
    assert locations[0, 1].tolist() == [0, 0, 0.5, 0.25, 0.125]
    assert valid[:, 0].tolist() == [True, True]


def test_extra_boxes_are_valid_but_not_in_the_mean() -> None:
    more = REGIONS.with_boxes(torch.zeros(2, 1, 4), torch.full((2, 1, 1), 9.0), torch.ones(2, 1, dtype=torch.bool))
    assert prepend_image_region(more)[0][:, 0, 0].tolist() == [2.0, 2.0]
    assert more.valid[:, -1].tolist() == [True, True]
    assert more.rows(torch.tensor([1, 1])).in_mean[:, -1].tolist() == [False, False]


def test_masks_leave_out_of_sum_and_count_separately() -> None:
    none, second = torch.zeros_like(VALID), torch.tensor([[False, True, False], [False] * 3])
    summed = RegionMask(none, second, none, second)
    assert float(prepend_image_region(REGIONS, summed)[0][0, 0, 0]) == 4.0
    left_out = RegionMask(second, second, second, second)
    features = prepend_image_region(REGIONS, left_out)[0]
    assert features[0, :3, 0].tolist() == [1.0, 1.0, 0.0]


def test_a_row_without_valid_regions_has_a_mean_of_zero() -> None:
    nothing = PaddedRegions(FEATURES, BOXES, VALID & False, REGIONS.size_hw, VALID & False)
    assert prepend_image_region(nothing)[0][:, 0, 0].tolist() == [0.0, 0.0]


def test_boxes_in_pixels_are_scaled_by_width_and_height() -> None:
    assert REGIONS.in_pixels(REGIONS.boxes_xyxy)[0, 0].tolist() == [0, 0, 10, 2.5]


def test_iou_is_symmetric_and_one_for_a_box_and_itself() -> None:
    boxes = torch.rand(6, 4) * 50
    boxes[:, 2:] += boxes[:, :2]
    for border in (0.0, 1.0):
        iou = iou_px(boxes, boxes, border)
        torch.testing.assert_close(iou, iou.T)
        torch.testing.assert_close(iou.diagonal(), torch.ones(6))
