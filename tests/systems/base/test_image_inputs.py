"""An image of a row, as pixels or stored features, plain or with its geometry; blanks where a row has none."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from toys import label_task

from motet.core import Boxes, DataError, DiskImage, Example, MemoryImage, Task, rng_for
from motet.preprocess.augment import RandAugment
from motet.preprocess.geometry import Geometry
from motet.preprocess.images import ImageTransform, RandomCrop, Whole, decode
from motet.systems.base import ImageInputs, allowed_changes, one_image

BOTH = frozenset({"hflip", "crop"})


def image() -> MemoryImage:
    noise = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return MemoryImage("a.png", buffer.getvalue())


def inputs() -> ImageInputs:
    return ImageInputs(transform=ImageTransform((8, 12), crop=RandomCrop(0.5)))


class Store:
    """Gives view 2, and records what it was allowed."""

    def __init__(self) -> None:
        self.allowed: list[frozenset[str]] = []

    def read_view(self, image, allowed, rng):
        self.allowed.append(allowed)
        return np.ones((4, 6), dtype=np.float16), 2

    def read(self, image, allowed, rng):
        return self.read_view(image, allowed, rng)[0]


def test_a_geometry_gives_the_array_again() -> None:
    """Both ways of reading draw the same, and the geometry is the one that the pixels were read under."""
    changed = 0
    for key in range(8):
        array, geometry = inputs().array_and_geometry(image(), BOTH, rng_for("draw", key))
        np.testing.assert_array_equal(array, inputs().array(image(), BOTH, rng_for("draw", key)))
        np.testing.assert_array_equal(array, inputs().transform(decode(image()), geometry))
        changed += geometry != inputs().transform.plain((20, 30))
    assert changed == 8
    plain = inputs().array_and_geometry(image(), BOTH, None)[1]
    assert plain == Geometry((0, 0, 30, 20), False, (8, 12), (20, 30))


def test_maps_need_the_files_own_pixels_though_jpegs_may_be_decoded_smaller() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), "red").save(buffer, "JPEG")
    half = ImageInputs(transform=ImageTransform((8, 12), draft=True))
    assert half.array_and_geometry(MemoryImage("a.jpg", buffer.getvalue()), BOTH, None)[1].source_hw == (480, 640)


def test_a_stored_view_has_the_geometry_of_that_view() -> None:
    store = Store()
    stored = inputs().with_store(store)
    features, geometry = stored.array_and_geometry(image(), BOTH, rng_for("draw"))
    assert features.shape == (4, 6)
    np.testing.assert_array_equal(inputs().transform(decode(image()), geometry), stored.view(image(), 2))
    assert stored.array(image(), frozenset(), None).shape == (4, 6)
    assert store.allowed == [BOTH, frozenset()]


def test_rows_without_an_image_are_blank() -> None:
    pixels = np.full((3, 2, 2), 5, dtype=np.float32)
    found = inputs().collate([None, pixels])
    assert list(found) == ["pixels"]
    assert found["pixels"].dtype == torch.float32
    assert found["pixels"].sum((1, 2, 3)).tolist() == [0, 60]
    assert inputs().collate([None, None]) == {}
    features = inputs().with_store(Store()).collate([np.ones((4, 6), np.float16)])
    assert list(features) == ["features"]
    assert features["features"].dtype == torch.float16


def test_a_row_has_exactly_one_image() -> None:
    assert one_image(Example(id="x", images=(image(),))) == image()
    for images in ((), (image(), image())):
        with pytest.raises(DataError, match=f"x: images: got {len(images)}; want exactly one"):
            one_image(Example(id="x", images=images))


def test_allowed_is_what_all_tasks_allow_and_what_moves_along() -> None:
    label = label_task("class", invariant=BOTH)
    boxes = Task(
        name="boxes", inputs=frozenset({"image"}), label="boxes", target=Boxes(("dog",)), metrics=label.metrics,
        invariant=frozenset({"crop"}), equivariant=frozenset({"hflip"}),
    )  # fmt: skip
    assert allowed_changes([label]) == BOTH
    assert allowed_changes([label, boxes]) == {"crop"}
    assert allowed_changes([label, boxes], moved=[Boxes]) == BOTH


def test_the_key_changes_with_the_pixels_of_a_view() -> None:
    smaller = ImageInputs(transform=ImageTransform((8, 8), crop=RandomCrop(0.5)))
    assert len({inputs().view_key(), smaller.view_key()}) == 2


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pixels_of_a_cache_are_those_of_the_file_to_the_bit(tmp_path, monkeypatch, kind: str, draft: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (160, 240, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a", kind)
    file = DiskImage(tmp_path / "a")
    plain = ImageInputs(transform=ImageTransform((8, 12), crop=Whole(), antialias=True, draft=draft))
    cached = plain.with_cache(tmp_path / "cache")
    seen = set()
    for key in (None, *range(6)):
        draws = [None if key is None else rng_for("draw", key) for _ in range(4)]
        array, (moved, geometry) = cached.array(file, BOTH, draws[0]), cached.array_and_geometry(file, BOTH, draws[1])
        np.testing.assert_array_equal(array, plain.array(file, BOTH, draws[2]))
        expected = plain.array_and_geometry(file, BOTH, draws[3])
        np.testing.assert_array_equal(moved, expected[0])
        assert geometry == expected[1]
        seen.add(geometry.hflip)
    assert seen == {False, True}
    monkeypatch.setattr(DiskImage, "read", lambda self: pytest.fail("decoded again"))
    assert cached.array(file, BOTH, None).shape == (3, 8, 12)


def test_a_crop_is_decoded_from_the_file_each_time(tmp_path) -> None:
    cached = inputs().with_cache(tmp_path)
    for key in range(3):
        given = cached.array(image(), BOTH, rng_for("draw", key))
        np.testing.assert_array_equal(given, inputs().array(image(), BOTH, rng_for("draw", key)))
    assert not list(tmp_path.iterdir())
    cached.array(image(), frozenset(), rng_for("draw", 0))
    assert len(list(tmp_path.rglob("*.pixels"))) == 1


def test_a_cache_takes_no_augmentation_away(tmp_path) -> None:
    plain = ImageInputs(transform=ImageTransform((8, 12), crop=Whole(), augment=RandAugment()))
    cached = plain.with_cache(tmp_path)
    given = [cached.array(image(), BOTH, rng_for("draw", key)) for key in range(3)]
    for key, array in enumerate(given):
        np.testing.assert_array_equal(array, plain.array(image(), BOTH, rng_for("draw", key)))
    assert not np.array_equal(given[0], given[1])
