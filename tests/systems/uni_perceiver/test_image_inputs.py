"""Images and frames of rows."""

from dataclasses import replace

import numpy as np
import pytest
from toy_uni_perceiver import CONFIG, row, task

from motet.core import DataError
from motet.preprocess.augment import RandAugment
from motet.preprocess.crops import SquareCrop
from motet.systems.uni_perceiver.image_inputs import UniPerceiverImageInputs, frame_indices
from motet.systems.uni_perceiver.parts import build_image_inputs


@pytest.fixture(scope="module")
def image_inputs() -> UniPerceiverImageInputs:
    return build_image_inputs(CONFIG, [task("class"), task("motion")], None)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 100])
@pytest.mark.parametrize("num_frames", [1, 4, 8])
def test_frames_are_in_order_one_per_part(count, num_frames) -> None:
    for rng in (None, np.random.default_rng(count)):
        indices = frame_indices(count, num_frames, rng)
        assert len(indices) == num_frames
        assert indices == sorted(indices)
        part = count / num_frames
        assert all(i * part - 1 < index < (i + 1) * part for i, index in enumerate(indices))
        assert set(indices) <= set(range(count))


def test_random_frames_differ_between_draws() -> None:
    rng = np.random.default_rng(0)
    assert len({tuple(frame_indices(100, 4, rng)) for _ in range(5)}) > 1


def test_a_text_has_no_image_and_a_match_any_number(image_inputs) -> None:
    assert image_inputs.read(row(0), [task("pair")], None) is None
    found = image_inputs.read(row(0, frames=3), [task("match")], None)
    assert (found.values.shape, found.video) == ((3, 3, 8, 8), False)


def test_a_video_has_the_frames_of_the_options(image_inputs) -> None:
    found = image_inputs.read(row(0, frames=5), [task("motion")], None)
    assert (found.values.shape, found.video) == ((2, 3, 8, 8), True)


def test_wrong_numbers_of_images(image_inputs) -> None:
    with pytest.raises(DataError, match="e/0: images: got 2; want exactly one"):
        image_inputs.read(row(0, frames=2), [task("class")], None)
    with pytest.raises(DataError, match="e/0: images: got 0; want exactly one"):
        image_inputs.read(row(0, images=()), [task("match")], None)
    with pytest.raises(DataError, match="e/0: images: got 2; want exactly one"):
        image_inputs.read(row(0, frames=2), [task("match"), task("class")], None)
    with pytest.raises(DataError, match="e/0: frames: got 0; want at least one"):
        image_inputs.read(row(0, images=()), [task("motion")], None)
    with pytest.raises(DataError, match=r"e/0: got tasks on images and tasks on videos: \['class', 'motion'\]"):
        image_inputs.read(row(0), [task("class"), task("motion")], None)


def test_rows_without_images_are_blank(image_inputs) -> None:
    image = image_inputs.read(row(0), [task("class")], None)
    found = image_inputs.collate([None, image])
    assert found["pixels"].shape == (2, 3, 8, 8)
    assert not found["pixels"][0].any()
    assert found["pixels"][1].any()
    assert image_inputs.collate([None, None]) == {}
    video = image_inputs.read(row(0, frames=2), [task("motion")], None)
    assert set(image_inputs.collate([video])) == {"frames"}
    with pytest.raises(DataError, match="batch: got images and videos"):
        image_inputs.collate([image, video])


class Store:
    """Stored features, the same for every view."""

    def read(self, image, invariant, rng):
        del image, invariant, rng
        return np.ones((4, 5), dtype=np.float16)


def test_stored_features_replace_pixels(image_inputs) -> None:
    stored = replace(image_inputs, store=Store())
    found = stored.collate([stored.read(row(0), [task("class")], None)])
    assert {name: value.shape for name, value in found.items()} == {"features": (1, 4, 5)}
    video = stored.collate([stored.read(row(0, frames=2), [task("motion")], None)])
    assert {name: value.shape for name, value in video.items()} == {"frame_features": (1, 2, 4, 5)}


def test_the_key_changes_with_the_pixels() -> None:
    keys = {
        build_image_inputs(replace(CONFIG, **changes), [task("class")], None).view_key()
        for changes in ({}, {"antialias": False}, {"patches": replace(CONFIG.patches, size=16)})
    }
    assert len(keys) == 3


def test_a_task_has_frames_crops_and_augmentations_of_its_own() -> None:
    config = replace(
        CONFIG, frames_of={"motion": 3}, crop_of={"class": SquareCrop()}, augment_of={"class": RandAugment(erase=1.0)}
    )
    inputs = build_image_inputs(config, [task("class"), task("motion")], None)
    assert inputs.read(row(0, frames=5), [task("motion")], None).values.shape[0] == 3
    cropped = inputs.transform_of["class"]
    assert (cropped.crop, cropped.augment) == (SquareCrop(), RandAugment(erase=1.0))
    plain = build_image_inputs(CONFIG, [task("class")], None)
    rng = (np.random.default_rng(0), np.random.default_rng(0))
    changed, kept = (one.read(row(0), [task("class")], r).values for one, r in zip((inputs, plain), rng, strict=True))
    assert changed.shape == kept.shape
    assert not np.allclose(changed, kept)
    evaluated = (one.read(row(0), [task("class")], None).values for one in (inputs, plain))
    assert np.array_equal(*evaluated)
