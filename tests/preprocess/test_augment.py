"""RandAugment and erasing: of our generator, and nothing of the global ones is used up."""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from motet.core import ConfigError, MemoryImage, rng_for
from motet.preprocess.augment import RandAugment
from motet.preprocess.images import ImageTransform


def photo(size: tuple[int, int] = (32, 24)) -> Image.Image:
    pixels = rng_for("photo").integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_an_image_depends_on_the_generator_alone() -> None:
    augment, state = RandAugment(), (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    found = [np.asarray(augment.image(photo(), rng_for("draw", seed))) for seed in (0, 0, 1, 2, 3)]
    assert np.array_equal(found[0], found[1])
    assert len({one.tobytes() for one in found}) > 2
    assert all(one.shape == (24, 32, 3) for one in found)
    assert state == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_a_rectangle_of_noise_is_erased_in_the_share_of_images_that_is_asked_for() -> None:
    erased = 0
    for seed in range(400):
        values = RandAugment(erase=0.25).values(np.full((3, 20, 20), 9.0, np.float32), rng_for("erase", seed))
        changed = (values != 9).any(0)
        if changed.any():
            erased += 1
            rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
            assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 0.18 < erased / 400 < 0.32


def test_training_images_are_augmented_and_evaluated_ones_are_not(tmp_path) -> None:
    photo().save(tmp_path / "x.png")
    file = MemoryImage("x.png", (tmp_path / "x.png").read_bytes())
    plain = ImageTransform((16, 16))
    augmented = replace(plain, augment=RandAugment())
    assert np.array_equal(plain.read(file, frozenset(), None), augmented.read(file, frozenset(), None))
    found = augmented.read(file, frozenset(), rng_for("draw", 1))
    assert found.shape == (3, 16, 16)
    assert not np.allclose(found, plain.read(file, frozenset(), rng_for("draw", 1)), atol=0.1)


@pytest.mark.parametrize(("fields", "wanted"), [({"policy": "augmix"}, "policy: got"), ({"erase": 2}, "erase: got 2")])
def test_what_is_unknown_is_refused(fields: dict, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"RandAugment.{wanted}"):
        RandAugment(**fields)
