"""Reading and collating one image per row."""

from dataclasses import replace

import numpy as np
import pytest

from motet.core import ConfigError, DataError
from motet.systems.unit import ShortestSide

SMALL = ShortestSide(size=32, max_side=64, sizes=(24, 32), sizes_before_crop=(24, 32), crop_side=(16, 28))


def test_tasks_without_images_read_none(make, rows) -> None:
    system = make("pair", "vqa")
    assert system.processor.images.read(rows(0), [system.tasks["pair"]], None) == (None, None)


def test_a_row_has_exactly_one_image(make, rows) -> None:
    system, example = make("vqa"), rows(0)
    for images in ((), example.images * 2):
        with pytest.raises(DataError, match=f"e/0: images: got {len(images)}; want exactly one"):
            system.processor.images.read(replace(example, images=images), [system.tasks["vqa"]], None)


def test_a_batch_is_padded_to_the_stride(make, maps) -> None:
    inputs = make("vqa", config=maps, views=SMALL).processor.images
    images = [np.ones((3, h, w), np.float32) for h, w in ((5, 7), (inputs.stride, 3))]
    batch = inputs.collate([*images, None])
    assert batch["pixels"].shape == (3, 3, inputs.stride, inputs.stride)
    assert batch["valid"].sum((1, 2)).tolist()[:2] == [35, 3 * inputs.stride]
    assert float(batch["pixels"][1, :, :, 3:].abs().sum()) == 0
    exact = inputs.collate([np.ones((3, inputs.stride, inputs.stride), np.float32)])
    assert "valid" not in exact


def test_the_key_of_views_tells_sizes_apart(make, maps) -> None:
    one, other = (make("vqa", config=maps, views=v).processor.view_key() for v in (SMALL, replace(SMALL, size=30)))
    assert one != other


def test_only_images_of_one_size_can_be_kept(make, maps, tmp_path) -> None:
    with pytest.raises(ConfigError, match="want FixedSize, or no image_cache"):
        make("boxes", views=SMALL, trunk=maps.trunk).processor.with_image_cache(tmp_path)
    kept = make("boxes").processor.with_image_cache(tmp_path)
    assert kept.images.cache is not None
    assert make("pair").processor.with_image_cache(tmp_path).images is None
