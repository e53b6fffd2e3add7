"""Regions of a batch: those of a source, and features pooled from a trunk's map in a grid, in boxes, in extra boxes."""

import pytest
import torch
from toy_twelve_in_one import NamedRegions

from motet.core import DataError
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.nn.regions import pool_regions
from motet.nn.tower import FromScratch
from motet.preprocess.regions import BoxGrid, StandOut, box_iou
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.twelve_in_one.region_extractor import GridRegions, RegionExtractor

GRID = BoxGrid(sides=(0.5,), step=1.0)
"""The whole image and its four quarters."""
QUARTERS = torch.tensor([[0.0, 0, 1, 1], [0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]])


class Corners:
    """A box source; the boxes of a batch are read from its inputs."""

    def boxes_for(self, image, image_id):
        raise NotImplementedError


def extractor(**changes) -> RegionExtractor:
    trunk = GridOf(PlainViT(size=16, patch=4, width=8, depth=1, heads=2))
    options = {"trunk": trunk, "mode": FromScratch(), "grid": GRID, **changes}
    torch.manual_seed(0)
    return RegionExtractor(TwelveInOneConfig(**options), fetch=False).eval()


def quarters_map() -> torch.Tensor:
    """A map of 4 x 4 places and one channel whose quarters are 1, 2, 3 and 7."""
    rows = torch.tensor([[1.0, 1, 2, 2]] * 2 + [[3.0, 3, 7, 7]] * 2)
    return rows.reshape(1, 16, 1)


def inputs_of(rows: int, images: int, **tensors: torch.Tensor) -> dict[str, torch.Tensor]:
    size_hw = torch.tensor([16.0, 32.0]).expand(rows, images, 2)
    return {"present": torch.ones(rows, images, dtype=torch.bool), "size_hw": size_hw, **tensors}


# --- the grid


def test_a_grid_has_the_mean_of_the_map_in_each_box() -> None:
    features, boxes, valid = GridRegions(GRID, None, (4, 4), 1)(quarters_map().repeat(2, 1, 1))
    torch.testing.assert_close(boxes, QUARTERS.expand(2, -1, -1))
    assert features[1, 1:, 0].tolist() == pytest.approx([1, 2, 3, 7])
    torch.testing.assert_close(features[:1], pool_regions(quarters_map(), boxes[:1], (4, 4), bins=1))
    assert valid.all()


def test_what_stands_out_is_picked_and_its_neighbours_are_not() -> None:
    torch.manual_seed(0)
    # One quarter points elsewhere than the rest; a cosine sees no length.
    tokens = torch.tensor([1.0, 0.0]).expand(4, 4, 2).clone()
    tokens[2:, 2:] = torch.tensor([0.0, 1.0])
    regions = GridRegions(BoxGrid(sides=(0.5,), step=0.5), StandOut(count=3, overlap=0.2), (4, 4), 1)
    features, boxes, valid = regions(tokens.reshape(1, 16, 2))
    assert boxes[0, 0].tolist() == [0.5, 0.5, 1, 1]
    assert float(features[0, 0, 1]) > 0.5
    overlaps = box_iou(boxes[0, :1].numpy(), boxes[0, 1:][valid[0, 1:]].numpy())
    assert overlaps.size > 0
    assert overlaps.max() <= 0.2
    assert GridRegions(GRID, StandOut(count=24), (4, 4), 1).count == len(QUARTERS)


# --- a batch


def test_sizes_follow_the_trunk_or_the_source() -> None:
    pooled, detected = extractor(), RegionExtractor(TwelveInOneConfig(source=NamedRegions()), fetch=False)
    assert (pooled.width, pooled.num_classes, pooled.max_regions) == (8, 0, len(QUARTERS))
    assert (detected.width, detected.num_classes, detected.max_regions) == (6, 4, 100)
    assert detected.trunk is None


def test_pixels_give_what_their_map_gives() -> None:
    regions, pixels = extractor(), torch.randn(2, 3, 16, 16)
    tokens = regions.encode(pixels)
    read = regions(inputs_of(2, 1, pixels=pixels)).regions
    stored = regions(inputs_of(2, 1, features=tokens)).regions
    torch.testing.assert_close(read.features, regions.boxes(tokens)[0])
    torch.testing.assert_close(stored.features, read.features)
    assert read.size_hw.tolist() == [[16, 32]] * 2
    assert read.in_mean.all()


def test_images_of_a_row_follow_each_other() -> None:
    regions, pixels = extractor(), torch.randn(3, 2, 3, 16, 16)
    images = regions(inputs_of(3, 2, pixels=pixels))
    rows = torch.tensor([2, 0])
    for place in (0, 1):
        wanted = regions.boxes(regions.encode(pixels[rows, place]))[0]
        torch.testing.assert_close(images.of_rows(rows, place).features, wanted)
    both = images.first_of_rows(rows, 2).features
    torch.testing.assert_close(both, regions.boxes(regions.encode(pixels[rows].flatten(0, 1)))[0])


def test_boxes_of_a_batch_take_the_place_of_the_grid() -> None:
    regions, pixels = extractor(box_source=Corners()), torch.randn(1, 3, 16, 16)
    boxes, valid = QUARTERS[None, None, 1:3], torch.tensor([[[True, False]]])
    read = regions(inputs_of(1, 1, pixels=pixels, boxes=boxes, valid=valid)).regions
    assert torch.equal(read.boxes_xyxy, boxes[0])
    assert read.valid.tolist() == read.in_mean.tolist() == [[True, False]]
    torch.testing.assert_close(read.features, regions.pool(regions.encode(pixels), boxes[0]))


def test_regions_of_a_source_are_taken_as_they_are() -> None:
    features, classes = torch.randn(2, 2, 3, 6), torch.rand(2, 2, 3, 4)
    valid = torch.tensor([[[True, True, False]] * 2] * 2)
    detected = RegionExtractor(TwelveInOneConfig(source=NamedRegions()), fetch=False)
    given = {"regions": features, "boxes": torch.rand(2, 2, 3, 4), "valid": valid, "classes": classes}
    images = detected(inputs_of(2, 2, **given))
    second = images.of_rows(torch.tensor([1]), 1)
    assert torch.equal(second.features[0], features[1, 1])
    assert second.classes is not None
    assert torch.equal(second.classes[0], classes[1, 1])
    assert second.valid.tolist() == second.in_mean.tolist() == [[True, True, False]]


# --- extra boxes


def test_extra_boxes_come_after_the_regions_of_the_first_image_and_out_of_its_mean() -> None:
    regions, pixels = extractor(), torch.randn(2, 2, 3, 16, 16)
    images = regions(inputs_of(2, 2, pixels=pixels))
    rows, valid = torch.tensor([1, 0]), torch.tensor([[True, True], [True, False]])
    boxes = torch.tensor([[[0.0, 0, 16, 8], [16, 8, 32, 16]], [[0, 0, 32, 16], [0, 0, 0, 0]]])
    found = images.with_extra_boxes(rows, {"extra_boxes": boxes, "valid": valid})
    relative = torch.stack([QUARTERS[[1, 4]], torch.stack([QUARTERS[0], torch.zeros(4)])])
    torch.testing.assert_close(found.boxes_xyxy[:, -2:], relative)
    torch.testing.assert_close(found.features[:, -2:], regions.pool(regions.encode(pixels[rows, 0]), relative))
    assert found.valid[:, -2:].tolist() == valid.tolist()
    assert found.in_mean.sum(-1).tolist() == [len(QUARTERS)] * 2
    torch.testing.assert_close(found.features[:, :-2], images.of_rows(rows).features)


def test_a_batch_whose_phrases_all_refer_to_nothing_has_no_extra_box() -> None:
    images = extractor()(inputs_of(2, 1, pixels=torch.randn(2, 3, 16, 16)))
    nothing = {"extra_boxes": torch.zeros(2, 0, 4), "valid": torch.zeros(2, 0, dtype=torch.bool)}
    found = images.with_extra_boxes(torch.tensor([0, 1]), nothing)
    assert torch.equal(found.features, images.regions.features)


def test_a_source_has_features_of_extra_boxes() -> None:
    detected = RegionExtractor(TwelveInOneConfig(source=NamedRegions()), fetch=False)
    valid = torch.ones(1, 1, 3, dtype=torch.bool)
    images = detected(inputs_of(1, 1, regions=torch.zeros(1, 1, 3, 6), boxes=torch.zeros(1, 1, 3, 4), valid=valid))
    extra = {"extra_boxes": torch.tensor([[[8.0, 4, 16, 8]]]), "extra_features": torch.full((1, 1, 6), 5.0)}
    found = images.with_extra_boxes(torch.tensor([0]), {**extra, "valid": torch.tensor([[True]])})
    assert found.features[0, -1].tolist() == [5] * 6
    assert found.boxes_xyxy[0, -1].tolist() == [0.25, 0.25, 0.5, 0.5]


# --- inputs that do not fit


def test_inputs_of_another_model_are_refused() -> None:
    pooled, detected = extractor(), RegionExtractor(TwelveInOneConfig(source=NamedRegions()), fetch=False)
    with pytest.raises(DataError, match="got rows without images; want an image in every row"):
        pooled({})
    with pytest.raises(DataError, match="got no pixels; want pixels or features"):
        pooled(inputs_of(1, 1))
    with pytest.raises(DataError, match="got no regions; want regions, since this model was built with a source"):
        detected(inputs_of(1, 1, pixels=torch.zeros(1, 3, 16, 16)))
    with pytest.raises(DataError, match="got pixels; want regions, since this model was built with a source"):
        detected.encode(torch.zeros(1, 3, 16, 16))
