import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.ops import nms

from motet.core import ConfigError, DataError, MemoryImage
from motet.nn.regions import contrast, pool_regions, pooling_weights, select_disjoint, surroundings
from motet.preprocess.regions import BoxGrid, ImageRegions, box_iou, check_regions, image_size_hw
from motet.scenes import Scenes


def test_the_grid_finds_most_things_of_scenes() -> None:
    scenes, grid = Scenes(part="val", count=30, kinds=20), BoxGrid().boxes((128, 128))
    best = [box_iou(scenes[i].labels["boxes"].boxes_xyxy, grid).max(axis=1) for i in range(30)]
    assert (np.concatenate(best) > 0.5).mean() > 0.8
    assert len(grid) == len(BoxGrid().boxes((64, 200))) <= 140


def test_boxes_of_a_grid_lie_in_the_image_and_the_whole_is_first() -> None:
    boxes = BoxGrid(sides=(0.3, 0.9), shapes=(0.5, 2.0)).boxes((50, 80))
    assert boxes[0].tolist() == [0, 0, 80, 50]
    assert boxes.min() >= 0
    assert (boxes.max(axis=0) <= [80, 50, 80, 50]).all()
    with pytest.raises(ConfigError, match=r"BoxGrid.sides: got \(2,\); want shares"):
        BoxGrid(sides=(2,))


def test_what_lies_up_to_a_pixel_outside_is_cut() -> None:
    found = check_regions(ImageRegions(np.ones((1, 2)), np.array([[-1, 0, 10.5, 5]]), (5, 10)), path="x")
    assert found.boxes_xyxy.tolist() == [[0, 0, 10, 5]]
    with pytest.raises(DataError, match=r"regions: got features \(2, 2\), boxes \(1, 4\); want .*\(x, row 9\)"):
        check_regions(ImageRegions(np.ones((2, 2)), np.ones((1, 4)), (5, 10)), path="x", row="9")


def test_a_trunks_map_is_read_where_the_box_is() -> None:
    tokens = torch.zeros(2, 64, 3)
    tokens[0, 8 * 2 + 5, 0] = 1.0  # row 2, column 5 of 8 x 8
    boxes = torch.tensor([[[5 / 8, 2 / 8, 6 / 8, 3 / 8], [0, 4 / 8, 1, 1]], [[0, 0, 1, 1], [0, 0, 1, 1]]])
    pooled = pool_regions(tokens, boxes, (8, 8))
    assert pooled.shape == (2, 2, 3)
    assert pooled[0, 0, 0] > 0.5
    assert pooled[0, 1].abs().max() == pooled[1].abs().max() == 0


def test_an_images_size_is_that_of_the_upright_image() -> None:
    file, turned = io.BytesIO(), Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (30, 20)).save(file, "JPEG", exif=turned)
    assert image_size_hw(MemoryImage("x.jpg", file.getvalue())) == (30, 20)
    with pytest.raises(DataError, match=r"image: got .*; want a file in one of the formats .*\(x.jpg\)"):
        image_size_hw(MemoryImage("x.jpg", b"none"))


def test_boxes_that_stand_apart_are_those_of_a_detectors_suppression() -> None:
    boxes = torch.from_numpy(BoxGrid().boxes((1, 1)))
    near = torch.from_numpy(box_iou(boxes.numpy(), boxes.numpy()) > 0.4)
    scores = torch.rand(3, len(boxes), generator=torch.Generator().manual_seed(0))
    picked, filled = select_disjoint(scores, near, 100)
    for row in range(3):
        assert picked[row][filled[row]].tolist() == nms(boxes, scores[row], 0.4).tolist()[:100]


def test_a_thing_on_a_plain_ground_stands_out() -> None:
    tokens = torch.zeros(1, 64, 2)
    tokens[..., 0] = 1
    tokens.view(1, 8, 8, 2)[0, 2:5, 3:6] = torch.tensor([0.0, 1.0])
    boxes = torch.from_numpy(BoxGrid(step=0.34).boxes((1, 1)))
    inside, around = (pooling_weights(part, (8, 8)) @ tokens for part in (boxes, surroundings(boxes, 1.6)))
    best = int(contrast(inside, around)[0].argmax())
    thing = np.array([[3 / 8, 2 / 8, 6 / 8, 5 / 8]])
    assert box_iou(boxes[best : best + 1].numpy(), thing)[0, 0] > 0.6
    assert torch.allclose(pooling_weights(boxes, (8, 8)).sum(1), torch.ones(len(boxes)))
